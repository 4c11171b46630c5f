//! The resources of a person, as facts.

use std::time::SystemTime;

use ucwa_proto::{DateTime, Origin, Resource};

use super::PersonId;
use crate::contact_list::PrivacyLevel;
use crate::person::{
    Capabilities, EndpointType, Note, NoteKind, PersonFact, PersonField, PersonStatus, PersonType,
    PhoneNumber,
};

/// A resource of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    /// `contact`, or `me`.
    Card,
    /// `contactPresence`, or `presence`.
    Presence,
    /// `contactNote`, or `note`.
    Note,
    /// `contactLocation`, or `location`.
    Location,
    /// `contactSupportedModalities`.
    Modalities,
    /// `contactPrivacyRelationship`.
    Privacy,
}

impl Aspect {
    pub(crate) const ALL: [Self; 6] = [
        Self::Card,
        Self::Presence,
        Self::Note,
        Self::Location,
        Self::Modalities,
        Self::Privacy,
    ];

    /// The resource of a field.
    pub(super) fn of(field: PersonField) -> Self {
        match field {
            PersonField::Title
            | PersonField::Office
            | PersonField::Department
            | PersonField::Company
            | PersonField::AvatarUrl
            | PersonField::PhoneNumbers
            | PersonField::Emails
            | PersonField::PersonType => Self::Card,
            PersonField::Status
            | PersonField::Activity
            | PersonField::LastSeenAt
            | PersonField::EndpointType => Self::Presence,
            PersonField::Note => Self::Note,
            PersonField::Location => Self::Location,
            PersonField::Capabilities => Self::Modalities,
            PersonField::RelationshipLevel => Self::Privacy,
        }
    }

    /// The resource that an event or a link of a contact names.
    pub(super) fn of_contact(rel: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aspect| {
            *aspect != Self::Card && aspect.rel(&PersonId::Other(String::new())) == rel
        })
    }

    /// The link relation of the resource.
    pub(super) fn rel(self, id: &PersonId) -> &'static str {
        match (self, id) {
            (Self::Card, PersonId::Me) => "me",
            (Self::Presence, PersonId::Me) => "presence",
            (Self::Note, PersonId::Me) => "note",
            (Self::Location, PersonId::Me) => "location",
            (Self::Card, PersonId::Other(_)) => "contact",
            (Self::Presence, PersonId::Other(_)) => "contactPresence",
            (Self::Note, PersonId::Other(_)) => "contactNote",
            (Self::Location, PersonId::Other(_)) => "contactLocation",
            (Self::Modalities, _) => "contactSupportedModalities",
            (Self::Privacy, _) => "contactPrivacyRelationship",
        }
    }

    /// Whether the server sends events about changes. It sends none about cards.
    pub(super) fn is_live(self, id: &PersonId) -> bool {
        match self {
            Self::Card => false,
            Self::Modalities | Self::Privacy => *id != PersonId::Me,
            Self::Presence | Self::Note | Self::Location => true,
        }
    }

    /// All facts of the resource. A missing property, or one of the wrong type, is unknown.
    pub(super) fn facts(self, resource: &Resource<'_>, base: Option<&Origin>) -> Vec<PersonFact> {
        match self {
            Self::Card => card(resource, base),
            Self::Presence => presence(resource),
            Self::Note => vec![PersonFact::Note(note(resource))],
            Self::Location => vec![PersonFact::Location(filled(resource, "location"))],
            Self::Privacy => {
                let level = resource.text("relationshipLevel");
                vec![PersonFact::RelationshipLevel(
                    level.and_then(PrivacyLevel::named),
                )]
            }
            Self::Modalities => {
                let has = |wanted: &[&str]| {
                    resource
                        .list("modalities")
                        .any(|modality| wanted.contains(&modality))
                };
                vec![PersonFact::Capabilities(Capabilities {
                    chat: has(&["Messaging"]),
                    audio: has(&["Audio", "PhoneAudio"]),
                    video: has(&["Video"]),
                })]
            }
        }
    }
}

