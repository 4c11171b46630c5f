//! The distribution groups of the organization (`distributionGroup_ref`, `expandDistributionGroup_ref`).

use std::collections::BTreeSet;

use ucwa_proto::Resource;

use super::Engine;
use super::group_id::GroupId;
use super::group_presence::subscribe_to_group_presence;
use super::identifiers::ApplicationId;
use super::reply::Refusal;
use super::routes;
use crate::config::{self, DistributionGroup};

/// The maximum number of members of a group whose members can be read. No page names a number.
const MAX_MEMBERS: usize = 100;

impl Engine {
    fn distribution_group_at(&self, position: usize) -> Result<&DistributionGroup, Refusal> {
        let groups = &self.config.distribution_groups;
        groups.get(position).ok_or(Refusal::NOT_FOUND)
    }

    /// The position of the distribution group with this address.
    pub(super) fn distribution_group_named(&self, address: &str) -> Option<usize> {
        let mut groups = self.config.distribution_groups.iter();
        groups.position(|group| group.address() == address)
    }

    /// The distribution groups whose name or address contains `text`, which is in lower case.
    pub(super) fn distribution_groups_like(&self, text: &str) -> Vec<GroupId> {
        let groups = self.config.distribution_groups.iter().enumerate();
        groups
            .filter(|(_, group)| {
                group.name.to_lowercase().contains(text) || group.address().contains(text)
            })
            .map(|(position, _)| GroupId::Distribution(position))
            .collect()
    }

    /// The addresses of the direct members of a distribution group that are users.
    pub(super) fn people_in(&self, position: usize) -> Result<Vec<&str>, Refusal> {
        let members = self.distribution_group_at(position)?.members.iter();
        let mut listed = BTreeSet::new();
        Ok(members
            .filter_map(|member| self.directory.address(&config::address(member)))
            .filter(|address| listed.insert(*address))
            .collect())
    }

    /// Checks that the distribution group does not have too many members to be read.
    pub(super) fn check_size(&self, position: usize) -> Result<(), Refusal> {
        match self.distribution_group_at(position)?.members.len() {
            0..=MAX_MEMBERS => Ok(()),
            _ => Err(Refusal::TOO_MANY_CONTACTS),
        }
    }

    /// Adds the properties and links of a distribution group to its resource.
    pub(super) fn with_distribution_group(
        &self,
        resource: Resource<'static>,
        id: ApplicationId,
        position: usize,
    ) -> Result<Resource<'static>, Refusal> {
        let group = self.distribution_group_at(position)?;
        let is_listed = self
            .contact_list(id)?
            .distribution_groups()
            .contains(&position);
        let resource = match is_listed {
            true => resource.with_link(
                "removeFromContactList",
                routes::remove_from_contact_list(id),
            ),
            false => resource.with_link("addToContactList", routes::add_to_contact_list(id)),
        };
        Ok(resource
            .with_property("uri", format!("sip:{}", group.address()))
            .with_property("name", group.name.clone())
            .with_link(
                "subscribeToGroupPresence",
                subscribe_to_group_presence(id, GroupId::Distribution(position)),
            )
            .with_link(
                "expandDistributionGroup",
                routes::expand_distribution_group(id, GroupId::Distribution(position)),
            ))
    }

    /// GET distributionGroup.
    pub(super) fn distribution_group_resource(
        &self,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Resource<'static>, Refusal> {
        match group {
            GroupId::Distribution(_) => self.group_resource(id, group),
            _ => Err(Refusal::NOT_FOUND),
        }
    }

    /// GET expandDistributionGroup: the group with its direct members. A group among the members is not expanded, since groups may
    /// contain each other.
    pub(super) fn expand_distribution_group(
        &self,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Resource<'static>, Refusal> {
        let resource = self.distribution_group_resource(id, group)?;
        let GroupId::Distribution(position) = group else {
            return Err(Refusal::NOT_FOUND);
        };
        self.check_size(position)?;
        let members = &self.distribution_group_at(position)?.members;
        let people = self.people_in(position)?.into_iter();
        let people = people.filter_map(|address| self.contact_resource(id, address).ok());
        let groups = members
            .iter()
            .filter_map(|member| self.distribution_group_named(&config::address(member)))
            .filter_map(|position| {
                self.group_resource(id, GroupId::Distribution(position))
                    .ok()
            });
        Ok(resource
            .with_embedded_many("contact", people.collect::<Vec<_>>())
            .with_embedded_many("distributionGroup", groups.collect::<Vec<_>>()))
    }
}
