//! The privacy level of each contact: the data of the user that the contact may see (`contactPrivacyRelationship2_ref`,
//! `myPrivacyRelationships_ref`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use ucwa_proto::{Event, EventKind, EventLink, Link, Resource};

use super::Engine;
use super::dispatch::check_condition;
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::records::DurableRecord;
use super::reply::{Refusal, Reply};
use super::routes;
use super::routing::Parameter;

/// A privacy level (`PrivacyRelationshipLevel_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Level {
    Blocked,
    Colleagues,
    Workgroup,
    External,
    FriendsAndFamily,
}

impl Level {
    const ALL: [Self; 5] = [
        Self::Blocked,
        Self::Colleagues,
        Self::Workgroup,
        Self::External,
        Self::FriendsAndFamily,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "Blocked",
            Self::Colleagues => "Colleagues",
            Self::Workgroup => "Workgroup",
            Self::External => "External",
            Self::FriendsAndFamily => "FriendsAndFamily",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut levels = Self::ALL.into_iter();
        levels.find(|level| level.as_str().eq_ignore_ascii_case(text))
    }

    /// The level of a contact for whom the user has set no level.
    fn default_of(user: &str, contact: &str) -> Self {
        match user.split('@').nth(1) == contact.split('@').nth(1) {
            true => Self::Colleagues,
            false => Self::External,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Parameter<'_> for Level {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        Self::parse(text).ok_or(Refusal::NOT_FOUND)
    }
}

/// The levels that a user has set, by the address of the contact.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PrivacyLevels(BTreeMap<String, SetLevel>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SetLevel {
    /// `None` after a reset.
    level: Option<Level>,
    /// The number of changes.
    version: u64,
}

impl PrivacyLevels {
    fn get(&self, contact: &str) -> Option<Level> {
        self.0.get(contact).and_then(|set| set.level)
    }

    fn version(&self, contact: &str) -> u64 {
        self.0.get(contact).map_or(0, |set| set.version)
    }

    /// The contacts for whom the user has set a level.
    fn contacts(&self) -> impl Iterator<Item = &str> {
        let set = self.0.iter().filter(|(_, set)| set.level.is_some());
        set.map(|(contact, _)| contact.as_str())
    }

    fn set(&mut self, contact: &str, level: Option<Level>) {
        let set = self.0.entry(contact.to_owned()).or_default();
        set.level = level;
        set.version += 1;
    }
}

impl Engine {
    /// The level of a contact: the one that the user has set, or the default.
    fn privacy_level(&self, id: ApplicationId, contact: &str) -> Result<Level, Refusal> {
        let user = &self.application(id)?.address;
        let set = self.contact_list(id)?.levels.get(contact);
        Ok(set.unwrap_or_else(|| Level::default_of(user, contact)))
    }

    /// GET contactPrivacyRelationship.
    pub(super) fn privacy_resource(
        &self,
        id: ApplicationId,
        contact: &str,
    ) -> Result<Resource<'static>, Refusal> {
        self.user_at(contact).ok_or(Refusal::NOT_FOUND)?;
        let list = self.contact_list(id)?;
        let level = self.privacy_level(id, contact)?;
        Ok(Resource::new("contactPrivacyRelationship")
            .with_href(routes::contact_privacy_relationship(id, contact))
            .with_property("relationshipLevel", level.as_str())
            .with_property(list.marker.clone(), "please pass this in a PUT request")
            .with_property("etag", list.levels.version(contact).to_string())
            .with_link(
                "resetContactPrivacyRelationship",
                routes::reset_contact_privacy_relationship(id, contact),
            ))
    }

    /// PUT contactPrivacyRelationship.
    pub(super) fn set_privacy(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        contact: &str,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        self.user_at(contact).ok_or(Refusal::NOT_FOUND)?;
        let list = self.contact_list(id)?;
        check_condition(exchange, &list.levels.version(contact).to_string())?;
        let fields = exchange.fields()?;
        fields.check_marker(&list.marker)?;
        let level = fields.text("relationshipLevel");
        let level = level.and_then(|text| Level::parse(&text));
        let level = level.ok_or(Refusal::parameter(
            "The relationshipLevel is none that can be set.",
        ))?;
        self.change_privacy(id, contact, Some(level))
    }

    /// POST resetContactPrivacyRelationship.
    pub(super) fn reset_privacy(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        contact: &str,
    ) -> Result<Reply, Refusal> {
        exchange.check_revision()?;
        self.user_at(contact).ok_or(Refusal::NOT_FOUND)?;
        self.change_privacy(id, contact, None)
    }

    /// Changes the level of a contact. The applications of the user that watch the contact get an event.
    fn change_privacy(
        &mut self,
        id: ApplicationId,
        contact: &str,
        level: Option<Level>,
    ) -> Result<Reply, Refusal> {
        let before = self.privacy_level(id, contact)?;
        let user = self.application(id)?.address.clone();
        let levels = self.contact_lists.levels_mut(&user);
        let levels = levels.ok_or(Refusal::ANONYMOUS_NOT_ALLOWED)?;
        levels.set(contact, level);
        self.changed(|| DurableRecord::ContactList(user.clone()));
        if self.privacy_level(id, contact)? == before {
            return Ok(Reply::Done);
        }
        let own = self.applications.of(&user);
        let watching = own.filter(|(_, application)| application.watches(contact));
        let watching: Vec<_> = watching.map(|(application, _)| application).collect();
        for application in watching {
            let href = routes::contact_privacy_relationship(application, contact);
            let link = EventLink::new("contactPrivacyRelationship", href);
            let within = EventLink::new("contact", routes::contact(application, contact));
            let event = Event::new(EventKind::Updated, link).within(within);
            self.emit(application, Source::People, event);
        }
        Ok(Reply::Done)
    }

    /// GET myPrivacyRelationships.
    pub(super) fn privacy_levels_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let levels = Level::ALL.into_iter();
        let levels = levels.map(|level| self.privacy_level_resource(id, level));
        let levels = levels.collect::<Result<Vec<_>, _>>()?;
        Ok(Resource::new("myPrivacyRelationships")
            .with_href(routes::my_privacy_relationships(id))
            .with_embedded_many("myPrivacyRelationship", levels))
    }

    /// GET myPrivacyRelationship: the contacts with this level, and other users for whom the user has set this level.
    pub(super) fn privacy_level_resource(
        &self,
        id: ApplicationId,
        level: Level,
    ) -> Result<Resource<'static>, Refusal> {
        let list = self.contact_list(id)?;
        let listed = list.contacts().iter().map(String::as_str);
        let unlisted = list.levels.contacts();
        let unlisted = unlisted.filter(|address| !list.is_listed(address));
        let mut links = Vec::new();
        for contact in listed.chain(unlisted) {
            if self.privacy_level(id, contact)? == level {
                links.push(Link::new(routes::contact(id, contact)));
            }
        }
        Ok(Resource::new("myPrivacyRelationship")
            .with_href(routes::my_privacy_relationship(id, level))
            .with_property("relationshipLevel", level.as_str())
            .with_links("contact", links))
    }
}
