//! Subscriptions to the presence of all members of a group (`subscribeToGroupPresence_ref`).

use std::collections::BTreeSet;
use std::fmt;
use std::mem;
use std::time::Duration;

use super::Engine;
use super::group_id::GroupId;
use super::identifiers::ApplicationId;
use super::reply::{Refusal, Reply};
use super::routes;
use super::routing::Parameter;

/// The ID of a subscription to presence. A subscription to users whom the client named has a number; a subscription to a group has
/// the ID of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SubscriptionId {
    People(u64),
    Group(GroupId),
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(number) => number.fmt(f),
            Self::Group(group) => group.fmt(f),
        }
    }
}

impl Parameter<'_> for SubscriptionId {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        let group = GroupId::parse(text).map(Self::Group);
        group
            .or_else(|| text.parse().ok().map(Self::People))
            .ok_or(Refusal::NOT_FOUND)
    }
}

/// The href of the operation that subscribes to the presence of a group.
pub(super) fn subscribe_to_group_presence(id: ApplicationId, group: GroupId) -> String {
    let href = routes::presence_subscriptions(id);
    format!("{href}?groupId={}", group.in_query())
}

impl Engine {
    /// POST subscribeToGroupPresence: subscribes to the current members of the group. If the application already has a subscription
    /// to the group, extends it and replaces its members.
    pub(super) fn subscribe_to_group(
        &mut self,
        id: ApplicationId,
        group: &str,
        life: Duration,
    ) -> Result<Reply, Refusal> {
        let group = GroupId::parse(group).ok_or(Refusal::NOT_FOUND)?;
        let members = self.group_members(id, group)?.into_iter();
        let members: BTreeSet<_> = members.map(str::to_owned).collect();
        self.check_watched(id, &members)?;
        let unwatched = self.unwatched(id, &members)?;
        let key = SubscriptionId::Group(group);
        match self.application_mut(id)?.subscriptions.get_mut(&key) {
            Some(subscription) => {
                let former = mem::replace(&mut subscription.members, members);
                self.extend(id, key, life)?;
                self.part_from(id, &former);
            }
            None => self.start_subscription(id, key, members, life)?,
        }
        self.introduce_watched(id, &unwatched);
        self.subscription(id, key).map(Reply::from)
    }
}
