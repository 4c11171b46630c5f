//! The contact list and subscriptions to presence.

mod my_contacts;
mod my_contacts_and_groups_subscription;
mod presence_subscription;
mod presence_subscription_membership;
mod subscribed_contacts;

pub use my_contacts::{
    AddToContactListInput, MyContacts, RemoveContactFromAllGroupsInput, RemoveFromContactListInput,
};
pub use my_contacts_and_groups_subscription::{
    MyContactsAndGroupsSubscription, StartOrRefreshSubscriptionToContactsAndGroupsInput,
};
pub use presence_subscription::{
    PresenceSubscription, PresenceSubscriptions, PresenceSubscriptionsInput,
};
pub use presence_subscription_membership::{
    PresenceSubscriptionMembership, PresenceSubscriptionMemberships,
    PresenceSubscriptionMembershipsInput,
};
pub use subscribed_contacts::SubscribedContacts;
