//! Contacts, their published state, and the search for them (`people_ref`, `contact_ref`, `search_ref`).

use ucwa_proto::{Representation, Resource};

use super::Engine;
use super::exchange::Exchange;
use super::groups::changeable;
use super::identifiers::ApplicationId;
use super::reply::{Refusal, checksum};
use super::routes;

/// The maximum length of a query (`search_ref`).
const LONGEST_QUERY: usize = 256;
/// The maximum number of results of a search without a limit.
const USUAL_LIMIT: u64 = 25;

/// A part of a person's published state. Each is a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facet {
    Presence,
    Note,
    Location,
    SupportedModalities,
}

impl Facet {
    pub(super) const ALL: [Self; 4] = [
        Self::Presence,
        Self::Note,
        Self::Location,
        Self::SupportedModalities,
    ];

    /// The rel of a contact's facet.
    pub(super) fn of_contact(self) -> &'static str {
        match self {
            Self::Presence => "contactPresence",
            Self::Note => "contactNote",
            Self::Location => "contactLocation",
            Self::SupportedModalities => "contactSupportedModalities",
        }
    }

    /// The href of a contact's facet.
    pub(super) fn href(self, id: ApplicationId, address: &str) -> String {
        match self {
            Self::Presence => routes::contact_presence(id, address),
            Self::Note => routes::contact_note(id, address),
            Self::Location => routes::contact_location(id, address),
            Self::SupportedModalities => routes::contact_supported_modalities(id, address),
        }
    }

    /// The rel and the href of the user's own facet. The modalities of an application are a property of its communication.
    pub(super) fn mine(self, id: ApplicationId) -> (&'static str, String) {
        match self {
            Self::Presence => ("presence", routes::presence(id)),
            Self::Note => ("note", routes::note(id)),
            Self::Location => ("location", routes::location(id)),
            Self::SupportedModalities => ("communication", routes::communication(id)),
        }
    }
}

impl Engine {
    pub(super) fn people_resource(&self, id: ApplicationId) -> Resource<'static> {
        let mut resource = Resource::new("people").with_href(routes::people(id));
        // Guests have no contact list.
        if self.contact_list(id).is_ok() {
            resource = resource
                .with_link("myContacts", routes::my_contacts(id))
                .with_link("myGroups", changeable(routes::my_groups(id)))
                .with_link(
                    "myGroupMemberships",
                    changeable(routes::my_group_memberships(id)),
                )
                .with_link(
                    "myPrivacyRelationships",
                    routes::my_privacy_relationships(id),
                )
                .with_link(
                    "myContactsAndGroupsSubscription",
                    routes::my_contacts_and_groups_subscription(id),
                );
        }
        resource
            .with_link("presenceSubscriptions", routes::presence_subscriptions(id))
            .with_link("search", routes::search(id))
            .with_link("subscribedContacts", routes::subscribed_contacts(id))
    }

    /// Adds the link to a contact. Only users with an account are contacts.
    pub(super) fn with_contact(
        &self,
        resource: Resource<'static>,
        rel: &'static str,
        id: ApplicationId,
        address: &str,
    ) -> Resource<'static> {
        match self.user_at(address) {
            Some(_) => resource.with_link(rel, routes::contact(id, address)),
            None => resource,
        }
    }

    /// The user with this address as a contact.
    pub(super) fn contact_resource(
        &self,
        id: ApplicationId,
        address: &str,
    ) -> Result<Resource<'static>, Refusal> {
        let user = self.user_at(address).ok_or(Refusal::NOT_FOUND)?;
        let mut resource = Resource::new("contact")
            .with_href(routes::contact(id, address))
            .with_property("uri", format!("sip:{address}"))
            .with_property("sourceNetwork", "SameEnterprise")
            .with_property("emailAddresses", vec![address.to_owned()])
            .with_property("type", "User")
            .with_property("name", user.display_name.clone());
        for (name, value) in user.card.properties("office") {
            resource = resource.with_property(name, value);
        }
        if let Some(photo) = self.photo_href(id, address) {
            resource = resource.with_link("contactPhoto", photo);
        }
        if self.contact_list(id).is_ok() {
            let href = routes::contact_privacy_relationship(id, address);
            resource = resource.with_link("contactPrivacyRelationship", changeable(href));
        }
        let resource = Facet::ALL.into_iter().fold(resource, |resource, facet| {
            resource.with_link(facet.of_contact(), facet.href(id, address))
        });
        let etag = checksum(&resource.encode(Representation::Json));
        Ok(resource.with_property("etag", etag))
    }

    /// A facet of a contact.
    pub(super) fn facet_resource(
        &self,
        id: ApplicationId,
        address: &str,
        facet: Facet,
    ) -> Result<Resource<'static>, Refusal> {
        self.user_at(address).ok_or(Refusal::NOT_FOUND)?;
        let resource = Resource::new(facet.of_contact()).with_href(facet.href(id, address));
        let resource = self.with_facet(resource, address, facet);
        Ok(match facet {
            Facet::Presence => self.with_device(resource, address),
            _ => resource,
        })
    }

    /// GET search: the users whose name or address contains the query, and after them the distribution groups.
    pub(super) fn search(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let query = exchange
            .query("query")
            .filter(|query| !query.is_empty())
            .ok_or(Refusal::parameter("A required parameter is missing."))?;
        if query.encode_utf16().count() > LONGEST_QUERY {
            return Err(Refusal::parameter("A parameter is too long."));
        }
        let limit = match exchange.query("limit").map(str::parse) {
            None => USUAL_LIMIT,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Err(Refusal::parameter("The limit isn't between 1 and 100.")),
        };
        let query = query.to_lowercase();
        let query = query.strip_prefix("sip:").unwrap_or(&query);
        let mut found = self.directory.search(query);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let contacts: Vec<_> = found
            .by_ref()
            .take(limit)
            .filter_map(|address| self.contact_resource(id, address).ok())
            .collect();
        // For guests, `group_resource` fails: they cannot find distribution groups.
        let mut groups = self.distribution_groups_like(query).into_iter();
        let groups_found: Vec<_> = groups
            .by_ref()
            .take(limit.saturating_sub(contacts.len()))
            .filter_map(|group| self.group_resource(id, group).ok())
            .collect();
        let more = found.next().is_some() || groups.next().is_some();
        let mut resource = Resource::new("search")
            .with_href(routes::search(id))
            .with_property("moreResultsAvailable", more);
        if !contacts.is_empty() {
            resource = resource.with_embedded_many("contact", contacts);
        }
        if !groups_found.is_empty() {
            resource = resource.with_embedded_many("distributionGroup", groups_found);
        }
        Ok(resource)
    }
}
