//! `serve`: the embedded server, on its own.

use std::{collections::BTreeSet, io, net::SocketAddr};

use ucwa_server::{Server, ServerConfig, User};

use crate::{End, account, args::Serve, complain, interrupt::Interrupt, output::Output};

pub(crate) async fn run(args: Serve) -> End {
    let users: Vec<User> = args.users.into_iter().map(|account| account.0).collect();
    let mut names = BTreeSet::new();
    for user in &users {
        if !names.insert(user.uri.as_str().to_ascii_lowercase()) {
            complain(format_args!("the user {} is given twice", user.uri));
            return End::Usage;
        }
    }
    match serve(args.listen, users).await {
        Ok(()) => End::Well,
        Err(error) => {
            complain(format_args!("cannot serve at {}: {error}", args.listen));
            End::NotDone
        }
    }
}

async fn serve(listen: SocketAddr, users: Vec<User>) -> io::Result<()> {
    let mut interrupt = Interrupt::catch()?;
    let sandbox = users.is_empty();
    let users = if sandbox {
        account::sandbox().map_err(io::Error::other)?.into()
    } else {
        users
    };
    let server = Server::bind(listen, ServerConfig::new(users.clone())).await?;

    let mut output = Output::stdout();
    output.line(server.root_url());
    for user in users {
        if sandbox {
            output.line(format_args!(
                "{} {} (password {})",
                user.uri, user.display_name, user.password
            ));
        } else {
            output.line(format_args!("{} {}", user.uri, user.display_name));
        }
    }
    interrupt.received().await;
    server.shutdown().await;
    Ok(())
}
