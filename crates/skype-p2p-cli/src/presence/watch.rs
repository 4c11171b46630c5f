//! `presence watch`: writes each change until it is interrupted.

use std::sync::Arc;

use skype_p2p::{Change, Person, SignInState, Subscriptions};
use tokio::{sync::Notify, time::timeout_at};

use super::{Snapshot, read};
use crate::{
    End, failure::Failure, interrupt::Interrupt, output::Output, session::Session, sign_in,
};

pub(crate) async fn run(
    session: Session,
    persons: Vec<Person>,
    json: bool,
) -> Result<End, Failure> {
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (console, application) = (session.console, session.application());
    let mut output = Output::stdout();
    let work = follow(session, &persons, json, &mut output);
    let end = tokio::select! {
        end = work => end,
        () = interrupt.received() => Ok(End::Well),
    };
    sign_in::sign_out(&application, console).await;
    let end = end?;
    output.check().map(|()| end)
}

/// Writes the presence of each person, and again after each change, until the session ends or the output cannot take more.
async fn follow(
    session: Session,
    persons: &[Person],
    json: bool,
    output: &mut Output,
) -> Result<End, Failure> {
    let (deadline, application) = (session.deadline(), session.application());
    session.client.sign_in(Some(deadline)).await?;
    let changed = Arc::new(Notify::new());
    let mut listeners = Subscriptions::new();
    let state = application.sign_in_manager().state();
    listeners.add(state.changed(notifies(&changed)));
    for person in persons {
        listeners.add(person.status().subscribe());
        listeners.add(person.note().subscribe());
        listeners.add(person.status().changed(notifies(&changed)));
        listeners.add(person.activity().changed(notifies(&changed)));
        listeners.add(person.note().changed(notifies(&changed)));
    }
    let reads: Vec<_> = persons.iter().map(read).collect();
    for read in reads {
        timeout_at(deadline, read)
            .await
            .unwrap_or_else(|_| Err(Failure::no_answer_in_time()))?;
    }
    let mut written: Vec<Option<Snapshot>> = vec![None; persons.len()];
    loop {
        for (person, written) in persons.iter().zip(&mut written) {
            let now = Snapshot::of(person);
            if written.as_ref() != Some(&now) {
                if !output.line(now.render(json)) {
                    return Ok(End::Well);
                }
                *written = Some(now);
            }
        }
        if state.get() == SignInState::SignedOut {
            return Err(Failure::session_ended(state.reason().as_ref()));
        }
        changed.notified().await;
    }
}

/// A listener that wakes the task that waits for `changed`.
fn notifies<T>(changed: &Arc<Notify>) -> impl Fn(&Change<T>) + Send + Sync + use<T> {
    let changed = Arc::clone(changed);
    move |_| changed.notify_one()
}
