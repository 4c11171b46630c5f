//! `chat`: a client for the terminal.
//!
//! It has three parts. The [`state`] changes by inputs and updates and returns effects; the [`view`] draws it. Both are free of
//! I/O. The shell is here, in [`terminal`] and in [`session`]: it reads the keys, reports the changes of the model, and carries
//! out the effects.

#[cfg(test)]
mod fixture;
mod job_control;
mod layout;
mod links;
mod options;
mod painter;
mod printable_text;
mod session;
mod state;
mod terminal;
mod timeline_lines;
mod view;
mod wrapping;

use std::{
    env,
    io::{self, IsTerminal as _, stdin},
    pin::pin,
    sync::Arc,
};

use jiff::tz::TimeZone;
use skype_p2p::SignInState;
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

use self::{
    job_control::{JobControl, JobSignal},
    printable_text::PrintableText,
    session::Session,
    state::{
        State,
        update::{Connection, Effect},
    },
    terminal::Screen,
    view::theme::Theme,
};
pub use self::{options::Chat, view::theme::ThemeName};
use crate::{
    End,
    config::Settings,
    console::{Color, Console},
    failure::Failure,
    interrupt::Interrupt,
    secret_variables::SecretVariables,
    sign_in::{self, Client},
};

/// The inputs, or the updates, that are applied between two drawings of the screen.
const BATCH: usize = 1000;

pub(crate) async fn run(
    args: Chat,
    settings: &Settings,
    color: Color,
    console: Console,
) -> Result<End, Failure> {
    let client = Client::new(&args.sign_in, settings)?;
    let with = match &args.with {
        Some(name) => Some(client.addresses.user(name).map_err(|why| {
            Failure::usage(format!("Cannot chat with {name:?}: {why}."))
                .with_hint("an address is user@domain, with or without sip:")
        })?),
        None => None,
    };
    terminal::check()?;
    let typed_tokens = client.password.is_none()
        && env::var_os(SecretVariables::USER.token).is_none()
        && stdin().is_terminal();
    if typed_tokens {
        return Err(
            Failure::usage("Cannot chat: the keys would be read as tokens.")
                .with_hint("put the token into SKYPE_P2P_TOKEN"),
        );
    }
    let application = client.application.clone();
    let end = chat(client, with, &args, color).await;
    // The terminal is restored already.
    sign_in::sign_out(&application, console).await;
    end
}

/// Runs the client from the sign-in to the end. The user can type during the sign-in.
async fn chat(
    client: Client,
    with: Option<String>,
    args: &Chat,
    color: Color,
) -> Result<End, Failure> {
    let no_handler = |error: io::Error| Failure::other(error.to_string());
    let mut interrupt = Interrupt::catch().map_err(no_handler)?;
    let mut job_control = JobControl::catch().map_err(no_handler)?;
    let theme = Theme::new(args.theme, colors(color));
    let panicked = Arc::new(Notify::new());
    let mut screen = Screen::open(args.mouse, Arc::clone(&panicked))?;
    let mut state = State::signing_in(&client.user, Screen::size(), TimeZone::system());
    let (sender, mut updates) = unbounded_channel();
    let application = client.application.clone();
    let mut sign_in = pin!(async {
        client.sign_in(None).await?;
        // The screen is open: no detail is written.
        let silent = Console::default();
        args.archiving.turn_on(&application, silent).await
    });
    let mut session = None;
    let sign_in_state = application.sign_in_manager().state();
    // Polled only after the sign-in, and begins to wait when it is polled.
    let mut signed_out = pin!(async { sign_in_state.wait_for(SignInState::SignedOut).await });
    let mut inputs = terminal::inputs();
    let mut hung_up = pin!(terminal::hung_up());
    loop {
        screen.draw(&state, &theme)?;
        let effects = tokio::select! {
            () = interrupt.received() => return Ok(End::Well),
            () = &mut hung_up => return Ok(End::Well),
            signal = job_control.received() => match signal {
                JobSignal::Suspend => vec![Effect::Suspend],
                JobSignal::Continue => {
                    screen.resume()?;
                    Vec::new()
                }
            },
            () = panicked.notified() => {
                return Err(Failure::other("The client has failed because of a defect."));
            }
            signed_in = &mut sign_in, if session.is_none() => {
                signed_in?;
                let signed_in = Session::new(&application, sender.clone());
                state.connection = Connection::Connected;
                let effects = match &with {
                    Some(address) => vec![Effect::Open { address: address.clone() }],
                    None => state.apply_held_inputs(),
                };
                session = Some(signed_in);
                effects
            }
            _ = &mut signed_out, if session.is_some() => {
                return Err(Failure::session_ended(sign_in_state.reason().as_ref()));
            }
            input = inputs.recv() => match input {
                Some(input) => apply_all(&mut state, State::on_input, input, &mut inputs),
                // The terminal cannot be read.
                None => return Ok(End::Well),
            },
            Some(update) = updates.recv() => apply_all(&mut state, State::on_update, update, &mut updates),
        };
        for effect in effects {
            match (effect, &session) {
                (Effect::Quit, _) => return Ok(End::Well),
                (Effect::Redraw, _) => screen.clear(),
                (Effect::Ring, _) => Screen::ring(),
                (Effect::Suspend, _) => {
                    if !screen.suspend()? {
                        let why = "No shell could continue the client, so it is not suspended.";
                        state.notice = Some(PrintableText::line(why));
                    }
                }
                (effect, Some(session)) => session.perform(effect),
                // Before the sign-in is complete, the state asks for nothing else.
                (_, None) => {}
            }
        }
    }
}

/// Applies a change of the state and those that have arrived behind it, so that many of them cause one drawing.
fn apply_all<T>(
    state: &mut State,
    apply: fn(&mut State, T) -> Vec<Effect>,
    first: T,
    more: &mut UnboundedReceiver<T>,
) -> Vec<Effect> {
    let mut effects = apply(state, first);
    for _ in 0..BATCH {
        match more.try_recv() {
            Ok(next) => effects.extend(apply(state, next)),
            Err(_) => break,
        }
    }
    effects
}

/// Whether the screen has colours. The crate for the terminal also reads `NO_COLOR`, so that `--color always` has to say so.
fn colors(color: Color) -> bool {
    let colors = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    crossterm::style::force_color_output(colors);
    colors
}
