//! `contacts`: reads and changes the contact list of the user.

mod options;
mod report;

use skype_p2p::{Group, Person, PersonsAndGroupsManager};

pub use self::options::{
    ContactGroup, ContactsChange, ContactsCommand, ContactsList, ContactsMove,
};
use self::report::{Change, contact};
use crate::{
    End,
    config::Settings,
    console::Console,
    failure::Failure,
    groups::{find_group, group_label},
    output::Output,
    session::{Session, address, refused},
};

pub(crate) async fn run(
    command: ContactsCommand,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    let session = Session::new(command.session(), settings, console)?;
    let persons = match command.persons() {
        Some(persons) => session.persons(persons)?,
        None => Vec::new(),
    };
    let manager = session.application().persons_and_groups_manager();
    let list = ContactList { manager, console };
    session
        .run(async |output| match &command {
            ContactsCommand::List(args) => list.write(args, output).await,
            ContactsCommand::Add(args) => list.add(&persons, args, output).await,
            ContactsCommand::Move(args) => list.relocate(&persons, args, output).await,
            ContactsCommand::Remove(args) => list.remove(&persons, args, output).await,
        })
        .await
}

/// The contact list of the user.
struct ContactList {
    manager: PersonsAndGroupsManager,
    console: Console,
}

impl ContactList {
    /// Writes a line for each contact.
    async fn write(&self, args: &ContactsList, output: &mut Output) -> Result<End, Failure> {
        let refused = |reason| refused("Cannot read the contact list", &reason);
        let all = self.manager.all();
        let group = self.group(&args.group).await?;
        let persons = group.unwrap_or_else(|| all.clone()).persons().fetch().await;
        let persons = persons.map_err(refused)?;
        // One request loads the groups of all persons.
        let memberships: Vec<_> = persons.iter().map(|it| it.groups().fetch()).collect();
        for (person, groups) in persons.iter().zip(memberships) {
            let groups = groups.await.map_err(refused)?;
            let groups = groups.iter().map(group_label).collect();
            output.line(contact(person, groups, args.lines.json));
        }
        Ok(End::Well)
    }

    async fn add(
        &self,
        persons: &[Person],
        args: &ContactsChange,
        output: &mut Output,
    ) -> Result<End, Failure> {
        let group = self.group(&args.group).await?;
        let to = group.as_ref().map(group_label);
        let target = group.unwrap_or_else(|| self.manager.all()).persons();
        let change = Change::added(to);
        self.each(persons, args.lines.json, output, &change, async |person| {
            target.add(person).await
        })
        .await
    }

    async fn remove(
        &self,
        persons: &[Person],
        args: &ContactsChange,
        output: &mut Output,
    ) -> Result<End, Failure> {
        let group = self.group(&args.group).await?;
        let from = group.as_ref().map(group_label);
        let source = group.unwrap_or_else(|| self.manager.all()).persons();
        let change = Change::removed(from);
        self.each(persons, args.lines.json, output, &change, async |person| {
            source.remove(person).await
        })
        .await
    }

    async fn relocate(
        &self,
        persons: &[Person],
        args: &ContactsMove,
        output: &mut Output,
    ) -> Result<End, Failure> {
        let from = find_group(&self.manager, &args.from).await?;
        let to = find_group(&self.manager, &args.to).await?;
        let change = Change::moved(group_label(&from), group_label(&to));
        self.each(persons, args.lines.json, output, &change, async |person| {
            from.move_person(person, &to).await
        })
        .await
    }

    async fn group(&self, args: &ContactGroup) -> Result<Option<Group>, Failure> {
        match &args.group {
            Some(name) => find_group(&self.manager, name).await.map(Some),
            None => Ok(None),
        }
    }

    /// Makes a change for each person, one after the other. A refused change is reported, and the others are made.
    async fn each(
        &self,
        persons: &[Person],
        json: bool,
        output: &mut Output,
        change: &Change,
        make: impl AsyncFn(&Person) -> Result<(), skype_p2p::Reason>,
    ) -> Result<End, Failure> {
        let mut end = End::Well;
        for person in persons {
            match make(person).await {
                Ok(()) => drop(output.line(change.render(person, json))),
                Err(reason) => {
                    let what = format!("Cannot {} {}", change.verb(), address(person));
                    let failure = refused(&what, &reason);
                    self.console.error(&failure);
                    end = failure.end();
                }
            }
        }
        Ok(end)
    }
}
