//! `listen`: writes invitations and messages, and answers them if the options say so.

mod echo;
mod options;
mod responder;

use tokio::sync::mpsc;

pub use self::options::{Accept, Listen};
use self::responder::Responder;
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    interrupt::Interrupt,
    observer::{Observation, Observer},
    output::Output,
    record,
    sign_in::{self, Client},
    timeline::Event,
};

pub(crate) async fn run(
    args: Listen,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let client = Client::new(&args.sign_in, settings)?;
    let application = client.application.clone();
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (sender, mut observations) = mpsc::unbounded_channel();
    let _observer = Observer::new(&client.user, &application, move |observation| {
        // The receiver is dropped when the command ends.
        let _ = sender.send(observation);
    });
    let mut responder = Responder::new(&application, client.user.clone(), &args, console);

    let mut output = Output::stdout();
    let mut sign_in = std::pin::pin!(client.sign_in(None));
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
                if !output.line(written(&observation, args.json)) {
                    break Ok(End::Well);
                }
                responder.on(&observation);
                let line = &observation.line;
                if signed_in && line.event == Event::SignInState && line.new == "SignedOut" {
                    let reason = application.sign_in_manager().state().reason();
                    break Err(Failure::session_ended(reason.as_ref()));
                }
            }
        }
    };
    sign_in::sign_out(&application, console).await;
    while let Ok(observation) = observations.try_recv() {
        output.line(written(&observation, args.json));
    }
    let end = end?;
    output.check().map(|()| end)
}

fn written(observation: &Observation, json: bool) -> String {
    if json {
        record::json(observation)
    } else {
        observation.line.to_string()
    }
}
