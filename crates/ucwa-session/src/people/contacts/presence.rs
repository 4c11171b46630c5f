//! The presence of all members of a group, by one subscription (`subscribeToGroupPresence_ref`).

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{EventKind, HrefKey, Resource, SipUri};

use super::{ContactsPurpose, ContactsTimer, is_of_contacts, purpose, refused_pause, timer};
use crate::contact_list::{ContactList, GroupKey};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, Stage};
use crate::people::presence::{EXTEND_AFTER, FRESH, MINUTES};
use crate::people::{Aspect, People, PersonId, key_of};
use crate::person::Interest;

/// The subscription to the presence of a group that is followed.
#[derive(Debug, Default)]
pub(in crate::people) struct GroupPresence {
    /// The href of the `presenceSubscription`.
    href: Option<String>,
    /// When it was created or last extended. `None` if there is none.
    renewed: Option<Duration>,
    /// Another POST is due after the one in flight, because a member was added meanwhile.
    again: bool,
    /// Waits for the list of groups or for the group, which tells the link.
    waits: bool,
    /// How often in succession the server refused the subscription, or ended it soon.
    refusals: u32,
}

impl GroupPresence {
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Ends a subscription that the server refused or ended. Returns the pause before the next attempt.
    fn refuse(&mut self) -> Duration {
        let refusals = self.refusals.saturating_add(1);
        self.end();
        self.refusals = refusals;
        refused_pause(refusals)
    }
}

impl People {
    pub(super) fn follow_group_presence(&mut self, core: &mut Core, group: GroupKey, follow: bool) {
        if !follow {
            return self.unfollow_group_presence(core, &group);
        }
        let presence = &mut self.contacts.presence;
        if presence.contains_key(&group) {
            return;
        }
        presence.insert(group.clone(), GroupPresence::default());
        if self.open {
            self.subscribe_to_group(core, &group);
        }
    }

    fn unfollow_group_presence(&mut self, core: &mut Core, group: &GroupKey) {
        let Some(ended) = self.contacts.presence.remove(group) else {
            return;
        };
        core.cancel_timers(|timer| {
            is_of_contacts(
                timer,
                |it| matches!(it, ContactsTimer::FollowPresence(other) if other == group),
            )
        });
        self.uncover(core, group);
        // The members who are still followed get another subscription first, so that there is no gap.
        if self.open {
            self.subscribe(core);
        }
        let url = ended.href.as_deref();
        if let Some(url) = url.and_then(|href| core.resolve(href, Stage::People).ok()) {
            let purpose = purpose(ContactsPurpose::UnfollowPresence);
            core.issue(Exchange::new(purpose, Method::DELETE, url));
        }
    }

    /// Starts or extends the subscription of a group with one POST.
    pub(super) fn subscribe_to_group(&mut self, core: &mut Core, group: &GroupKey) {
        let Some(presence) = self.contacts.presence.get_mut(group) else {
            return;
        };
        let record = self.contacts.records.group(group);
        let Some(record) = record else {
            // The list of groups tells the link.
            presence.waits = true;
            if !self.contacts.loaded.contains(&ContactList::Groups) {
                self.read_list(core, ContactList::Groups, None);
            }
            return;
        };
        if let (false, Some(href)) = (record.is_read(), record.href()) {
            let of = ContactsPurpose::ReadGroup(group.clone());
            let url = core.resolve(href, Stage::People);
            if let Ok(url) = url
                && !core.is_under_way(&purpose(of.clone()))
            {
                core.issue(Exchange::new(purpose(of), Method::GET, url));
            }
            presence.waits = true;
            return;
        }
        let link = record.link("subscribeToGroupPresence");
        let Some(link) = link.map(str::to_owned) else {
            return;
        };
        let purpose = purpose(ContactsPurpose::FollowPresence(group.clone()));
        if core.is_under_way(&purpose) {
            presence.again = true;
            return;
        }
        let Ok(url) = core.resolve(&link, Stage::People) else {
            return;
        };
        let mut input = Resource::anonymous().with_property("duration", MINUTES);
        if let GroupKey::Id(id) = group
            && !link.contains("groupId=")
        {
            input = input.with_property("groupId", id.clone());
        }
        let exchange = core.with_input(Exchange::new(purpose, Method::POST, url), &input);
        core.issue(exchange);
    }

    /// Continues the subscriptions that wait for the list of groups.
    pub(super) fn continue_group_presence(&mut self, core: &mut Core) {
        let presence = self.contacts.presence.iter_mut();
        let waiting: Vec<_> = presence
            .filter_map(|(group, it)| std::mem::take(&mut it.waits).then(|| group.clone()))
            .collect();
        for group in waiting {
            if self.contacts.records.group(&group).is_some() {
                self.subscribe_to_group(core, &group);
            }
        }
    }

    /// Tries the subscription of a group again later, because the group could not be read.
    pub(super) fn delay_group_presence(&mut self, core: &mut Core, group: &GroupKey) {
        if let Some(presence) = self.contacts.presence.get_mut(group)
            && presence.waits
        {
            let pause = presence.refuse();
            arm(core, group, pause);
        }
    }

