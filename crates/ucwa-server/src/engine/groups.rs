//! The contact list as resources: contacts, groups and memberships (`myContacts_ref`, `myGroups_ref`, `group_ref`,
//! `groupContacts_ref`, `myGroupMemberships_ref`).

use ucwa_proto::{Link, Resource};

use super::Engine;
use super::contact_list::{ContactList, DEFAULT, PINNED};
use super::exchange::Exchange;
use super::group_id::GroupId;
use super::group_presence::subscribe_to_group_presence;
use super::identifiers::ApplicationId;
use super::reply::Refusal;
use super::routes;

impl GroupId {
    /// The rel of the group.
    pub(super) fn rel(self) -> &'static str {
        match self {
            Self::Pinned => "pinnedGroup",
            Self::Default => "defaultGroup",
            Self::Delegates => "delegatesGroup",
            Self::Delegators => "delegatorsGroup",
            Self::Organization => "myOrganizationGroup",
            Self::Custom(_) => "group",
            Self::Distribution(_) => "distributionGroup",
        }
    }

    pub(super) fn href(self, id: ApplicationId) -> String {
        match self {
            Self::Pinned => routes::pinned_group(id),
            Self::Default => routes::default_group(id),
            Self::Delegates => routes::delegates_group(id),
            Self::Delegators => routes::delegators_group(id),
            Self::Organization => routes::my_organization_group(id),
            Self::Custom(_) => routes::group(id, self),
            Self::Distribution(_) => routes::distribution_group(id, self),
        }
    }
}

/// A link to a resource of revision 2 (`Versioning`). Only revision 2 of the resources of the contact list can be changed.
pub(super) fn changeable(href: String) -> Link<'static> {
    let mut link = Link::new(href);
    link.attributes.push(("revision".into(), "2".into()));
    link
}

/// Whether the client asks for links only (`expand=false`).
fn wants_links_only(exchange: &Exchange<'_>) -> bool {
    exchange
        .query("expand")
        .is_some_and(|value| value.eq_ignore_ascii_case("false"))
}

/// The group that the query names.
fn group_in_query(exchange: &Exchange<'_>) -> Result<Option<GroupId>, Refusal> {
    exchange
        .query("groupId")
        .map(|text| GroupId::parse(text).ok_or(Refusal::NOT_FOUND))
        .transpose()
}

impl Engine {
    /// The contact list of the application's user. Guests have no contact list.
    pub(super) fn contact_list(&self, id: ApplicationId) -> Result<&ContactList, Refusal> {
        let address = &self.application(id)?.address;
        let list = self.contact_lists.get(address);
        list.ok_or(Refusal::ANONYMOUS_NOT_ALLOWED)
    }

