//! Sends one message, retries until a deadline, and reports the result by the exit code.
//!
//! ```sh
//! CHAT_PASSWORD=secret cargo run -p skype-p2p --example alert -- toshm@contoso.com lenea@contoso.com "The disk is full"
//! ```

use std::{env, process::ExitCode, time::Duration};

use skype_p2p::{Application, BuildError, ChatService, Credentials, Resend, Root, SignInErrorKind};
use tokio::time::{Instant, sleep, timeout, timeout_at};

const TIME_LIMIT: Duration = Duration::from_secs(300);
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

impl Alert {
    /// Signs in, sends the message and signs out. `time` is the limit for everything before the sign-out.
    pub(crate) async fn send(
        &self,
        build: impl Fn() -> Result<Application, BuildError>,
        time: Duration,
    ) -> Outcome {
        let deadline = Instant::now() + time;
        let application = match self.sign_in(build, deadline).await {
            Ok(application) => application,
            Err(outcome) => return outcome,
        };
        let outcome = match application
            .conversations_manager()
            .get_conversation(&self.to)
        {
            Ok(conversation) => {
                let chat = conversation.chat_service();
                self.deliver(&application, &chat, deadline).await
            }
            Err(reason) => {
                eprintln!("{} is not an address: {reason}", self.to);
                Outcome::Usage
            }
        };
        // The server would show the user as online for some minutes if its application were not deleted.
        let _ = timeout(SIGN_OUT, application.sign_in_manager().sign_out()).await;
        outcome
    }

    /// Signs in, and tries again while the server cannot be reached.
    async fn sign_in(
        &self,
        build: impl Fn() -> Result<Application, BuildError>,
        deadline: Instant,
    ) -> Result<Application, Outcome> {
        let mut pause = FIRST_PAUSE;
        loop {
            // An application signs in once, so each attempt needs another one.
            let application = build().map_err(|error| {
                eprintln!("{error}");
                Outcome::Usage
            })?;
            let credentials = Credentials::password(&self.user, &self.password);
            let sign_in = application.sign_in_manager().sign_in(credentials);
            let Ok(result) = timeout_at(deadline, sign_in).await else {
                eprintln!("cannot sign in: no response before the deadline");
                return Err(Outcome::NoSignIn);
            };
            let Err(error) = result else {
                return Ok(application);
            };
            eprintln!("{error}");
            // Wrong credentials are never sent again: servers lock accounts.
            let may_succeed_later = matches!(
                error.kind(),
                SignInErrorKind::Unreachable { .. } | SignInErrorKind::Interrupted
            );
            if !may_succeed_later || Instant::now() + pause >= deadline {
                return Err(Outcome::NoSignIn);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends the message, and sends it again while that is safe.
    async fn deliver(
        &self,
        application: &Application,
        chat: &ChatService,
        deadline: Instant,
    ) -> Outcome {
        let time = deadline.saturating_duration_since(Instant::now());
        let Err(reason) = application
            .send_message_within(chat, &*self.text, time)
            .await
        else {
            return Outcome::Delivered;
        };
        eprintln!("not delivered: {reason}");
        match reason.resend() {
            Resend::MayDuplicate => Outcome::Unknown,
            Resend::Later | Resend::Futile => Outcome::NotDelivered,
        }
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
    ExitCode::from(alert.send(build, TIME_LIMIT).await as u8)
}
