//! Changes that the user makes to the contact list.
//!
//! A change completes with the response of its last request. The event that reports the change is final, and so is a read
//! of the lists, which follows if no event arrives.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, Response};
use ucwa_proto::{Origin, Resource, SipUri};

use super::lists::gone;
use super::{ContactsPurpose, ContactsTimer, is_of_contacts, not_supported, purpose, timer};
use crate::contact_list::{ContactList, ContactsOperation, GroupKey, GroupKind};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::people::{People, invalid, key_of, not_offered};
use crate::response::Effect;
use crate::text_limits;

/// The header that a server of the older revision refuses, so that it does nothing by mistake (`Versioning`).
const MIN_VERSION: HeaderName = HeaderName::from_static("x-ms-requiresminresourceversion");
/// How long the event that reports a change may take before the list is read instead.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// A change in progress.
#[derive(Debug)]
pub(super) struct Change {
    operation: ContactsOperation,
    stage: ChangeStage,
}

#[derive(Debug)]
enum ChangeStage {
    /// Waits for this list, which tells the hrefs.
    Waiting(ContactList),
    /// The one request of the change.
    Only,
    /// POST myGroupMemberships, the first part of a move.
    Adding,
    /// GET the memberships, one of which is to be deleted.
    Finding,
    /// DELETE a membership; these follow.
    Deleting(VecDeque<String>),
    /// GET the group that is to be renamed, for the first or the second time.
    ReadingGroup { again: bool },
    /// PUT the group.
    Renaming { again: bool },
}

impl People {
    pub(super) fn submit_change(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        operation: ContactsOperation,
    ) {
        if let Err(failure) = check(&operation) {
            return core.complete(ticket, Err(failure));
        }
        if self.contacts.read_only && needs_revision(&operation) {
            return core.complete(ticket, Err(read_only()));
        }
        let stage = ChangeStage::Only;
        self.contacts
            .changes
            .insert(ticket, Change { operation, stage });
        self.begin_change(core, ticket);
    }

    /// Sends the first request of a change, or waits for the lists that it needs.
    fn begin_change(&mut self, core: &mut Core, ticket: Ticket) {
        let Some(change) = self.contacts.changes.get_mut(&ticket) else {
            return;
        };
        let loaded = &self.contacts.loaded;
        let needed = needed_lists(&change.operation);
        let missing = needed.into_iter().find(|list| !loaded.contains(list));
        if let Some(list) = missing {
            change.stage = ChangeStage::Waiting(list.clone());
            return self.read_list(core, list, None);
        }
        let operation = change.operation.clone();
        let first = self.first_request(core, ticket, &operation);
        self.go_on(core, ticket, first);
    }

    /// Continues the changes that wait for a list.
    pub(super) fn continue_changes(
        &mut self,
        core: &mut Core,
        list: &ContactList,
        result: &Result<(), Failure>,
    ) {
        let waiting: Vec<_> = (self.contacts.changes.iter())
            .filter(|(_, it)| matches!(&it.stage, ChangeStage::Waiting(on) if on == list))
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in waiting {
            match result {
                Ok(()) => self.begin_change(core, ticket),
                Err(failure) => self.end_change(core, ticket, Err(failure.clone())),
            }
        }
    }

    /// Enters the next stage, and sends its request.
    fn go_on(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        next: Result<(ChangeStage, Exchange), Failure>,
    ) {
        match next {
            Ok((stage, exchange)) => {
                if let Some(change) = self.contacts.changes.get_mut(&ticket) {
                    change.stage = stage;
                    core.issue(exchange);
                }
            }
            Err(failure) => self.end_change(core, ticket, Err(failure)),
        }
    }

