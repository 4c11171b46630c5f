//! Sends one message, retries until a deadline, and reports the result by the exit code.
//!
//! ```sh
//! CHAT_PASSWORD=secret cargo run -p skype-p2p --example alert -- toshm@contoso.com lenea@contoso.com "The disk is full"
//! ```

use std::{env, process::ExitCode, time::Duration};

use skype_p2p::{
    Application, BuildError, Credentials, ReasonCode, Root, SignInError, SignInErrorKind,
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

const DEADLINE: Duration = Duration::from_secs(300);
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const SIGN_OUT: Duration = Duration::from_secs(5);

/// The result of an alert. The numbers are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered = 0,
    NotDelivered = 1,
    Usage = 2,
    /// The message may have been delivered.
    Unknown = 3,
    NoSignIn = 4,
}

pub(crate) struct Alert {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

/// A failed attempt.
struct Failed {
    outcome: Outcome,
    message: String,
    /// Whether another attempt cannot deliver the message twice, and may succeed.
    retry: bool,
}

impl Alert {
    /// Sends the message. Each attempt builds an application, so that a retry also recovers from a lost session.
    pub(crate) async fn send(
        &self,
        build: impl Fn() -> Result<Application, BuildError>,
        deadline: Duration,
    ) -> Outcome {
        let deadline = Instant::now() + deadline;
        let mut pause = FIRST_PAUSE;
        loop {
            let application = match build() {
                Ok(application) => application,
                Err(error) => {
                    eprintln!("{error}");
                    return Outcome::Usage;
                }
            };
            let attempt = self.attempt(&application, deadline).await;
            // The server would show the user as online for some minutes if its application were not deleted.
            let _ = timeout(SIGN_OUT, application.sign_in_manager().sign_out()).await;
            let Err(failed) = attempt else {
                return Outcome::Delivered;
            };
            eprintln!("{}", failed.message);
            if !failed.retry || Instant::now() + pause >= deadline {
                return failed.outcome;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&self, application: &Application, deadline: Instant) -> Result<(), Failed> {
        let credentials = Credentials::password(&self.user, &self.password);
        let sign_in = application.sign_in_manager().sign_in(credentials);
        match timeout_at(deadline, sign_in).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(no_sign_in(&error)),
            Err(_) => {
                return Err(Failed {
                    outcome: Outcome::NoSignIn,
                    message: "cannot sign in: no response before the deadline".to_owned(),
                    retry: false,
                });
            }
        }
        let conversation = application
            .conversations_manager()
            .get_conversation(&self.to)
            .map_err(|reason| Failed {
                outcome: Outcome::Usage,
                message: format!("{} is not an address: {reason:#}", self.to),
                retry: false,
            })?;
        let sent = conversation.chat_service().send_message(&*self.text);
        let unknown = |message| Failed {
            outcome: Outcome::Unknown,
            message,
            retry: false,
        };
        match timeout_at(deadline, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) if *reason.code() == ReasonCode::DeliveryUnknown => {
                Err(unknown(format!("may not be delivered: {reason:#}")))
            }
            Ok(Err(reason)) => Err(Failed {
                outcome: Outcome::NotDelivered,
                message: format!("not delivered: {reason:#}"),
                // After these, the person may be reached later.
                retry: matches!(
                    reason.code(),
                    ReasonCode::Busy
                        | ReasonCode::Missed
                        | ReasonCode::Dropped
                        | ReasonCode::Failed
                        | ReasonCode::RequestFailed
                        | ReasonCode::ConnectionLost
                ),
            }),
            Err(_) => Err(unknown("no delivery result before the deadline".to_owned())),
        }
    }
}

/// A sign-in is retried if the server could not be reached. Wrong credentials are never sent again: servers lock accounts.
fn no_sign_in(error: &SignInError) -> Failed {
    Failed {
        outcome: Outcome::NoSignIn,
        message: error.to_string(),
        retry: matches!(
            error.kind(),
            SignInErrorKind::Unreachable { .. } | SignInErrorKind::Interrupted
        ),
    }
}

/// The server is discovered from the address of the user, unless `CHAT_ROOT` has its URL.
fn build() -> Result<Application, BuildError> {
    let root = env::var("CHAT_ROOT").map_or(Root::Domain, Root::Url);
    Application::builder().root(root).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let ([user, to, text], Ok(password)) = (arguments.as_slice(), env::var("CHAT_PASSWORD")) else {
        eprintln!("usage: CHAT_PASSWORD=… alert USER TO TEXT");
        return ExitCode::from(Outcome::Usage as u8);
    };
    let alert = Alert {
        user: user.clone(),
        password,
        to: to.clone(),
        text: text.clone(),
    };
    ExitCode::from(alert.send(build, DEADLINE).await as u8)
}