    /// The addresses of the members of a group.
    pub(super) fn group_members(
        &self,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Vec<&str>, Refusal> {
        let list = self.contact_list(id)?;
        match group {
            GroupId::Delegators => {
                let delegate = &self.application(id)?.address;
                Ok(self.contact_lists.delegators_of(delegate).collect())
            }
            GroupId::Organization => Ok(self.organization_of(&self.application(id)?.address)),
            GroupId::Distribution(position) => self.people_in(position),
            _ => list.members(group).ok_or(Refusal::NOT_FOUND),
        }
    }

    /// GET myContacts, or groupContacts if the query names a group.
    pub(super) fn contacts_resource(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let (resource, members) = match group_in_query(exchange)? {
            None => {
                let resource = Resource::new("myContacts").with_href(routes::my_contacts(id));
                let contacts = self.contact_list(id)?.contacts().iter();
                (resource, contacts.map(String::as_str).collect())
            }
            Some(group) => {
                if let GroupId::Distribution(position) = group {
                    self.check_size(position)?;
                }
                let resource = Resource::new("groupContacts").with_href(group_contacts(id, group));
                (resource, self.group_members(id, group)?)
            }
        };
        if wants_links_only(exchange) {
            let links = members.iter().map(|it| Link::new(routes::contact(id, it)));
            return Ok(resource.with_links("contact", links.collect::<Vec<_>>()));
        }
        let contacts = members.iter();
        let contacts = contacts.filter_map(|address| self.contact_resource(id, address).ok());
        Ok(resource.with_embedded_many("contact", contacts.collect::<Vec<_>>()))
    }

    /// GET myGroups.
    pub(super) fn my_groups_resource(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let list = self.contact_list(id)?;
        let distribution_groups = list.distribution_groups().iter();
        let distribution_groups: Vec<_> = distribution_groups
            .map(|position| GroupId::Distribution(*position))
            .collect();
        let resource = Resource::new("myGroups")
            .with_href(routes::my_groups(id))
            .with_link("delegatesGroup", routes::delegates_group(id))
            .with_link("delegatorsGroup", routes::delegators_group(id))
            .with_link("myOrganizationGroup", routes::my_organization_group(id));
        if wants_links_only(exchange) {
            let links = |groups: Vec<GroupId>| -> Vec<_> {
                let hrefs = groups.into_iter().map(|group| group.href(id));
                hrefs.map(Link::new).collect()
            };
            return Ok(resource
                .with_link("pinnedGroup", routes::pinned_group(id))
                .with_link("defaultGroup", routes::default_group(id))
                .with_links("group", links(list.custom_groups().collect()))
                .with_links("distributionGroup", links(distribution_groups)));
        }
        let groups = list.custom_groups();
        let groups = groups.map(|group| self.group_resource(id, group));
        let distribution_groups = distribution_groups.into_iter();
        let distribution_groups = distribution_groups.map(|group| self.group_resource(id, group));
        Ok(resource
            .with_embedded("pinnedGroup", self.group_resource(id, GroupId::Pinned)?)
            .with_embedded("defaultGroup", self.group_resource(id, GroupId::Default)?)
            .with_embedded_many("group", groups.collect::<Result<Vec<_>, _>>()?)
            .with_embedded_many(
                "distributionGroup",
                distribution_groups.collect::<Result<Vec<_>, _>>()?,
            ))
    }

    /// GET of a group of any kind.
    pub(super) fn group_resource(
        &self,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Resource<'static>, Refusal> {
        let list = self.contact_list(id)?;
        let resource = Resource::new(group.rel())
            .with_href(group.href(id))
            .with_property("id", group.to_string());
        let resource = match group {
            GroupId::Pinned => resource.with_property("name", PINNED),
            GroupId::Default => resource.with_property("name", DEFAULT),
            GroupId::Delegates => resource.with_property("name", "Delegates"),
            GroupId::Delegators => resource.with_property("name", "Delegators"),
            GroupId::Organization => resource.with_property("name", "My Organization"),
            GroupId::Custom(_) => {
                let custom = list.custom_group(group).ok_or(Refusal::NOT_FOUND)?;
                resource
                    .with_property("name", custom.name.clone())
                    .with_property(list.marker.clone(), "please pass this in a PUT request")
                    .with_property("etag", custom.version.to_string())
            }
            GroupId::Distribution(position) => {
                return self.with_distribution_group(resource, id, position);
            }
        };
        let resource = resource
            .with_link("groupContacts", group_contacts(id, group))
            .with_link(
                "subscribeToGroupPresence",
                subscribe_to_group_presence(id, group),
            );
        Ok(match group {
            GroupId::Delegators | GroupId::Organization => resource,
            _ => resource.with_link(
                "groupMemberships",
                format!(
                    "{}?groupId={}",
                    routes::my_group_memberships(id),
                    group.in_query()
                ),
            ),
        })
    }

    /// GET of a group that the user created.
    pub(super) fn custom_group_resource(
        &self,
        id: ApplicationId,
        group: GroupId,
    ) -> Result<Resource<'static>, Refusal> {
        match group {
            GroupId::Custom(_) => self.group_resource(id, group),
            _ => Err(Refusal::NOT_FOUND),
        }
    }

    /// GET myGroupMemberships, or groupMemberships if the query names a group.
    pub(super) fn my_group_memberships_resource(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let list = self.contact_list(id)?;
        let only = group_in_query(exchange)?;
        match only {
            Some(GroupId::Delegators | GroupId::Organization) => {
                return Err(Refusal::OPERATION_NOT_SUPPORTED);
            }
            Some(group) => drop(list.members(group).ok_or(Refusal::NOT_FOUND)?),
            None => {}
        }
        let memberships = list.memberships().into_iter();
        let memberships = memberships
            .filter(|(group, _)| only.is_none_or(|only| only == *group))
            .map(|(group, address)| membership_resource(id, group, address));
        Ok(Resource::new("myGroupMemberships")
            .with_href(routes::my_group_memberships(id))
            .with_link(
                "removeContactFromAllGroups",
                changeable(routes::remove_contact_from_all_groups(id)),
            )
            .with_embedded_many("myGroupMembership", memberships.collect::<Vec<_>>()))
    }

    /// GET myGroupMembership.
    pub(super) fn my_group_membership_resource(
        &self,
        id: ApplicationId,
        group: GroupId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let members = self.contact_list(id)?.members(group).unwrap_or_default();
        match members.contains(&address) {
            true => Ok(membership_resource(id, group, address)),
            false => Err(Refusal::NOT_FOUND),
        }
    }
}

/// The href of the contacts of a group.
pub(super) fn group_contacts(id: ApplicationId, group: GroupId) -> String {
    format!("{}?groupId={}", routes::my_contacts(id), group.in_query())
}

pub(super) fn membership_resource(
    id: ApplicationId,
    group: GroupId,
    address: &str,
) -> Resource<'static> {
    Resource::new("myGroupMembership")
        .with_href(routes::my_group_membership(id, group, address))
        .with_link("contact", routes::contact(id, address))
        .with_link(group.rel(), group.href(id))
}