    pub(super) fn on_group_subscribed(
        &mut self,
        core: &mut Core,
        group: &GroupKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let made = match &result {
            Ok(response) => core.resource(exchange, response).map(|subscription| {
                subscription
                    .href()
                    .or_else(|| core.location(response))
                    .map(str::to_owned)
            }),
            Err(failure) => Err(failure.clone()),
        };
        let Some(presence) = self.contacts.presence.get_mut(group) else {
            // The group was given up in the meantime.
            if let Ok(Some(href)) = made
                && let Ok(url) = core.resolve(&href, Stage::People)
            {
                let purpose = purpose(ContactsPurpose::UnfollowPresence);
                core.issue(Exchange::new(purpose, Method::DELETE, url));
            }
            return;
        };
        let next = match made {
            Ok(href) => {
                presence.href = href;
                let renewed = presence.renewed.replace(core.now);
                let is_new = renewed.is_none();
                if renewed.is_some_and(|at| core.now.saturating_sub(at) >= FRESH) {
                    presence.refusals = 0;
                }
                let again = std::mem::take(&mut presence.again);
                let members = ContactList::Members(group.clone());
                if is_new {
                    self.reload_list(core, members);
                }
                if again {
                    return self.subscribe_to_group(core, group);
                }
                EXTEND_AFTER
            }
            Err(failure) => {
                tracing::warn!(%failure, "the server refused a subscription to the presence of a group");
                let pause = presence.refuse();
                self.uncover(core, group);
                self.schedule_send(core);
                pause
            }
        };
        arm(core, group, next);
    }

    /// Handles the expiry or the end of the subscription of a group. Returns whether the event is about one.
    pub(in crate::people) fn on_group_subscription_event(
        &mut self,
        core: &mut Core,
        kind: &EventKind,
        href: &HrefKey,
    ) -> bool {
        let is_meant = |presence: &GroupPresence| {
            let own = presence.href.as_deref();
            own.and_then(|own| key_of(core, own)).as_ref() == Some(href)
        };
        let mut presences = self.contacts.presence.iter_mut();
        let Some((group, presence)) = presences.find(|(_, it)| is_meant(it)) else {
            return false;
        };
        let group = group.clone();
        let renewed = presence.renewed.unwrap_or_default();
        let fresh = core.now.saturating_sub(renewed) < FRESH;
        match kind {
            EventKind::Deleted => {
                let pause = presence.refuse();
                self.uncover(core, &group);
                match fresh {
                    // A server that ends a new subscription is not asked again at once.
                    true => arm(core, &group, pause),
                    false => self.subscribe_to_group(core, &group),
                }
            }
            EventKind::Updated if !fresh => self.subscribe_to_group(core, &group),
            _ => {}
        }
        true
    }

    /// Repeats the subscription of a group, which does not contain members that are added later.
    pub(super) fn on_presence_member_added(&mut self, core: &mut Core, group: &GroupKey) {
        if self.contacts.presence.contains_key(group) {
            self.subscribe_to_group(core, group);
        }
    }

    /// Follows the presence of members of a group whose presence is followed.
    pub(super) fn cover_members(&mut self, core: &mut Core, group: &GroupKey, uris: &[String]) {
        let presence = self.contacts.presence.get(group);
        if presence.is_none_or(|it| it.renewed.is_none()) {
            return;
        }
        for uri in uris.iter().filter_map(|uri| SipUri::parse(uri).ok()) {
            let id = self.id_of(&uri);
            if id == PersonId::Me {
                continue;
            }
            let before = self
                .touch(&id, uri.as_str())
                .interest(&id, Aspect::Presence);
            if let Some(person) = self.persons.get_mut(&id) {
                person.covered_by.insert(group.clone());
            }
            self.apply_interest(core, &id, Aspect::Presence, before);
        }
    }

    /// Ends to follow the presence of a contact that left a group.
    pub(super) fn uncover_member(&mut self, core: &mut Core, group: &GroupKey, uri: &str) {
        if let Ok(uri) = SipUri::parse(uri) {
            let id = self.id_of(&uri);
            self.uncover_person(core, &id, group);
        }
    }

    /// Ends to follow the presence of the members of a group.
    pub(super) fn uncover(&mut self, core: &mut Core, group: &GroupKey) {
        let members: Vec<_> = (self.persons.iter())
            .filter(|(_, person)| person.covered_by.contains(group))
            .map(|(id, _)| id.clone())
            .collect();
        for id in members {
            self.uncover_person(core, &id, group);
        }
    }

    fn uncover_person(&mut self, core: &mut Core, id: &PersonId, group: &GroupKey) {
        let Some(person) = self.persons.get_mut(id) else {
            return;
        };
        let before = person.interest(id, Aspect::Presence);
        if person.covered_by.remove(group)
            && person.interest(id, Aspect::Presence) == Interest::None
        {
            self.apply_interest(core, id, Aspect::Presence, before);
        } else if self.is_live(id, Aspect::Presence) {
            self.schedule_send(core);
        }
    }
}

fn arm(core: &mut Core, group: &GroupKey, after: Duration) {
    core.cancel_timers(|timer| {
        is_of_contacts(
            timer,
            |it| matches!(it, ContactsTimer::FollowPresence(other) if other == group),
        )
    });
    core.arm(after, timer(ContactsTimer::FollowPresence(group.clone())));
}
