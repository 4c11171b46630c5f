//! `chat`: a client for the terminal.
//!
//! It has three parts. The [`state`] changes by inputs and updates and returns effects; the [`view`] draws it. Both are free of
//! I/O. The shell is here, in [`terminal`] and in [`session`]: it reads the keys, reports the changes of the model, and carries
//! out the effects.

#[cfg(test)]
mod fixture;
mod layout;
mod links;
mod options;
mod printable_text;
mod session;
mod state;
mod terminal;
mod timeline_lines;
mod view;
mod wrapping;

use std::{env, sync::Arc};

use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use skype_p2p::{Application, SignInState};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

pub use self::{options::Chat, view::theme::ThemeName};
use self::{
    session::Session,
    state::{
        State,
        update::{Effect, Update},
    },
    terminal::Screen,
    view::theme::Theme,
};
use crate::{
    End,
    config::Settings,
    console::{Color, Console},
    failure::Failure,
    interrupt::Interrupt,
    sign_in::{self, Client},
};

/// The updates that are applied between two drawings of the screen.
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
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (application, user) = (client.application.clone(), client.user.clone());
    let end = tokio::select! {
        signed_in = client.sign_in(None) => match signed_in {
            Ok(()) => chat(&application, &user, with, &args, color, &mut interrupt).await,
            Err(failure) => Err(failure),
        },
        () = interrupt.received() => Ok(End::Well),
    };
    // The terminal is restored already.
    sign_in::sign_out(&application, console).await;
    end
}

/// Runs the client from the sign-in to the end.
async fn chat(
    application: &Application,
    user: &str,
    with: Option<String>,
    args: &Chat,
    color: Color,
    interrupt: &mut Interrupt,
) -> Result<End, Failure> {
    let theme = Theme::new(args.theme, colors(color));
    let panicked = Arc::new(Notify::new());
    let mut screen = Screen::open(args.mouse, Arc::clone(&panicked))?;
    let mut state = State::new(user, screen.size(), TimeZone::system());
    let (sender, mut updates) = unbounded_channel();
    let session = Session::new(application, sender);
    if let Some(address) = with {
        session.perform(Effect::Open { address });
    }
    let sign_in_state = application.sign_in_manager().state();
    let mut signed_out = std::pin::pin!(sign_in_state.wait_for(SignInState::SignedOut));
    let mut events = EventStream::new();
    loop {
        screen.draw(&state, &theme)?;
        let effects = tokio::select! {
            () = interrupt.received() => return Ok(End::Well),
            () = panicked.notified() => {
                return Err(Failure::other("The client has failed because of a defect."));
            }
            _ = &mut signed_out => {
                return Err(Failure::session_ended(sign_in_state.reason().as_ref()));
            }
            event = events.next() => match event {
                Some(Ok(event)) => match terminal::input(event) {
                    Some(input) => state.on_input(input),
                    None => continue,
                },
                // The terminal was closed.
                Some(Err(_)) | None => return Ok(End::Well),
            },
            Some(update) = updates.recv() => apply(&mut state, update, &mut updates),
        };
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(End::Well),
                Effect::Redraw => screen.clear()?,
                effect => session.perform(effect),
            }
        }
    }
}

/// Applies an update and those that have arrived behind it, so that many of them cause one drawing.
fn apply(
    state: &mut State,
    update: Update,
    updates: &mut UnboundedReceiver<Update>,
) -> Vec<Effect> {
    let mut effects = state.on_update(update);
    for _ in 0..BATCH {
        match updates.try_recv() {
            Ok(update) => effects.extend(state.on_update(update)),
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
