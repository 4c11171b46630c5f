//! `presence`: reads, publishes and follows presence.

mod options;
mod snapshot;
mod watch;

use skype_p2p::{MePerson, Note, Person, PersonStatus};

pub use self::options::{Availability, PresenceCommand, PresenceOf, PresenceSet};
use self::snapshot::Snapshot;
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    output::Output,
    session::{Session, address, refused},
};

pub(crate) async fn run(
    command: PresenceCommand,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let session = Session::new(command.session(), settings, console)?;
    match command {
        PresenceCommand::Get(args) => {
            let persons = session.persons(&args.persons)?;
            session
                .run(async |output| get(&persons, args.lines.json, console, output).await)
                .await
        }
        PresenceCommand::Set(args) => {
            let me = session.application().me();
            session
                .run(async |output| set(&me, args, output).await)
                .await
        }
        PresenceCommand::Watch(args) => {
            let persons = session.persons(&args.persons)?;
            watch::run(session, persons, args.lines.json).await
        }
    }
}

/// Writes the presence of each person. A person who cannot be read is reported, and the others are written.
async fn get(
    persons: &[Person],
    json: bool,
    console: Console,
    output: &mut Output,
) -> Result<End, Failure> {
    let mut end = End::Well;
    let reads: Vec<_> = persons.iter().map(read).collect();
    for (person, read) in persons.iter().zip(reads) {
        match read.await {
            Ok(()) => drop(output.line(Snapshot::of(person).render(json))),
            Err(failure) => {
                console.error(&failure);
                end = failure.end();
            }
        }
    }
    Ok(end)
}

/// Reads the presence of a person. The requests are sent when this returns, so that those of several persons share a batch.
fn read(person: &Person) -> impl Future<Output = Result<(), Failure>> + use<> {
    let (status, note) = (person.status().fetch(), person.note().fetch());
    let address = address(person);
    async move {
        let read = async {
            status.await?;
            note.await.map(drop)
        };
        read.await
            .map_err(|reason| refused(&format!("Cannot read the presence of {address}"), &reason))
    }
}

/// Publishes the note and the status, and writes what the server accepted.
async fn set(me: &MePerson, args: PresenceSet, output: &mut Output) -> Result<End, Failure> {
    if let Some(text) = args.note {
        let note = Some(text)
            .filter(|text| !text.is_empty())
            .map(Note::personal);
        let set = me.note().set(note).await;
        set.map_err(|reason| refused("Cannot set the note", &reason))?;
    }
    let set = match PersonStatus::try_from(args.availability) {
        Ok(status) => me.status().set(status).await.map(drop),
        Err(_) => me.reset_status().await,
    };
    set.map_err(|reason| refused("Cannot set the status", &reason))?;
    output.line(Snapshot::of(&me.person()).render(args.lines.json));
    Ok(End::Well)
}