fn filled(resource: &Resource<'_>, name: &str) -> Option<String> {
    resource
        .text(name)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The facts of a contact (`contact_ref`) or of the user (`me_ref`). The office has different names in the two.
fn card(resource: &Resource<'_>, base: Option<&Origin>) -> Vec<PersonFact> {
    let text = |name| filled(resource, name);
    let numbers = [
        ("work", "workPhoneNumber"),
        ("mobile", "mobilePhoneNumber"),
        ("home", "homePhoneNumber"),
        ("other", "otherPhoneNumber"),
    ];
    let numbers = numbers
        .into_iter()
        .filter_map(|(kind, name)| text(name).map(|number| PhoneNumber { kind, number }));
    let photo = resource
        .link_href("contactPhoto")
        .or_else(|| resource.link_href("photo"))
        .and_then(|href| base?.resolve(href).ok());
    let facts = [
        PersonFact::Title(text("title")),
        PersonFact::Office(text("office").or_else(|| text("officeLocation"))),
        PersonFact::Department(text("department")),
        PersonFact::Company(text("company")),
        PersonFact::AvatarUrl(photo),
        PersonFact::PhoneNumbers(numbers.collect()),
        PersonFact::Emails(resource.list("emailAddresses").map(str::to_owned).collect()),
        PersonFact::PersonType(person_type(resource)),
    ];
    // An empty name means unknown and never replaces a known name.
    text("name")
        .map(PersonFact::DisplayName)
        .into_iter()
        .chain(facts)
        .collect()
}

/// The type of a contact. A phone is also known by its address (RFC 3261, 19.1.1).
fn person_type(resource: &Resource<'_>) -> PersonType {
    let is_phone = |uri: &str| {
        let mut parameters = uri.split(';').skip(1);
        parameters.any(|parameter| parameter.eq_ignore_ascii_case("user=phone"))
    };
    match resource.text("type") {
        Some("Phone") => PersonType::Phone,
        _ if resource.text("uri").is_some_and(is_phone) => PersonType::Phone,
        Some("User") => PersonType::User,
        Some("Bot" | "ReplayBot") => PersonType::Bot,
        _ => PersonType::Unknown,
    }
}

/// The facts of a presence (`contactPresence_ref`, `presence_ref`).
fn presence(resource: &Resource<'_>) -> Vec<PersonFact> {
    let status = match resource.text("availability") {
        Some("Online") => PersonStatus::Online,
        Some("Busy" | "IdleBusy") => PersonStatus::Busy,
        Some("DoNotDisturb") => PersonStatus::DoNotDisturb,
        Some("BeRightBack") => PersonStatus::BeRightBack,
        Some("Away") => PersonStatus::Away,
        Some("Offline") => PersonStatus::Offline,
        Some("IdleOnline") => PersonStatus::Idle,
        _ => PersonStatus::Unknown,
    };
    let device = match resource.text("deviceType") {
        Some("PC") => EndpointType::Desktop,
        Some("Mobile") => EndpointType::Mobile,
        Some("Web") => EndpointType::Web,
        _ => EndpointType::Unknown,
    };
    vec![
        PersonFact::Status(status),
        PersonFact::Activity(filled(resource, "activity")),
        PersonFact::LastSeenAt(last_active(resource)),
        PersonFact::EndpointType(device),
    ]
}

fn last_active(resource: &Resource<'_>) -> Option<SystemTime> {
    resource
        .text("lastActive")
        .and_then(|text| DateTime::parse(text).ok())
        .and_then(DateTime::to_system_time)
}

/// The note (`contactNote_ref`, `note_ref`).
fn note(resource: &Resource<'_>) -> Option<Note> {
    let kind = match resource.text("type") {
        Some("OutOfOffice") => NoteKind::OutOfOffice,
        _ => NoteKind::Personal,
    };
    filled(resource, "message").map(|text| Note { kind, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_availability_has_its_status() {
        for (availability, status) in [
            ("Online", PersonStatus::Online),
            ("Busy", PersonStatus::Busy),
            ("DoNotDisturb", PersonStatus::DoNotDisturb),
            ("BeRightBack", PersonStatus::BeRightBack),
            ("Away", PersonStatus::Away),
            ("Offline", PersonStatus::Offline),
            ("IdleOnline", PersonStatus::Idle),
            ("IdleBusy", PersonStatus::Busy),
            ("SomethingNew", PersonStatus::Unknown),
        ] {
            let resource = Resource::anonymous().with_property("availability", availability);
            assert_eq!(
                presence(&resource).first(),
                Some(&PersonFact::Status(status)),
                "{availability}"
            );
        }
        let nothing = presence(&Resource::anonymous());
        assert_eq!(
            nothing.first(),
            Some(&PersonFact::Status(PersonStatus::Unknown))
        );
    }

    #[test]
    fn each_device_has_its_type() {
        for (device, kind) in [
            ("PC", EndpointType::Desktop),
            ("Mobile", EndpointType::Mobile),
            ("Web", EndpointType::Web),
            ("DeskPhone", EndpointType::Unknown),
            ("Unknown", EndpointType::Unknown),
        ] {
            let resource = Resource::anonymous().with_property("deviceType", device);
            assert_eq!(
                presence(&resource).last(),
                Some(&PersonFact::EndpointType(kind)),
                "{device}"
            );
        }
    }

    #[test]
    fn each_contact_has_its_type() {
        let lene = "sip:lenea@contoso.com";
        let phone = "sip:+4512345678@contoso.com;User=Phone";
        for (kind, uri, expected) in [
            ("User", lene, PersonType::User),
            ("Phone", lene, PersonType::Phone),
            ("User", phone, PersonType::Phone),
            ("Bot", lene, PersonType::Bot),
            ("ReplayBot", lene, PersonType::Bot),
            ("SomethingNew", lene, PersonType::Unknown),
            ("SomethingNew", phone, PersonType::Phone),
        ] {
            let contact = Resource::new("contact")
                .with_property("type", kind)
                .with_property("uri", uri);
            assert_eq!(
                card(&contact, None).last(),
                Some(&PersonFact::PersonType(expected)),
                "{kind} {uri}"
            );
        }
    }

    #[test]
    fn every_field_is_in_one_resource() {
        assert_eq!(Aspect::of(PersonField::Title), Aspect::Card);
        assert_eq!(Aspect::of(PersonField::Activity), Aspect::Presence);
        assert_eq!(
            Aspect::of_contact("contactPresence"),
            Some(Aspect::Presence)
        );
        assert_eq!(Aspect::of_contact("contact"), None);
    }
}