    fn first_request(
        &self,
        core: &Core,
        ticket: Ticket,
        operation: &ContactsOperation,
    ) -> Result<(ChangeStage, Exchange), Failure> {
        let contacts = &self.contacts;
        let post = |href: &str, input: Resource<'static>| {
            let exchange = request(core, ticket, Method::POST, href)?;
            Ok(core.with_input(exchange, &input))
        };
        match operation {
            ContactsOperation::AddContact { address, group } => {
                self.post_membership(core, ticket, address, group.as_ref(), ChangeStage::Only)
            }
            ContactsOperation::MoveContact { address, to, .. } => {
                self.post_membership(core, ticket, address, Some(to), ChangeStage::Adding)
            }
            ContactsOperation::RemoveContact { group, .. } => {
                self.find_memberships(core, ticket, group.as_ref())
            }
            ContactsOperation::AddGroup { name } => {
                let href = contacts.my_groups.as_deref();
                let href = href.ok_or_else(|| not_offered("myGroups"))?;
                let input = Resource::anonymous().with_property("displayName", name.clone());
                Ok((ChangeStage::Only, versioned(post(href, input)?)))
            }
            ContactsOperation::AddDistributionGroup { name, uri } => {
                let record = contacts.records.distribution_group(uri);
                let href = record.and_then(|it| it.link("addToContactList"));
                let href = href.ok_or_else(|| not_offered("addToContactList"))?;
                // A server that names the group in the href needs no input.
                let input = match href.contains("smtpAddress=") {
                    true => Resource::anonymous(),
                    false => Resource::anonymous()
                        .with_property("displayName", name.clone())
                        .with_property("smtpAddress", without_scheme(uri).to_owned()),
                };
                Ok((ChangeStage::Only, post(href, input)?))
            }
            ContactsOperation::RenameGroup { group, .. } => {
                self.own_group(group, &[GroupKind::Custom])?;
                let again = false;
                self.read_group(core, ticket, group, again)
            }
            ContactsOperation::RemoveGroup(group) => {
                let kinds = [GroupKind::Custom, GroupKind::Distribution];
                let record = self.own_group(group, &kinds)?;
                if record.group.kind == GroupKind::Distribution {
                    let href = record.link("removeFromContactList");
                    let href = href.ok_or_else(|| not_offered("removeFromContactList"))?;
                    let input = Resource::anonymous().with_property("groupId", id_of(group)?);
                    return Ok((ChangeStage::Only, post(href, input)?));
                }
                let href = record.href().ok_or_else(gone)?;
                let exchange = request(core, ticket, Method::DELETE, href)?;
                Ok((ChangeStage::Only, versioned(exchange)))
            }
            _ => Err(not_supported(
                "the operation is no change of the contact list",
            )),
        }
    }

    /// The record of a group of one of these kinds. The others cannot be changed.
    fn own_group(
        &self,
        key: &GroupKey,
        kinds: &[GroupKind],
    ) -> Result<&super::records::GroupRecord, Failure> {
        let record = self.contacts.records.group(key).ok_or_else(gone)?;
        match kinds.contains(&record.group.kind) {
            true => Ok(record),
            false => Err(not_supported("a group of this kind cannot be changed")),
        }
    }

    fn post_membership(
        &self,
        core: &Core,
        ticket: Ticket,
        address: &str,
        group: Option<&GroupKey>,
        stage: ChangeStage,
    ) -> Result<(ChangeStage, Exchange), Failure> {
        let href = self.contacts.my_group_memberships.as_deref();
        let href = href.ok_or_else(|| not_offered("myGroupMemberships"))?;
        let uri = SipUri::parse(address).map_err(|error| invalid(error.to_string()))?;
        let mut input = Resource::anonymous().with_property("contactUri", uri.as_str().to_owned());
        if let Some(group) = group {
            input = input.with_property("groupId", id_of(group)?);
        }
        let exchange = request(core, ticket, Method::POST, href)?;
        Ok((stage, versioned(core.with_input(exchange, &input))))
    }

    /// GET the memberships of a group, or all of them.
    fn find_memberships(
        &self,
        core: &Core,
        ticket: Ticket,
        group: Option<&GroupKey>,
    ) -> Result<(ChangeStage, Exchange), Failure> {
        let of_group = group.and_then(|group| {
            let record = self.contacts.records.group(group)?;
            record.link("groupMemberships").map(str::to_owned)
        });
        let href = match (of_group, &self.contacts.my_group_memberships, group) {
            (Some(href), ..) => href,
            (None, None, _) => return Err(not_offered("myGroupMemberships")),
            (None, Some(href), Some(group)) => {
                Origin::append_query(href, "groupId", &id_of(group)?)
            }
            (None, Some(href), None) => href.clone(),
        };
        let exchange = request(core, ticket, Method::GET, &href)?;
        Ok((ChangeStage::Finding, exchange))
    }

    fn read_group(
        &self,
        core: &Core,
        ticket: Ticket,
        group: &GroupKey,
        again: bool,
    ) -> Result<(ChangeStage, Exchange), Failure> {
        let record = self.contacts.records.group(group).ok_or_else(gone)?;
        let href = record.href().ok_or_else(gone)?;
        let exchange = request(core, ticket, Method::GET, href)?;
        Ok((ChangeStage::ReadingGroup { again }, exchange))
    }

    /// Handles the response to a request of a change.
    pub(super) fn on_changed(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(change) = self.contacts.changes.get_mut(&ticket) else {
            return;
        };
        let operation = change.operation.clone();
        match std::mem::replace(&mut change.stage, ChangeStage::Only) {
            ChangeStage::Finding => match core.fetched(exchange, result) {
                Ok(found) => self.on_memberships_found(core, ticket, &operation, &found),
                Err(failure) => self.end_removal(core, ticket, &operation, Err(failure)),
            },
            ChangeStage::ReadingGroup { again } => {
                let ContactsOperation::RenameGroup { name, .. } = &operation else {
                    return;
                };
                let next = core.fetched(exchange, result).and_then(|group| {
                    let exchange = put(core, exchange, group, "name", name)?;
                    Ok((ChangeStage::Renaming { again }, exchange))
                });
                self.go_on(core, ticket, next);
            }
            stage => {
                let effect = core.effect(exchange, result);
                self.on_effect(core, ticket, &operation, stage, effect);
            }
        }
    }

    /// Handles the effect of a request that changes something.
    fn on_effect(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        operation: &ContactsOperation,
        stage: ChangeStage,
        effect: Effect,
    ) {
        let is_removal = matches!(
            operation,
            ContactsOperation::RemoveContact { .. } | ContactsOperation::RemoveGroup(_)
        );
        let result = match effect {
            Effect::Done(_) => Ok(()),
            Effect::Gone(failure) if self.is_of_old_revision(core, &failure) => Err(read_only()),
            // The membership or the group is gone already.
            Effect::Gone(failure) if is_removal || matches!(stage, ChangeStage::Deleting(_)) => {
                tracing::debug!(%failure, "the contact list did not have it any more");
                self.reload_loaded(core);
                Ok(())
            }
            Effect::Gone(failure) | Effect::Refused(failure) | Effect::Unclear(failure) => {
                match self.is_of_old_revision(core, &failure) {
                    true => Err(read_only()),
                    false => Err(failure),
                }
            }
        };
        match (stage, result) {
            // The contact is in the group already.
            (ChangeStage::Adding, result)
                if result.is_ok() || (result.as_ref()).is_err_and(already_exists) =>
            {
                let ContactsOperation::MoveContact { from, .. } = operation else {
                    return;
                };
                match self.find_memberships(core, ticket, Some(from)) {
                    Ok(next) => self.go_on(core, ticket, Ok(next)),
                    Err(failure) => self.end_removal(core, ticket, operation, Err(failure)),
                }
            }
            (ChangeStage::Deleting(mut rest), Ok(())) => match rest.pop_front() {
                Some(href) => {
                    let next = request(core, ticket, Method::DELETE, &href)
                        .map(|it| (ChangeStage::Deleting(rest), versioned(it)));
                    self.go_on(core, ticket, next);
                }
                None => self.end_removal(core, ticket, operation, Ok(())),
            },
            (ChangeStage::Deleting(_), Err(failure)) => {
                self.end_removal(core, ticket, operation, Err(failure));
            }
            // Another endpoint changed the group in between.
            (ChangeStage::Renaming { again: false }, Err(failure))
                if matches!(failure.status(), Some(412 | 428)) =>
            {
                if let ContactsOperation::RenameGroup { group, .. } = operation {
                    let next = self.read_group(core, ticket, group, true);
                    self.go_on(core, ticket, next);
                }
            }
            (_, result) => self.end_change(core, ticket, result),
        }
    }

    /// Chooses the memberships that are to be deleted.
    fn on_memberships_found(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        operation: &ContactsOperation,
        found: &Resource<'_>,
    ) {
        let (address, group) = match operation {
            ContactsOperation::RemoveContact { address, group } => (address, group.as_ref()),
            ContactsOperation::MoveContact { address, from, .. } => (address, Some(from)),
            _ => return,
        };
        if group.is_none()
            && let Some(href) = found.link_href("removeContactFromAllGroups")
        {
            let input = Resource::anonymous().with_property("contactUri", address.clone());
            let next = request(core, ticket, Method::POST, href)
                .map(|it| (ChangeStage::Only, versioned(core.with_input(it, &input))));
            return self.go_on(core, ticket, next);
        }
        let is_meant = |membership: &&Resource<'_>| {
            let contact = membership.link_href("contact");
            let uri = contact
                .and_then(|href| key_of(core, href))
                .and_then(|key| self.uri_at(&key));
            // A server may ignore the query for one group.
            let in_group = self.group_of_membership(core, membership);
            uri.is_some_and(|uri| uri.eq_ignore_ascii_case(address))
                && group.is_none_or(|group| in_group.is_none_or(|other| other == *group))
        };
        let memberships = found.embedded_all("myGroupMembership").iter();
        let hrefs: VecDeque<_> = memberships
            .filter(is_meant)
            .filter_map(|it| it.href().map(str::to_owned))
            .collect();
        self.on_effect(
            core,
            ticket,
            operation,
            ChangeStage::Deleting(hrefs),
            Effect::Done(Response::default()),
        );
    }

    /// Ends a removal. A move whose removal failed has left the contact in both groups.
    fn end_removal(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        operation: &ContactsOperation,
        result: Result<(), Failure>,
    ) {
        let result = match operation {
            ContactsOperation::MoveContact { .. } => {
                result.map_err(|failure| failure.with_kind(FailureKind::Partial))
            }
            _ => result,
        };
        self.end_change(core, ticket, result);
    }

    fn end_change(&mut self, core: &mut Core, ticket: Ticket, result: Result<(), Failure>) {
        let Some(change) = self.contacts.changes.remove(&ticket) else {
            return;
        };
        let is_partial =
            |failure: &Failure| *failure.kind() == FailureKind::Partial || already_exists(failure);
        match &result {
            Ok(()) => self.await_events(core, changed_lists(&change.operation)),
            Err(failure) if is_partial(failure) => self.reload_loaded(core),
            Err(_) => {}
        }
        core.complete(ticket, result.map(|()| Outcome::Done));
    }

    /// Reads these lists again, unless an event reports their change soon.
    fn await_events(&mut self, core: &mut Core, lists: Vec<ContactList>) {
        if !self.contacts.subscription.is_active() {
            return self.reload_loaded(core);
        }
        let loaded = &self.contacts.loaded;
        let lists: Vec<_> = lists.into_iter().filter(|it| loaded.contains(it)).collect();
        if !lists.is_empty() {
            self.contacts.unconfirmed.extend(lists);
            core.cancel_timers(|timer| is_of_contacts(timer, |it| *it == ContactsTimer::Confirm));
            core.arm(CONFIRMATION, timer(ContactsTimer::Confirm));
        }
    }

    pub(super) fn on_unconfirmed(&mut self, core: &mut Core) {
        for list in std::mem::take(&mut self.contacts.unconfirmed) {
            self.reload_list(core, list);
        }
    }

    /// Reads every list again that was read before.
    fn reload_loaded(&mut self, core: &mut Core) {
        let loaded: Vec<_> = self.contacts.loaded.iter().cloned().collect();
        for list in loaded {
            self.reload_list(core, list);
        }
    }

    /// Whether a refusal means that the server has the revision without changes. No further change is tried then.
    pub(super) fn is_of_old_revision(&mut self, core: &mut Core, failure: &Failure) -> bool {
        let is_old = failure.subcode() == Some("APIVersionNotSupported")
            || failure.code() == Some("APIVersionNotSupported")
            || failure.status() == Some(405);
        if is_old && !std::mem::replace(&mut self.contacts.read_only, true) {
            self.report_writable(core);
        }
        is_old
    }
}

