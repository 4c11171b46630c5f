//! Commands that sign a user in, send requests, and sign out: the options that they share, and their run.

use std::time::Duration;

use clap::Args;
use skype_p2p::{Application, Person, Reason, ReasonCode};
use tokio::time::{Instant, timeout_at};

use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    interrupt::Interrupt,
    output::Output,
    sign_in::{self, Client, SignIn},
    time_limit::TimeLimit,
};

/// The options of a command that sends requests as a signed-in user.
#[derive(Debug, Args)]
pub struct SessionOptions {
    /// The time limit.
    #[command(flatten)]
    pub limit: TimeLimit,
    /// The user, the server and the credentials.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// The persons of a command.
#[derive(Debug, Args)]
pub struct Persons {
    /// The persons: SIP addresses, with or without sip:
    #[arg(required = true)]
    pub sip: Vec<String>,
}

/// A user who is about to sign in for a command.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) console: Console,
    timeout: Duration,
}

impl Session {
    /// Builds the application and reads the password. No request is sent.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used, or there is no password.
    pub(crate) fn new(
        options: &SessionOptions,
        settings: &Settings,
        console: Console,
    ) -> Result<Self, Failure> {
        Ok(Self {
            client: Client::new(&options.sign_in, settings)?,
            console,
            timeout: options.limit.timeout,
        })
    }

    pub(crate) fn application(&self) -> Application {
        self.client.application.clone()
    }

    /// The person with this name on the command line. No request is sent.
    ///
    /// # Errors
    ///
    /// If the name is not an address.
    pub(crate) fn person(&self, name: &str) -> Result<Person, Failure> {
        let address = self.client.addresses.user(name);
        let address = address.unwrap_or_else(|_| name.to_owned());
        let manager = self.client.application.persons_and_groups_manager();
        manager.get_person(&address).map_err(|reason| {
            Failure::usage(format!("{name:?} is not a SIP address."))
                .with_hint("an address is user@domain, with or without sip:")
                .with_cause(format!("{reason:#}"))
        })
    }

    /// The persons of the command line, each once.
    ///
    /// # Errors
    ///
    /// If a name is not an address.
    pub(crate) fn persons(&self, args: &Persons) -> Result<Vec<Person>, Failure> {
        let mut persons = Vec::new();
        for name in &args.sip {
            let person = self.person(name)?;
            if !persons.contains(&person) {
                persons.push(person);
            }
        }
        Ok(persons)
    }

    /// The end of the time limit, which begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Signs in, runs `requests`, and signs out. The time limit and a signal end the requests.
    ///
    /// # Errors
    ///
    /// If the sign-in fails, the requests fail or take too long, or the output cannot be written.
    pub(crate) async fn run(
        self,
        requests: impl AsyncFnOnce(&mut Output) -> Result<End, Failure>,
    ) -> Result<End, Failure> {
        let mut interrupt =
            Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
        let (deadline, console, application) = (self.deadline(), self.console, self.application());
        let mut output = Output::stdout();
        let work = async {
            let sign_in = self.client.sign_in(Some(deadline));
            console.progress("signing in …", sign_in).await?;
            let requests = timeout_at(deadline, requests(&mut output));
            console
                .progress("waiting for the server …", requests)
                .await
                .unwrap_or_else(|_| Err(Failure::no_answer_in_time()))
        };
        let end = tokio::select! {
            end = work => end,
            () = interrupt.received() => {
                console.notice("Interrupted.");
                Ok(End::Unknown)
            }
        };
        sign_in::sign_out(&application, console).await;
        let end = end?;
        output.check().map(|()| end)
    }
}

/// The address of a person without `sip:`.
pub(crate) fn address(person: &Person) -> String {
    let uri = person.id().get();
    uri.strip_prefix("sip:").unwrap_or(&uri).to_owned()
}

/// The failure of a request: `what` is the beginning of a sentence, such as "Cannot search for people".
pub(crate) fn refused(what: &str, reason: &Reason) -> Failure {
    Failure::other(format!("{what}: {}.", why_refused(reason))).with_cause(format!("{reason:#}"))
}

/// Why the server did not carry out a request: the end of a sentence.
pub(crate) fn why_refused(reason: &Reason) -> String {
    let details = reason.details();
    let not_found = details.is_some_and(|details| details.code.as_deref() == Some("NotFound"));
    match reason.code() {
        _ if not_found => "there is no such person or group".to_owned(),
        ReasonCode::Timeout => "the server did not answer in time".to_owned(),
        ReasonCode::Throttled => "the server is too busy".to_owned(),
        ReasonCode::Unreachable | ReasonCode::ConnectionLost => {
            "the connection to the server was lost".to_owned()
        }
        ReasonCode::SignedOut => "the session ended".to_owned(),
        ReasonCode::NotSupported => (reason.message())
            .unwrap_or("the server does not offer it, or a policy forbids it")
            .to_owned(),
        ReasonCode::Partial => {
            "only the first half was done, and the person is in both groups".to_owned()
        }
        // The text of the library, which checks the arguments.
        ReasonCode::InvalidArgument => details
            .and_then(|details| details.message.as_deref())
            .or_else(|| reason.message())
            .unwrap_or("a value is not valid")
            .to_owned(),
        ReasonCode::CommandDisabled => (reason.cause().and_then(Reason::message))
            .unwrap_or("it is not possible now")
            .to_owned(),
        _ => match details.and_then(|details| details.message.as_deref()) {
            Some(message) => {
                let message = message.trim_end_matches('.');
                format!("the server refused the request: {message}")
            }
            None => "the server refused the request".to_owned(),
        },
    }
}
