//! An application for the user that the command line names.

use std::time::Duration;

use skype_p2p::{Application, Credentials, Root, SignInError, SignInErrorKind};
use tokio::time::timeout;

use crate::{End, args::SignIn, complain, password};

/// How long leaving the server clean may take; after that the process ends all the same.
const FAREWELL: Duration = Duration::from_secs(4);

/// The application, and what it signs in with. Complains when there is none.
pub(crate) fn application(args: &SignIn) -> Option<(Application, Credentials)> {
    let password = password::read(args.password_file.as_deref())
        .map_err(complain)
        .ok()?;
    let mut builder = Application::builder()
        .root(Root::Url(args.root.clone()))
        .transport(args.faults.transport(0));
    for suffix in &args.trust {
        builder = builder.trust_suffix(suffix);
    }
    let application = builder.build().map_err(complain).ok()?;
    Some((application, Credentials::password(&args.user, password)))
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
            "signed out, but the server was not told: {reason}"
        )),
        Err(_) => complain("signed out, but the server did not answer"),
    }
}
