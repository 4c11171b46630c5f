//! Changes of the privacy level of a person: the resource is read, changed and written back.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::Resource;

use super::changes::{put, read_only, versioned};
use super::{ContactsPurpose, purpose};
use crate::contact_list::PrivacyLevel;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::people::{Aspect, People, PersonId, invalid, not_offered};

/// The requested changes of one person's level, made one at a time.
#[derive(Debug, Default)]
pub(in crate::people) struct PrivacyChanges {
    queue: VecDeque<(Ticket, Option<PrivacyLevel>)>,
    /// The resource was read again after the server refused an outdated version.
    again: bool,
    /// The first change has been sent.
    sent: bool,
}

impl PrivacyChanges {
    pub(super) fn awaited(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn into_tickets(self) -> impl Iterator<Item = Ticket> {
        self.queue.into_iter().map(|(ticket, _)| ticket)
    }
}

impl People {
    pub(super) fn set_privacy(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        address: &str,
        level: Option<PrivacyLevel>,
    ) {
        let id = match self.find_or_create(address) {
            Ok(PersonId::Me) => Err(invalid("the user has no privacy level")),
            Ok(_) if self.contacts.read_only => Err(read_only()),
            result => result,
        };
        match id {
            Ok(id) => {
                let changes = self.contacts.privacy.entry(id.clone()).or_default();
                changes.queue.push_back((ticket, level));
                if changes.queue.len() == 1 {
                    self.read(core, id, Aspect::Privacy, None);
                }
            }
            Err(failure) => core.complete(ticket, Err(failure)),
        }
    }

    /// Writes the level into the resource that was read for the change.
    pub(in crate::people) fn write_privacy(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        read: &Exchange,
        resource: Resource<'_>,
    ) {
        let Some(changes) = self.contacts.privacy.get_mut(id) else {
            return;
        };
        let Some(&(_, level)) = changes.queue.front() else {
            return;
        };
        if changes.sent {
            return;
        }
        let exchange = match level {
            Some(level) => put(core, read, resource, "relationshipLevel", level.as_str()),
            None => (resource.link_href("resetContactPrivacyRelationship"))
                .ok_or_else(|| not_offered("resetContactPrivacyRelationship"))
                .and_then(|href| core.resolve(href, Stage::People))
                .map(|url| versioned(Exchange::new(read.purpose.clone(), Method::POST, url))),
        };
        match exchange {
            Ok(mut exchange) => {
                changes.sent = true;
                exchange.purpose = purpose(ContactsPurpose::SetPrivacy(id.clone()));
                core.issue(exchange);
            }
            Err(failure) => self.end_privacy_change(core, id, Err(failure)),
        }
    }

    pub(super) fn on_privacy_set(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let result = core.effect(exchange, result).done();
        let Some(changes) = self.contacts.privacy.get_mut(id) else {
            return;
        };
        changes.sent = false;
        match result {
            // Another endpoint changed the level in between.
            Err(failure)
                if matches!(failure.status(), Some(412 | 428))
                    && !std::mem::replace(&mut changes.again, true) =>
            {
                self.read(core, id.clone(), Aspect::Privacy, None);
            }
            Err(failure) if self.is_of_old_revision(core, &failure) => {
                self.end_privacy_change(core, id, Err(read_only()));
            }
            result => self.end_privacy_change(core, id, result),
        }
    }

    /// Ends the first change of a person's level, and reads the resource: for the next change, or for the new level, which an
    /// event reports only if the person's presence is followed.
    pub(in crate::people) fn end_privacy_change(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        result: Result<(), Failure>,
    ) {
        let Some(changes) = self.contacts.privacy.get_mut(id) else {
            return;
        };
        changes.again = false;
        changes.sent = false;
        let Some((ticket, _)) = changes.queue.pop_front() else {
            return;
        };
        let is_last = changes.queue.is_empty();
        if is_last {
            self.contacts.privacy.remove(id);
        }
        if result.is_ok() || !is_last {
            self.read_change(core, id.clone(), Aspect::Privacy);
        }
        core.complete(ticket, result.map(|()| Outcome::Done));
    }
}
