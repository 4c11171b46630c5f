//! Subscriptions to the presence of others (`presenceSubscriptions_ref`, `presenceSubscription_ref`,
//! `presenceSubscriptionMemberships_ref`, `subscribedContacts_ref`).

use std::collections::BTreeSet;
use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Link, Resource, SipUri};

use super::Engine;
use super::events::Source;
use super::exchange::{Exchange, Fields};
use super::group_presence::SubscriptionId;
use super::identifiers::ApplicationId;
use super::people::Facet;
use super::reply::{Refusal, Reply};
use super::routes;
use super::timers::{Timer, TimerId};
use crate::config;

/// How long before its end a subscription is reported as updated.
const WARNING: Duration = Duration::from_secs(2 * 60);
/// The maximum duration of a subscription.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// The maximum number of users that an application can watch. No page names a number. This one bounds the memory of the server.
const MOST_WATCHED: usize = 1000;

/// A subscription of an application to the presence of users.
#[derive(Debug)]
pub(super) struct Subscription {
    /// The addresses of the watched users.
    pub(super) members: BTreeSet<String>,
    ends: Duration,
    warned: bool,
    /// The timer for the end, or for the report in advance.
    timer: TimerId,
}

impl Engine {
    /// GET presenceSubscriptions.
    pub(super) fn subscriptions_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let subscriptions = &self.application(id)?.subscriptions;
        let subscriptions = subscriptions
            .keys()
            .map(|key| subscription_resource(id, *key));
        let href = routes::presence_subscriptions(id);
        let resource = Resource::new("presenceSubscriptions").with_href(href);
        Ok(resource.with_embedded_many("presenceSubscription", subscriptions.collect::<Vec<_>>()))
    }

    /// POST presenceSubscriptions, or subscribeToGroupPresence if the input names a group.
    pub(super) fn subscribe(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        let life = duration(&fields)?;
        if let Some(group) = fields.text("groupId") {
            return self.subscribe_to_group(id, &group, life);
        }
        let members = addresses(&fields, "uris")?;
        self.check_watched(id, &members)?;
        let unwatched = self.unwatched(id, &members)?;
        let application = self.application_mut(id)?;
        application.subscriptions_made += 1;
        let key = SubscriptionId::People(application.subscriptions_made);
        self.start_subscription(id, key, members, life)?;
        self.introduce_watched(id, &unwatched);
        Ok(subscription_resource(id, key).into())
    }

    /// Creates a subscription. The caller then introduces those members whom the application did not watch.
    pub(super) fn start_subscription(
        &mut self,
        id: ApplicationId,
        key: SubscriptionId,
        members: BTreeSet<String>,
        life: Duration,
    ) -> Result<(), Refusal> {
        let timer = Timer::Subscription(id, key);
        let subscription = Subscription {
            members,
            ends: self.now + life,
            warned: false,
            timer: self.set_timer(life.saturating_sub(WARNING), timer),
        };
        let subscriptions = &mut self.application_mut(id)?.subscriptions;
        subscriptions.insert(key, subscription);
        self.tell_of_subscription(id, key, EventKind::Added);
        Ok(())
    }

    /// GET presenceSubscription.
    pub(super) fn subscription(
        &self,
        id: ApplicationId,
        key: SubscriptionId,
    ) -> Result<Resource<'static>, Refusal> {
        let subscriptions = &self.application(id)?.subscriptions;
        match subscriptions.contains_key(&key) {
            true => Ok(subscription_resource(id, key)),
            false => Err(Refusal::NOT_FOUND),
        }
    }

    /// POST presenceSubscription.
    pub(super) fn extend_subscription(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        key: SubscriptionId,
    ) -> Result<Reply, Refusal> {
        let life = duration(&exchange.fields()?)?;
        self.extend(id, key, life)?;
        Ok(subscription_resource(id, key).into())
    }

    /// Adds the duration to the remaining time of a subscription, up to 30 minutes.
    pub(super) fn extend(
        &mut self,
        id: ApplicationId,
        key: SubscriptionId,
        life: Duration,
    ) -> Result<(), Refusal> {
        let latest = self.now + LONGEST;
        let subscriptions = &mut self.application_mut(id)?.subscriptions;
        let subscription = subscriptions.get_mut(&key).ok_or(Refusal::NOT_FOUND)?;
        subscription.ends = (subscription.ends + life).min(latest);
        subscription.warned = false;
        self.tell_of_subscription(id, key, EventKind::Updated);
        Ok(())
    }

    /// DELETE presenceSubscription.
    pub(super) fn unsubscribe(
        &mut self,
        id: ApplicationId,
        key: SubscriptionId,
    ) -> Result<Reply, Refusal> {
        let subscription = self
            .application_mut(id)?
            .subscriptions
            .remove(&key)
            .ok_or(Refusal::NOT_FOUND)?;
        // A later subscription to the same group has the same key.
        self.cancel_timer(subscription.timer);
        self.tell_of_subscription(id, key, EventKind::Deleted);
        self.part_from(id, &subscription.members);
        Ok(Reply::Done)
    }

    /// GET memberships of a subscription.
    pub(super) fn memberships_resource(
        &self,
        id: ApplicationId,
        key: SubscriptionId,
    ) -> Result<Resource<'static>, Refusal> {
        let subscription = self
            .application(id)?
            .subscriptions
            .get(&key)
            .ok_or(Refusal::NOT_FOUND)?;
        let members = subscription.members.iter();
        let memberships = members.map(|address| self.membership_resource(id, key, address));
        let memberships: Vec<_> = memberships.collect();
        let resource = Resource::new("presenceSubscriptionMemberships")
            .with_href(routes::presence_subscription_memberships(id, key));
        Ok(resource.with_embedded_many("presenceSubscriptionMembership", memberships))
    }

    /// GET presenceSubscriptionMembership.
    pub(super) fn membership(
        &self,
        id: ApplicationId,
        key: SubscriptionId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let subscription = self.application(id)?.subscriptions.get(&key);
        let subscription = subscription.ok_or(Refusal::NOT_FOUND)?;
        if !subscription.members.contains(address) {
            return Err(Refusal::NOT_FOUND);
        }
        Ok(self.membership_resource(id, key, address))
    }

    fn membership_resource(
        &self,
        id: ApplicationId,
        key: SubscriptionId,
        address: &str,
    ) -> Resource<'static> {
        let href = routes::presence_subscription_membership(id, key, address);
        let subscription = routes::presence_subscription(id, key);
        let resource = Resource::new("presenceSubscriptionMembership")
            .with_href(href)
            .with_link("presenceSubscription", subscription);
        self.with_contact(resource, "contact", id, address)
    }

    /// POST addToPresenceSubscription.
    pub(super) fn add_members(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        key: SubscriptionId,
    ) -> Result<Reply, Refusal> {
        let members = addresses(&exchange.fields()?, "contactUris")?;
        self.subscription(id, key)?;
        self.check_watched(id, &members)?;
        let unwatched = self.unwatched(id, &members)?;
        if let Some(subscription) = self.application_mut(id)?.subscriptions.get_mut(&key) {
            subscription.members.extend(members);
        }
        self.introduce_watched(id, &unwatched);
        self.memberships_resource(id, key).map(Reply::from)
    }

    /// DELETE presenceSubscriptionMembership.
    pub(super) fn remove_member(
        &mut self,
        id: ApplicationId,
        key: SubscriptionId,
        address: &str,
    ) -> Result<Reply, Refusal> {
        let removed = self
            .application_mut(id)?
            .subscriptions
            .get_mut(&key)
            .and_then(|subscription| subscription.members.take(address))
            .ok_or(Refusal::NOT_FOUND)?;
        self.part_from(id, &BTreeSet::from([removed]));
        Ok(Reply::Done)
    }

    /// GET subscribedContacts.
    pub(super) fn subscribed_contacts_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let watched = self.watched(id)?;
        let links = watched
            .iter()
            .filter(|address| self.user_at(address).is_some())
            .map(|address| Link::new(routes::contact(id, address)));
        Ok(Resource::new("subscribedContacts")
            .with_href(routes::subscribed_contacts(id))
            .with_links("contact", links.collect::<Vec<_>>()))
    }

    /// Reports a changed facet of a user to each application that watches the user.
    pub(super) fn tell_watchers(&mut self, address: &str, facet: Facet) {
        for id in self.applications.watchers(address) {
            self.tell_of_facet(id, address, facet);
        }
    }

    pub(super) fn is_subscribed(&self, id: ApplicationId, key: SubscriptionId) -> bool {
        self.applications
            .get(id)
            .is_some_and(|application| application.subscriptions.contains_key(&key))
    }

    /// Ends a subscription, or reports its end in advance. Sets the timer again if it was extended.
    pub(super) fn check_subscription(&mut self, id: ApplicationId, key: SubscriptionId) {
        let Some(subscription) = self
            .applications
            .get_mut(id)
            .and_then(|application| application.subscriptions.get_mut(&key))
        else {
            return;
        };
        let left = subscription.ends.saturating_sub(self.now);
        if left.is_zero() {
            return drop(self.unsubscribe(id, key));
        }
        let ends_soon = left <= WARNING;
        let next = if ends_soon { left } else { left - WARNING };
        subscription.timer = self
            .timers
            .set(self.now + next, Timer::Subscription(id, key));
        if ends_soon && !std::mem::replace(&mut subscription.warned, true) {
            self.tell_of_subscription(id, key, EventKind::Updated);
        }
    }

    /// The addresses of the users whom the application watches.
    fn watched(&self, id: ApplicationId) -> Result<BTreeSet<&String>, Refusal> {
        Ok(self.application(id)?.watched().collect())
    }

    pub(super) fn check_watched(
        &self,
        id: ApplicationId,
        more: &BTreeSet<String>,
    ) -> Result<(), Refusal> {
        let mut watched = self.watched(id)?;
        watched.extend(more);
        if watched.len() > MOST_WATCHED {
            return Err(Refusal::LIMIT_EXCEEDED);
        }
        Ok(())
    }

    /// The users among `members` whom the application does not watch.
    pub(super) fn unwatched(
        &self,
        id: ApplicationId,
        members: &BTreeSet<String>,
    ) -> Result<Vec<String>, Refusal> {
        let watched = self.watched(id)?;
        let unwatched = members.iter().filter(|address| !watched.contains(address));
        Ok(unwatched.cloned().collect())
    }

    /// Adds the application to the watchers of these users, and reports the users and all their facets to it
    /// (`SubscribeToThePresenceOfSelectedContacts`).
    pub(super) fn introduce_watched(&mut self, id: ApplicationId, members: &[String]) {
        for address in members {
            self.applications.watch(id, address);
            if self.user_at(address).is_none() {
                continue;
            }
            self.tell_of_contact(id, address, EventKind::Added);
            for facet in Facet::ALL {
                self.tell_of_facet(id, address, facet);
            }
        }
    }

    /// Removes the application from the watchers of those users who are in none of its subscriptions any more, and reports them to it.
    pub(super) fn part_from(&mut self, id: ApplicationId, members: &BTreeSet<String>) {
        let gone = self.unwatched(id, members).unwrap_or_default();
        for address in gone {
            self.applications.unwatch(id, &address);
            if self.user_at(&address).is_some() {
                self.tell_of_contact(id, &address, EventKind::Deleted);
            }
        }
    }

    fn tell_of_contact(&mut self, id: ApplicationId, address: &str, kind: EventKind) {
        let link = EventLink::new("contact", routes::contact(id, address));
        let within = EventLink::new("subscribedContacts", routes::subscribed_contacts(id));
        self.emit(id, Source::People, Event::new(kind, link).within(within));
    }

    fn tell_of_facet(&mut self, id: ApplicationId, address: &str, facet: Facet) {
        let link = EventLink::new(facet.of_contact(), facet.href(id, address));
        let within = EventLink::new("contact", routes::contact(id, address));
        self.emit(
            id,
            Source::People,
            Event::new(EventKind::Updated, link).within(within),
        );
    }

    fn tell_of_subscription(&mut self, id: ApplicationId, key: SubscriptionId, kind: EventKind) {
        let link = EventLink::new(
            "presenceSubscription",
            routes::presence_subscription(id, key),
        );
        self.emit(id, Source::People, Event::new(kind, link));
    }
}