/// The lists whose hrefs a change needs.
fn needed_lists(operation: &ContactsOperation) -> Vec<ContactList> {
    match operation {
        ContactsOperation::RemoveContact { .. } | ContactsOperation::MoveContact { .. } => {
            vec![ContactList::Contacts, ContactList::Groups]
        }
        ContactsOperation::RenameGroup { .. } | ContactsOperation::RemoveGroup(_) => {
            vec![ContactList::Groups]
        }
        _ => Vec::new(),
    }
}

/// The lists that a change changes.
fn changed_lists(operation: &ContactsOperation) -> Vec<ContactList> {
    let of = |group: &Option<GroupKey>| match group {
        Some(group) => ContactList::Members(group.clone()),
        None => ContactList::Contacts,
    };
    match operation {
        ContactsOperation::AddContact { group, .. }
        | ContactsOperation::RemoveContact { group, .. } => vec![of(group)],
        ContactsOperation::MoveContact { from, to, .. } => {
            vec![of(&Some(from.clone())), of(&Some(to.clone()))]
        }
        _ => vec![ContactList::Groups],
    }
}

/// Whether the change needs the second revision of its resource.
fn needs_revision(operation: &ContactsOperation) -> bool {
    !matches!(operation, ContactsOperation::AddDistributionGroup { .. })
}

