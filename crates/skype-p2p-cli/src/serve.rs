//! `serve`: the embedded server, on its own.

use std::{collections::BTreeSet, fs, future::pending, io, net::IpAddr, path::PathBuf};

use tokio::select;
use ucwa_server::{Fault, HttpConfig, Server, ServerConfig, TlsIdentity, User};

use crate::{
    End, account, admin::Admin, args::Serve, failure::Failure, interrupt::Interrupt,
    output::Output, password, secret_variables::SecretVariables, server_file,
    state_file::StateFile, watch, web,
};

pub(crate) async fn run(args: Serve) -> Result<End, Failure> {
    check_reach(&args)?;
    if args.web {
        web::check()?;
    }
    let hosting =
        Hosting::of(&args).map_err(|why| Failure::usage(format!("Cannot serve: {why}.")))?;
    let mut output = Output::stdout();
    serve(&args, hosting, &mut output).await.map_err(|error| {
        let sentence = format!("Cannot serve at {}: {error}.", args.listen);
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Failure::usage(sentence),
            io::ErrorKind::AddrInUse => Failure::other(sentence)
                .with_hint("another program listens there: give another port with --listen"),
            _ => Failure::other(sentence),
        }
    })?;
    output.check().map(|()| End::Well)
}

/// The settings of the server, from the command line and the file.
struct Hosting {
    server: ServerConfig,
    http: HttpConfig,
    faults: Vec<Fault>,
    state: Option<StateFile>,
    /// Whether the users are those of the published examples, whose passwords are public.
    sandbox: bool,
}

impl Hosting {
    fn of(args: &Serve) -> Result<Self, String> {
        let sandbox = is_sandbox(args);
        let (mut server, mut http, faults, state) = match &args.config {
            Some(path) => {
                let file = server_file::read(path)?;
                (file.server, file.http, file.faults, file.state)
            }
            None => {
                let users = if sandbox {
                    account::sandbox()?.into()
                } else {
                    given_users(args)?
                };
                let server = ServerConfig::new(users);
                (server, HttpConfig::default(), Vec::new(), None)
            }
        };
        server.origin.clone_from(&args.origin);
        http.proxies = args.proxies.iter().map(IpAddr::to_canonical).collect();
        http.tls = certificate(args)?;
        if args.web {
            web::serve(&mut http, args.origin.clone());
        }
        let state = args.state.as_ref().or(state.as_ref());
        let state = state.map(|path| StateFile::open(path)).transpose()?;
        Ok(Self {
            server,
            http,
            faults,
            state,
            sandbox,
        })
    }
}

/// Whether the users are those of the published examples.
fn is_sandbox(args: &Serve) -> bool {
    args.config.is_none() && args.users.is_empty()
}

/// Refuses to listen beyond loopback with public passwords, with passwords on the command line, or without TLS.
fn check_reach(args: &Serve) -> Result<(), Failure> {
    if args.listen.ip().is_loopback() {
        return Ok(());
    }
    let (why, hint) = if is_sandbox(args) {
        (
            "the passwords of the built-in users are public",
            "give --config, or --user with --password-file",
        )
    } else if args.users.iter().any(account::Account::has_password) {
        (
            "a password on the command line is visible to all users of the machine",
            "give --config, or --user without a password",
        )
    } else if args.tls.is_none() && args.tls_cert.is_none() && !args.plain_http {
        (
            "without TLS, passwords and tokens can be read on the network",
            "give --tls-cert and --tls-key, or --tls, or else --plain-http",
        )
    } else {
        return Ok(());
    };
    let sentence = format!("Cannot serve at {}: {why}.", args.listen);
    Err(Failure::usage(sentence).with_hint(hint))
}

fn given_users(args: &Serve) -> Result<Vec<User>, String> {
    let mut users = Vec::new();
    let mut known = BTreeSet::new();
    for account in &args.users {
        let password = || password::read(args.password_file.as_deref(), SecretVariables::USER);
        let user = account.clone().user(password)?;
        if !known.insert(user.uri.as_str().to_ascii_lowercase()) {
            return Err(format!("the user {} is given twice", user.uri));
        }
        users.push(user);
    }
    Ok(users)
}

/// The given certificate, or a generated one, whose root is written.
fn certificate(args: &Serve) -> Result<Option<TlsIdentity>, String> {
    if let (Some(certificates), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        let identity = TlsIdentity::from_pem(&read(certificates)?, &read(key)?)
            .map_err(|error| format!("{}: {error}", certificates.display()))?;
        return Ok(Some(identity));
    }
    let (Some(_), Some(file)) = (args.tls, &args.tls_root) else {
        return Ok(None);
    };
    let mut names = BTreeSet::from(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    if !args.listen.ip().is_unspecified() {
        names.insert(args.listen.ip().to_string());
    }
    names.extend(args.origin.as_deref().map(host));
    let names: Vec<String> = names.into_iter().collect();
    let (identity, root) = TlsIdentity::self_signed(names).map_err(|error| error.to_string())?;
    fs::write(file, root).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(Some(identity))
}

/// The host of an origin, as a certificate names it.
fn host(origin: &str) -> String {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    host.trim_matches(['[', ']']).to_owned()
}

/// Serves until a signal, or until the output cannot take the first lines.
async fn serve(args: &Serve, hosting: Hosting, output: &mut Output) -> io::Result<()> {
    let mut interrupt = Interrupt::catch()?;
    let users = hosting.server.users.clone();
    let admin = match args.admin {
        Some(address) => Some(Admin::bind(address).await?),
        None => None,
    };
    let (config, http) = (hosting.server, hosting.http);
    let server = match hosting.state {
        Some(state) => {
            let path = state.path().display().to_string();
            let bound = Server::bind_with_store(args.listen, config, http, state).await;
            bound.map_err(|error| match error.kind() {
                kind @ io::ErrorKind::InvalidData => {
                    io::Error::new(kind, format!("the state in {path} is damaged: {error}"))
                }
                _ => error,
            })?
        }
        None => Server::bind_with(args.listen, config, http).await?,
    };
    for fault in hosting.faults {
        server.inject(fault).await?;
    }

    let root = match &args.origin {
        Some(origin) => format!("{origin}/"),
        None => server.root_url(),
    };
    output.line(&root);
    for user in users {
        if hosting.sandbox {
            output.line(format_args!(
                "{} {} (password {})",
                user.uri, user.display_name, user.password
            ));
        } else {
            output.line(format_args!("{} {}", user.uri, user.display_name));
        }
    }
    if args.web {
        output.line(format_args!("chat page: {root}chat/"));
    }
    if let Some(admin) = &admin {
        output.line(format_args!("faults: {}", admin.url()?));
    }
    if output.check().is_err() {
        server.shutdown().await;
        return Ok(());
    }
    let administer = async {
        match &admin {
            Some(admin) => admin.serve(&server).await,
            None => pending().await,
        }
    };
    let watch = async {
        if args.watch {
            watch::run(&server, &root, output).await;
        } else {
            pending::<()>().await;
        }
    };
    select! {
        () = interrupt.received() => {}
        () = administer => {}
        () = watch => {}
        () = server.failed() => return Err(io::Error::other("the server has failed")),
    }
    server.shutdown().await;
    Ok(())
}
