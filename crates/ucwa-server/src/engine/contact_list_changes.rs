//! The requests that change a contact list, and the events that report the changes (`myGroups2_ref`, `group2_ref`,
//! `myGroupMemberships2_ref`, `addToContactList_ref`, `removeFromContactList_ref`).

use ucwa_proto::{Event, EventKind, EventLink, SipUri};

use super::Engine;
use super::contact_list::{Change, ContactList};
use super::dispatch::check_condition;
use super::events::Source;
use super::exchange::{Exchange, Fields};
use super::group_id::GroupId;
use super::groups::membership_resource;
use super::identifiers::ApplicationId;
use super::records::DurableRecord;
use super::reply::{Refusal, Reply};
use super::routes;
use crate::config;

/// The maximum length of the name of a group, and of the ID of a group (`myGroups2_ref`).
const LONGEST_NAME: usize = 256;
/// The maximum length of the URI of a contact (`myGroupMemberships2_ref`).
const LONGEST_URI: usize = 250;

impl Engine {
    /// POST myGroups: creates a group.
    pub(super) fn create_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        let name = exchange.fields()?.required("displayName", LONGEST_NAME)?;
        self.change_list(id, |list| list.create_group(name))
    }

    /// PUT group: renames it.
    pub(super) fn rename_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        let list = self.contact_list(id)?;
        let version = list.custom_group(group).ok_or(Refusal::NOT_FOUND)?.version;
        check_condition(exchange, &version.to_string())?;
        let fields = exchange.fields()?;
        fields.check_marker(&list.marker)?;
        let name = fields.required("name", LONGEST_NAME)?;
        self.change_list(id, |list| list.rename_group(group, name))
    }

    /// DELETE group.
    pub(super) fn delete_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        self.change_list(id, |list| list.delete_group(group))
    }

    /// POST myGroupMemberships: adds a contact to a group.
    pub(super) fn add_to_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        let fields = exchange.fields()?;
        let address = contact(&fields)?;
        let group = match fields.limited("groupId", LONGEST_NAME)? {
            Some(text) => Some(GroupId::parse(&text).ok_or(Refusal::NOT_FOUND)?),
            None => None,
        };
        if self.user_at(&address).is_none() {
            return Err(Refusal::NOT_FOUND);
        }
        self.change_list(id, |list| list.add(&address, group))?;
        let group = group.unwrap_or(GroupId::Default);
        Ok(membership_resource(id, group, &address).into())
    }

    /// DELETE myGroupMembership: removes a contact from a group.
    pub(super) fn remove_from_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        group: GroupId,
        address: &str,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        self.change_list(id, |list| list.remove(address, group))
    }

    /// POST removeContactFromAllGroups: removes a contact from the list.
    pub(super) fn remove_from_all_groups(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        let address = contact(&exchange.fields()?)?;
        self.change_list(id, |list| list.unlist(&address))
    }

    /// POST addToContactList: adds a distribution group to the list.
    pub(super) fn add_distribution_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        fields.required("displayName", LONGEST_NAME)?;
        let address = fields.required("smtpAddress", LONGEST_URI)?;
        let position = self
            .distribution_group_named(&address.to_lowercase())
            .ok_or(Refusal::NOT_FOUND)?;
        self.change_list(id, |list| list.add_distribution_group(position))
    }

    /// POST removeFromContactList: removes a distribution group from the list.
    pub(super) fn remove_distribution_group(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let group = exchange.fields()?.required("groupId", LONGEST_NAME)?;
        let Some(GroupId::Distribution(position)) = GroupId::parse(&group) else {
            return Err(Refusal::NOT_FOUND);
        };
        self.change_list(id, |list| list.remove_distribution_group(position))
    }

    /// Changes the contact list of the application's user, and reports the changes to the subscribed applications.
    fn change_list(
        &mut self,
        id: ApplicationId,
        change: impl FnOnce(&mut ContactList) -> Result<Vec<Change>, Refusal>,
    ) -> Result<Reply, Refusal> {
        let address = self.application(id)?.address.clone();
        let changes = self.contact_lists.change(&address, change)?;
        self.changed(|| DurableRecord::ContactList(address.clone()));
        for application in self.list_subscribers(&address) {
            for change in &changes {
                self.emit(application, Source::People, event(application, change));
            }
        }
        for change in &changes {
            self.tell_delegate(&address, change);
        }
        Ok(Reply::Done)
    }

    /// Reports to a user who became a delegate, or who is no longer a delegate, that their group of delegators has changed.
    fn tell_delegate(&mut self, delegator: &str, change: &Change) {
        let (kind, delegate) = match change {
            Change::Joined(GroupId::Delegates, delegate) => (EventKind::Added, delegate),
            Change::Left(GroupId::Delegates, delegate) => (EventKind::Deleted, delegate),
            _ => return,
        };
        for application in self.list_subscribers(delegate) {
            let event = member_event(application, GroupId::Delegators, delegator, kind.clone());
            self.emit(application, Source::People, event);
        }
    }
}

/// The address of the contact that the input names.
fn contact(fields: &Fields<'_>) -> Result<String, Refusal> {
    let uri = fields.required("contactUri", LONGEST_URI)?;
    match SipUri::parse(&uri) {
        Ok(uri) => Ok(config::address(&uri)),
        Err(_) => Err(Refusal::parameter("A parameter isn't a SIP URI.")),
    }
}

/// The event that reports a change to an application. The changed resource is a link only, as in the published samples.
fn event(id: ApplicationId, change: &Change) -> Event<'static> {
    match change {
        Change::Listed(address) => list_event(id, address, EventKind::Added),
        Change::Unlisted(address) => list_event(id, address, EventKind::Deleted),
        Change::Joined(group, address) => member_event(id, *group, address, EventKind::Added),
        Change::Left(group, address) => member_event(id, *group, address, EventKind::Deleted),
        Change::GroupAdded(group) => group_event(id, *group, EventKind::Added),
        Change::GroupRenamed(group) => {
            let link = EventLink::new(group.rel(), group.href(id));
            Event::new(EventKind::Updated, link)
        }
        Change::GroupDeleted(group) => group_event(id, *group, EventKind::Deleted),
    }
}

fn list_event(id: ApplicationId, address: &str, kind: EventKind) -> Event<'static> {
    let link = EventLink::new("contact", routes::contact(id, address));
    Event::new(kind, link).within(EventLink::new("myContacts", routes::my_contacts(id)))
}

fn member_event(
    id: ApplicationId,
    group: GroupId,
    address: &str,
    kind: EventKind,
) -> Event<'static> {
    let link = EventLink::new("contact", routes::contact(id, address));
    Event::new(kind, link).within(EventLink::new(group.rel(), group.href(id)))
}

fn group_event(id: ApplicationId, group: GroupId, kind: EventKind) -> Event<'static> {
    let link = EventLink::new(group.rel(), group.href(id));
    Event::new(kind, link).within(EventLink::new("myGroups", routes::my_groups(id)))
}