/// Refuses changes that the server would refuse.
fn check(operation: &ContactsOperation) -> Result<(), Failure> {
    let name = |name: &str| {
        if name.trim().is_empty() {
            return Err(invalid("the name is empty"));
        }
        text_limits::check("name", name, text_limits::GROUP_NAME, Stage::People)
    };
    let contact = |address: &str| {
        SipUri::parse(address).map_err(|error| invalid(error.to_string()))?;
        text_limits::check("address", address, text_limits::CONTACT_URI, Stage::People)
    };
    match operation {
        ContactsOperation::AddContact { address, group }
        | ContactsOperation::RemoveContact { address, group } => {
            group.as_ref().map_or(Ok(()), may_change)?;
            contact(address)
        }
        ContactsOperation::MoveContact { address, from, to } => {
            may_change(from)?;
            may_change(to)?;
            contact(address)
        }
        ContactsOperation::AddGroup { name: text }
        | ContactsOperation::AddDistributionGroup { name: text, .. }
        | ContactsOperation::RenameGroup { name: text, .. } => name(text),
        _ => Ok(()),
    }
}

/// Refuses to change the members of a group that the user cannot change.
fn may_change(group: &GroupKey) -> Result<(), Failure> {
    match group.is_hidden() {
        true => Err(not_supported("the members of this group cannot be changed")),
        false => Ok(()),
    }
}

