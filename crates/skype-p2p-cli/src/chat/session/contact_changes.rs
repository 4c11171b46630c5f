//! Makes the changes of the contact list that the user asks for.

use skype_p2p::{Group, Person, PersonsAndGroupsManager};
use tokio::sync::mpsc::UnboundedSender;

use super::send;
use crate::{
    chat::{
        printable_text::PrintableText,
        state::update::{ContactChange, Update},
    },
    session::why_refused,
};

/// Makes a change. The groups report its effect when the server has reported it. A failure is a notice.
pub(super) async fn make(
    manager: PersonsAndGroupsManager,
    change: ContactChange,
    updates: UnboundedSender<Update>,
) {
    let what = what_failed(&change);
    if let Err(why) = (ContactList { manager }).change(change).await {
        let notice = PrintableText::line(&format!("{what}: {why}."));
        send(&updates, Update::Notice(notice));
    }
}

/// The beginning of the sentence about a change that failed.
fn what_failed(change: &ContactChange) -> String {
    let plain = |address: &str| address.trim_start_matches("sip:").to_owned();
    match change {
        ContactChange::Add { address, .. } => format!("{} could not be added", plain(address)),
        ContactChange::Move { address, .. } => format!("{} could not be moved", plain(address)),
        ContactChange::Remove { address, .. } => {
            format!("{} could not be removed", plain(address))
        }
        ContactChange::CreateGroup { name } => format!("The group {name} could not be created"),
        ContactChange::RenameGroup { .. } => "The group could not be renamed".to_owned(),
        ContactChange::RemoveGroup { .. } => "The group could not be removed".to_owned(),
    }
}

struct ContactList {
    manager: PersonsAndGroupsManager,
}

impl ContactList {
    /// Makes a change. The error is the reason in words.
    async fn change(&self, change: ContactChange) -> Result<(), String> {
        let changed = match change {
            ContactChange::Add { address, group } => {
                let group = self.group_or_list(group.as_deref())?;
                group.persons().add(&*address).await
            }
            ContactChange::Move { address, from, to } => {
                let (from, to) = (self.group(&from)?, self.group(&to)?);
                from.move_person(&self.person(&address)?, &to).await
            }
            ContactChange::Remove { address, group } => {
                let group = self.group_or_list(group.as_deref())?;
                group.persons().remove(&self.person(&address)?).await
            }
            ContactChange::CreateGroup { name } => {
                let group = self.manager.create_group(&name);
                self.manager.all().groups().add(&group).await
            }
            ContactChange::RenameGroup { group, name } => self.group(&group)?.set_name(&name).await,
            ContactChange::RemoveGroup { group } => {
                let group = self.group(&group)?;
                self.manager.all().groups().remove(&group).await
            }
        };
        changed.map_err(|reason| why_refused(&reason))
    }

    fn person(&self, address: &str) -> Result<Person, String> {
        let person = self.manager.get_person(address);
        person.map_err(|reason| why_refused(&reason))
    }

    /// The group with this ID, or without an ID the whole contact list.
    fn group_or_list(&self, id: Option<&str>) -> Result<Group, String> {
        id.map_or_else(|| Ok(self.manager.all()), |id| self.group(id))
    }

    fn group(&self, id: &str) -> Result<Group, String> {
        let groups = self.manager.all().groups().snapshot();
        let mut groups = groups.into_iter();
        groups
            .find(|group| group.id().get().as_deref() == Some(id))
            .ok_or_else(|| "the group is no longer in the contact list".to_owned())
    }
}
