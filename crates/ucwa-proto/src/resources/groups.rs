//! Groups of contacts.

mod distribution_group;
mod group;
mod group_contacts;
mod my_group_membership;
mod my_groups;

pub use distribution_group::DistributionGroup;
pub use group::{Group, GroupInput, SubscribeToGroupPresenceInput};
pub use group_contacts::GroupContacts;
pub use my_group_membership::{MyGroupMembership, MyGroupMemberships, MyGroupMembershipsInput};
pub use my_groups::{MyGroups, MyGroupsInput};
