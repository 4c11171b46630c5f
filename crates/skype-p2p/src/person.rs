//! Conversion of persons between the session and the model, one to one.

use conv_model::{
    Capabilities, EndpointType, FoundPersons, Interest, MeChange, Note, NoteKind, PersonFact,
    PersonField, PersonStatus, PersonType, PhoneNumber,
};
use ucwa_session::FoundPerson;

use crate::contacts;

/// The model's fact for a fact about a person. `None` if the model has no counterpart.
pub(crate) fn fact(fact: ucwa_session::PersonFact) -> Option<PersonFact> {
    use ucwa_session::PersonFact as Fact;
    Some(match fact {
        Fact::DisplayName(name) => PersonFact::DisplayName(name),
        Fact::Title(title) => PersonFact::Title(title),
        Fact::Office(office) => PersonFact::Office(office),
        Fact::Department(department) => PersonFact::Department(department),
        Fact::Company(company) => PersonFact::Company(company),
        Fact::AvatarUrl(url) => PersonFact::AvatarUrl(url),
        Fact::PhoneNumbers(numbers) => {
            PersonFact::PhoneNumbers(numbers.into_iter().map(phone_number).collect())
        }
        Fact::Emails(emails) => PersonFact::Emails(emails),
        Fact::PersonType(it) => PersonFact::PersonType(person_type(it)),
        Fact::Status(it) => PersonFact::Status(status(it)),
        Fact::Activity(activity) => PersonFact::Activity(activity),
        Fact::LastSeenAt(time) => PersonFact::LastSeenAt(time),
        Fact::EndpointType(it) => PersonFact::EndpointType(endpoint_type(it)),
        Fact::Note(it) => PersonFact::Note(it.map(note)),
        Fact::Location(location) => PersonFact::Location(location),
        Fact::Capabilities(it) => PersonFact::Capabilities(capabilities(it)),
        Fact::RelationshipLevel(it) => PersonFact::RelationshipLevel(it.and_then(contacts::level)),
        other => {
            tracing::warn!(
                ?other,
                "a fact about a person without a counterpart in the model"
            );
            return None;
        }
    })
}

/// The persons that a search found.
pub(crate) fn found(people: Vec<FoundPerson>, more: bool) -> FoundPersons {
    let persons = people.into_iter().map(|person| {
        let facts = person.facts.into_iter().filter_map(fact);
        (person.uri, facts.collect())
    });
    FoundPersons::new(persons.collect(), more)
}

/// The session's name of a field of a person. `None` if the session has no counterpart.
pub(crate) fn field(field: PersonField) -> Option<ucwa_session::PersonField> {
    use ucwa_session::PersonField as Field;
    Some(match field {
        PersonField::Title => Field::Title,
        PersonField::Office => Field::Office,
        PersonField::Department => Field::Department,
        PersonField::Company => Field::Company,
        PersonField::AvatarUrl => Field::AvatarUrl,
        PersonField::PhoneNumbers => Field::PhoneNumbers,
        PersonField::Emails => Field::Emails,
        PersonField::PersonType => Field::PersonType,
        PersonField::Status => Field::Status,
        PersonField::Activity => Field::Activity,
        PersonField::LastSeenAt => Field::LastSeenAt,
        PersonField::EndpointType => Field::EndpointType,
        PersonField::Note => Field::Note,
        PersonField::Location => Field::Location,
        PersonField::Capabilities => Field::Capabilities,
        PersonField::RelationshipLevel => Field::RelationshipLevel,
        _ => return None,
    })
}

/// The session's form of an interest. `None` if the session has no counterpart.
pub(crate) fn interest(interest: Interest) -> Option<ucwa_session::Interest> {
    Some(match interest {
        Interest::None => ucwa_session::Interest::None,
        Interest::Every(interval) => ucwa_session::Interest::Every(interval),
        Interest::Live => ucwa_session::Interest::Live,
        _ => return None,
    })
}

/// The session's form of a change to the user. `None` if the session has no counterpart.
pub(crate) fn me_change(change: MeChange) -> Option<ucwa_session::MeChange> {
    use ucwa_session::{MeChange as Change, PersonStatus as Status};
    Some(match change {
        MeChange::Status(status) => Change::Status(match status {
            PersonStatus::Online => Status::Online,
            PersonStatus::Offline => Status::Offline,
            PersonStatus::Hidden => Status::Hidden,
            PersonStatus::Busy => Status::Busy,
            PersonStatus::Idle => Status::Idle,
            PersonStatus::BeRightBack => Status::BeRightBack,
            PersonStatus::Away => Status::Away,
            PersonStatus::DoNotDisturb => Status::DoNotDisturb,
            PersonStatus::Unknown => Status::Unknown,
            _ => return None,
        }),
        MeChange::Note(text) => Change::Note(text),
        MeChange::Location(text) => Change::Location(text),
        MeChange::ResetStatus => Change::ResetStatus,
        MeChange::ResetNote => Change::ResetNote,
        MeChange::ResetLocation => Change::ResetLocation,
        _ => return None,
    })
}

fn status(status: ucwa_session::PersonStatus) -> PersonStatus {
    use ucwa_session::PersonStatus as Status;
    match status {
        Status::Online => PersonStatus::Online,
        Status::Offline => PersonStatus::Offline,
        Status::Hidden => PersonStatus::Hidden,
        Status::Busy => PersonStatus::Busy,
        Status::Idle => PersonStatus::Idle,
        Status::BeRightBack => PersonStatus::BeRightBack,
        Status::Away => PersonStatus::Away,
        Status::DoNotDisturb => PersonStatus::DoNotDisturb,
        _ => PersonStatus::Unknown,
    }
}

fn person_type(kind: ucwa_session::PersonType) -> PersonType {
    match kind {
        ucwa_session::PersonType::User => PersonType::User,
        ucwa_session::PersonType::Phone => PersonType::Phone,
        ucwa_session::PersonType::Bot => PersonType::Bot,
        _ => PersonType::Unknown,
    }
}

fn endpoint_type(kind: ucwa_session::EndpointType) -> EndpointType {
    match kind {
        ucwa_session::EndpointType::Desktop => EndpointType::Desktop,
        ucwa_session::EndpointType::Mobile => EndpointType::Mobile,
        ucwa_session::EndpointType::Web => EndpointType::Web,
        _ => EndpointType::Unknown,
    }
}

fn capabilities(it: ucwa_session::Capabilities) -> Capabilities {
    let mut capabilities = Capabilities::default();
    capabilities.chat = it.chat;
    capabilities.audio = it.audio;
    capabilities.video = it.video;
    capabilities
}

fn note(note: ucwa_session::Note) -> Note {
    let kind = match note.kind {
        ucwa_session::NoteKind::OutOfOffice => NoteKind::OutOfOffice,
        _ => NoteKind::Personal,
    };
    Note::new(kind, note.text)
}

fn phone_number(number: ucwa_session::PhoneNumber) -> PhoneNumber {
    PhoneNumber::new(number.kind, number.number)
}