fn id_of(group: &GroupKey) -> Result<String, Failure> {
    may_change(group)?;
    match group {
        GroupKey::Id(id) => Ok(id.clone()),
        _ => Err(not_supported(
            "the members of a privacy level are changed by the level of each person",
        )),
    }
}

fn request(core: &Core, ticket: Ticket, method: Method, href: &str) -> Result<Exchange, Failure> {
    let url = core.resolve(href, Stage::People)?;
    Ok(Exchange::new(
        purpose(ContactsPurpose::Change(ticket)),
        method,
        url,
    ))
}

/// A request that needs the second revision of its resource.
pub(super) fn versioned(exchange: Exchange) -> Exchange {
    exchange.with_header(MIN_VERSION, "2")
}

/// The PUT of a resource as it was read, with one property changed (`PayloadFormat`).
pub(super) fn put(
    core: &Core,
    read: &Exchange,
    resource: Resource<'_>,
    property: &str,
    value: &str,
) -> Result<Exchange, Failure> {
    let etag = resource
        .etag()
        .ok_or_else(|| not_offered("version of the resource"))?;
    let condition = format!("\"{}\"", etag.trim_matches('"'));
    let mut input = resource;
    input.href = None;
    input.links.clear();
    input.embedded.clear();
    match input
        .properties
        .iter_mut()
        .find(|(name, _)| name == property)
    {
        Some((_, old)) => *old = value.to_owned().into(),
        None => input
            .properties
            .push((property.to_owned().into(), value.to_owned().into())),
    }
    let exchange = Exchange::new(read.purpose.clone(), Method::PUT, read.url.clone());
    Ok(versioned(
        core.with_input(exchange.if_match(condition), &input),
    ))
}

fn without_scheme(uri: &str) -> &str {
    uri.split_once(':').map_or(uri, |(_, rest)| rest)
}

fn already_exists(failure: &Failure) -> bool {
    failure.subcode() == Some("AlreadyExists") || failure.code() == Some("AlreadyExists")
}

/// The failure of a change that the server's revision does not have.
pub(super) fn read_only() -> Failure {
    not_supported("the server does not let users change the contact list")
}
