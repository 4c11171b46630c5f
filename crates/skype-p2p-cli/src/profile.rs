//! An application for the user that the command line names.

use std::time::Duration;

use skype_p2p::{Application, Credentials, HyperTransport, Root, SignInError, SignInErrorKind};
#[cfg(feature = "windows-auth")]
use skype_p2p::{HyperConfig, WindowsCredentials};
use tokio::time::timeout;

use crate::{End, args::SignIn, complain, password, token};

/// How long leaving the server clean may take; after that the process ends all the same.
const FAREWELL: Duration = Duration::from_secs(4);

/// The application, and what it signs in with. Complains when there is none.
pub(crate) fn application(args: &SignIn) -> Option<(Application, Credentials)> {
    let (transport, credentials) = proof(args).map_err(complain).ok()?;
    let mut builder = Application::builder()
        .root(Root::Url(args.root.clone()))
        .transport(args.faults.upon(transport, 0))
        .on_token(token::ask);
    if let Some(id) = &args.endpoint_id {
        builder = builder.endpoint_id(id);
    }
    for suffix in &args.trust {
        builder = builder.trust_suffix(suffix);
    }
    let application = builder.build().map_err(complain).ok()?;
    Some((application, credentials))
}

/// How the user proves who he is, and the transport, which has its part in it where he has a Windows account.
fn proof(args: &SignIn) -> Result<(HyperTransport, Credentials), String> {
    if args.bearer {
        return Ok((HyperTransport::new(), Credentials::bearer(&args.user)));
    }
    let password = password::read(args.password_file.as_deref())?;
    #[cfg(feature = "windows-auth")]
    if let Some(account) = &args.windows_account {
        let (domain, user) = account.split_once('\\').unwrap_or(("", account));
        let account = WindowsCredentials::new(user, domain, &password);
        let mut config = HyperConfig::default();
        config.windows = Some(account.map_err(|error| error.to_string())?);
        let transport = HyperTransport::with_config(config);
        return Ok((transport, Credentials::windows(&args.user)));
    }
    let credentials = Credentials::password(&args.user, password);
    Ok((HyperTransport::new(), credentials))
}

/// Complains about a failed sign-in, with all that is known of it.
pub(crate) fn refused(error: &SignInError) -> End {
    complain(error);
    match error.kind() {
        SignInErrorKind::InvalidArgument => End::Usage,
        _ => End::SignIn,
    }
}

/// Signs out, within bounds.
pub(crate) async fn sign_out(application: &Application) {
    match timeout(FAREWELL, application.sign_in_manager().sign_out()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => complain(format_args!(
            "signed out, but the server was not told: {reason:#}"
        )),
        Err(_) => complain("signed out, but the server did not answer"),
    }
}