fn subscription_resource(id: ApplicationId, key: SubscriptionId) -> Resource<'static> {
    Resource::new("presenceSubscription")
        .with_href(routes::presence_subscription(id, key))
        .with_property("id", key.to_string())
        .with_link(
            "memberships",
            routes::presence_subscription_memberships(id, key),
        )
        .with_link(
            "addToPresenceSubscription",
            routes::presence_subscription_memberships(id, key),
        )
}

/// The duration in minutes, from 10 to 30.
fn duration(fields: &Fields<'_>) -> Result<Duration, Refusal> {
    match fields.integer("duration") {
        Some(minutes @ 10..=30) => Ok(Duration::from_secs(minutes.unsigned_abs() * 60)),
        _ => Err(Refusal::parameter(
            "The duration isn't between 10 and 30 minutes.",
        )),
    }
}

/// The addresses of a list of at least one SIP URI.
fn addresses(fields: &Fields<'_>, name: &str) -> Result<BTreeSet<String>, Refusal> {
    let uris = fields.list(name).unwrap_or_default();
    if uris.is_empty() {
        return Err(Refusal::parameter("A required parameter is missing."));
    }
    uris.iter()
        .map(|uri| match SipUri::parse(uri) {
            Ok(uri) => Ok(config::address(&uri)),
            Err(_) => Err(Refusal::parameter("A parameter isn't a SIP URI.")),
        })
        .collect()
}
