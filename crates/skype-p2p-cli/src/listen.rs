//! `listen`: writes invitations and messages, and answers them if the options say so.

mod automatic_answers;
mod exec;
mod filter;
mod options;
mod program;
mod responder;

use tokio::sync::mpsc;

use self::{filter::Filter, responder::Responder};
pub use self::{
    filter::Sender,
    options::{Accept, Listen},
};
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    interrupt::Interrupt,
    json_line,
    observer::{Observation, Observer},
    output::Output,
    sign_in::{self, Client},
    timeline::Event,
};

pub(crate) async fn run(
    args: Listen,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    check_archiving(&args)?;
    let mut lines = Lines::new(&args)?;
    let client = Client::new(&args.sign_in, settings)?;
    let application = client.application.clone();
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (sender, mut observations) = mpsc::unbounded_channel();
    let _observer = Observer::new(&client.user, &application, move |observation| {
        // The receiver is dropped when the command ends.
        let _ = sender.send(observation);
    });
    let mut responder = Responder::new(&application, client.user.clone(), &args, console);

    let filter = Filter::new(&args);
    let mut sign_in = std::pin::pin!(async {
        client.sign_in(None).await?;
        args.archiving.turn_on(&application, console).await
    });
    let mut signed_in = false;
    let end = loop {
        tokio::select! {
            // The result of the sign-in is taken before the observations, so that the end of the session is reported after it.
            biased;
            () = interrupt.received() => break Ok(End::Well),
            result = &mut sign_in, if !signed_in => match result {
                Ok(()) => signed_in = true,
                Err(failure) => break Err(failure),
            },
            Some(observation) = observations.recv() => {
                if filter.shows(&observation) && !lines.write(&observation) {
                    break Ok(End::Well);
                }
                responder.on(&observation, filter.accepts(&observation));
                let line = &observation.line;
                if signed_in && line.event == Event::SignInState && line.new == "SignedOut" {
                    let reason = application.sign_in_manager().state().reason();
                    break Err(Failure::session_ended(reason.as_ref()));
                }
            }
        }
    };
    responder.stop().await;
    sign_in::sign_out(&application, console).await;
    while let Ok(observation) = observations.try_recv() {
        if filter.shows(&observation) {
            lines.write(&observation);
        }
    }
    let end = end?;
    lines.check().map(|()| end)
}

/// Checks that the options accept every invitation, as a server with an archive does.
fn check_archiving(args: &Listen) -> Result<(), Failure> {
    let accepts_all = args.accept == Accept::All && args.from.is_empty();
    if args.archiving.archive && !accepts_all {
        let sentence = "A server that archives accepts every invitation for the user.";
        let hint = "give --accept all with --archive, and no --from";
        return Err(Failure::usage(sentence).with_hint(hint));
    }
    Ok(())
}

/// The lines, on standard output and in the transcript.
struct Lines {
    json: bool,
    output: Output,
    transcript: Option<Output>,
}

impl Lines {
    fn new(args: &Listen) -> Result<Self, Failure> {
        let transcript = args.transcript.as_deref().map(Output::append);
        Ok(Self {
            json: args.lines.json,
            output: Output::stdout(),
            transcript: transcript.transpose()?,
        })
    }

    /// Writes one observation. False if standard output or the transcript cannot take it.
    fn write(&mut self, observation: &Observation) -> bool {
        let json = json_line::json(observation);
        let transcribed = self.transcript.as_mut().is_none_or(|it| it.line(&json));
        let written = if self.json {
            self.output.line(&json)
        } else {
            self.output.line(&observation.line)
        };
        written && transcribed
    }

    fn check(&self) -> Result<(), Failure> {
        self.output.check()?;
        self.transcript.as_ref().map_or(Ok(()), Output::check)
    }
}
