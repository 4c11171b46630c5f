//! `serve`: the embedded server, on its own.

use std::{collections::BTreeSet, fs, future::pending, io, net::IpAddr, path::PathBuf};

use tokio::select;
use ucwa_server::{Fault, HttpConfig, Server, ServerConfig, TlsIdentity, User};

use crate::{
    End, account, admin::Admin, args::Serve, complain, interrupt::Interrupt, output::Output,
    password, secret_variables::SecretVariables, server_file, state_file::StateFile, watch, web,
};

pub(crate) async fn run(args: Serve) -> End {
    let hosting = match Hosting::of(&args) {
        Ok(hosting) => hosting,
        Err(why) => {
            complain(why);
            return End::Usage;
        }
    };
    match serve(&args, hosting).await {
        Ok(()) => End::Well,
        Err(error) => {
            complain(format_args!("cannot serve at {}: {error}", args.listen));
            match error.kind() {
                io::ErrorKind::InvalidData => End::Usage,
                _ => End::NotDone,
            }
        }
    }
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
        let sandbox = args.config.is_none() && args.users.is_empty();
        check_reach(args, sandbox)?;
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
            web::serve(&mut http, args.origin.clone())?;
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

/// Refuses to listen beyond loopback with public passwords, with passwords on the command line, or without TLS.
fn check_reach(args: &Serve, sandbox: bool) -> Result<(), String> {
    if args.listen.ip().is_loopback() {
        return Ok(());
    }
    let address = args.listen;
    let why = if sandbox {
        "the passwords of the built-in users are public. Give --config, or --user with --password-file"
    } else if args.users.iter().any(account::Account::has_password) {
        "a password on the command line is visible to all users of the machine. Give --config, or --user without a password"
    } else if args.tls.is_none() && args.tls_cert.is_none() && !args.plain_http {
        "without TLS, passwords and tokens can be read on the network. Give --tls-cert and --tls-key, or --tls, or else --plain-http"
    } else {
        return Ok(());
    };
    Err(format!("not listening at {address}: {why}"))
}

fn given_users(args: &Serve) -> Result<Vec<User>, String> {
    let mut users = Vec::new();
    let mut known = BTreeSet::new();
    for account in &args.users {
        let password = || {
            password::read(
                args.password_file.as_deref(),
                SecretVariables::USER.password,
            )
        };
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

async fn serve(args: &Serve, hosting: Hosting) -> io::Result<()> {
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
    let mut output = Output::stdout();
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
    let administer = async {
        match &admin {
            Some(admin) => admin.serve(&server).await,
            None => pending().await,
        }
    };
    let watch = async {
        if args.watch {
            watch::run(&server, &root, &mut output).await;
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
