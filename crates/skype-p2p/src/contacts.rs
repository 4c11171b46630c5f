//! Conversion of the contact list, photos and phones between the session and the model, one to one.

use conv_model::{
    CallForwarding, CallForwardingMode, CallForwardingTarget, ContactList, ContactListFact,
    ContactsRequest, FoundGroups, GroupFact, GroupKey, GroupType, Outcome, Photo, PrivacyLevel,
    UserPhone,
};
use ucwa_session::{ContactListChange, ContactsOperation, GroupKind, PhotoResult};

use crate::person;

/// The operation that carries out a request. `None` if the session has none.
pub(crate) fn operation(request: ContactsRequest) -> Option<ContactsOperation> {
    use ContactsOperation as Operation;
    Some(match request {
        ContactsRequest::FetchList(it) => Operation::Read(list(it)?),
        ContactsRequest::FollowList {
            list: it, interest, ..
        } => Operation::follow(list(it)?, person::interest(interest)?),
        ContactsRequest::FollowGroupPresence { group, follow, .. } => {
            Operation::follow_presence(key(group)?, follow)
        }
        ContactsRequest::AddContact { address, group, .. } => {
            Operation::add_contact(address, optional_key(group)?)
        }
        ContactsRequest::RemoveContact { address, group, .. } => {
            Operation::remove_contact(address, optional_key(group)?)
        }
        ContactsRequest::MoveContact {
            address, from, to, ..
        } => Operation::move_contact(address, key(from)?, key(to)?),
        ContactsRequest::AddGroup { name, .. } => Operation::add_group(name),
        ContactsRequest::AddDistributionGroup { name, uri, .. } => {
            Operation::add_distribution_group(name, uri)
        }
        ContactsRequest::RenameGroup { group, name, .. } => {
            Operation::rename_group(key(group)?, name)
        }
        ContactsRequest::RemoveGroup(group) => Operation::RemoveGroup(key(group)?),
        ContactsRequest::SetPrivacyLevel { address, level, .. } => {
            let level = match level {
                Some(level) => Some(session_level(level)?),
                None => None,
            };
            Operation::set_privacy_level(address, level)
        }
        ContactsRequest::SearchGroups { query, limit, .. } => {
            Operation::search_groups(query, limit)
        }
        ContactsRequest::FetchPhoto {
            address,
            size,
            version,
            ..
        } => Operation::fetch_photo(address, size.map(|it| (it.height, it.width)), version),
        ContactsRequest::FetchPhones => Operation::FetchPhones,
        ContactsRequest::FetchCallForwarding => Operation::FetchCallForwarding,
        _ => return None,
    })
}

/// The model's fact for a change of the contact list. `None` if the model has no counterpart.
pub(crate) fn fact(change: ContactListChange) -> Option<ContactListFact> {
    use ContactListChange as Change;
    Some(match change {
        Change::Writable(writable) => ContactListFact::Writable(writable),
        Change::Contacts(contacts) => ContactListFact::Contacts(contacts),
        Change::ContactAdded(contact) => ContactListFact::ContactAdded(contact),
        Change::ContactRemoved(contact) => ContactListFact::ContactRemoved(contact),
        Change::Groups(groups) => ContactListFact::Groups(group_facts(groups)),
        Change::Group(it) => ContactListFact::Group(group(it)?),
        Change::GroupRemoved(it) => ContactListFact::GroupRemoved(model_key(it)?),
        Change::Members {
            group,
            contacts,
            groups,
            ..
        } => ContactListFact::members(model_key(group)?, contacts, group_facts(groups)),
        Change::MemberAdded { group, contact, .. } => {
            ContactListFact::member_added(model_key(group)?, contact)
        }
        Change::MemberRemoved { group, contact, .. } => {
            ContactListFact::member_removed(model_key(group)?, contact)
        }
        Change::Memberships(memberships) => {
            let memberships = memberships.into_iter();
            let memberships =
                memberships.filter_map(|(contact, group)| Some((contact, model_key(group)?)));
            ContactListFact::Memberships(memberships.collect())
        }
        other => {
            tracing::warn!(?other, "a change of the contact list without a counterpart");
            return None;
        }
    })
}

/// The model's form of a result. `None` if the result is of another kind.
pub(crate) fn outcome(outcome: ucwa_session::Outcome) -> Option<Outcome> {
    use ucwa_session::Outcome as Result;
    Some(match outcome {
        Result::Groups { groups, more, .. } => {
            Outcome::FoundGroups(FoundGroups::new(group_facts(groups), more))
        }
        Result::Photo(PhotoResult::Found(photo)) => {
            let image = photo.image.to_vec();
            Outcome::Photo(Some(Photo::new(photo.media_type, image, photo.etag)))
        }
        Result::Photo(PhotoResult::NotModified) => Outcome::PhotoUnchanged,
        Result::Photo(_) => Outcome::Photo(None),
        Result::Phones(phones) => {
            let phones = phones.into_iter();
            let phones = phones.map(|it| UserPhone::new(it.kind, it.number, it.in_contact_card));
            Outcome::Phones(phones.collect())
        }
        Result::CallForwarding(it) => Outcome::CallForwarding(call_forwarding(&it)),
        _ => return None,
    })
}

fn group_facts(groups: Vec<ucwa_session::ContactGroup>) -> Vec<GroupFact> {
    groups.into_iter().filter_map(group).collect()
}

fn group(it: ucwa_session::ContactGroup) -> Option<GroupFact> {
    let group_type = match it.kind {
        GroupKind::Favorites => GroupType::Favorites,
        GroupKind::Custom => GroupType::Custom,
        GroupKind::Distribution => GroupType::Distribution,
        GroupKind::Others => GroupType::Others,
        GroupKind::PrivacyRelationship => GroupType::PrivacyRelationship,
        GroupKind::Delegates => GroupType::Delegates,
        GroupKind::Delegators => GroupType::Delegators,
        GroupKind::Organization => GroupType::Organization,
        _ => return None,
    };
    let mut fact = GroupFact::new(model_key(it.key)?, group_type);
    fact.name = it.name;
    fact.uri = it.uri;
    Some(fact)
}

fn list(list: ContactList) -> Option<ucwa_session::ContactList> {
    Some(match list {
        ContactList::Contacts => ucwa_session::ContactList::Contacts,
        ContactList::Groups => ucwa_session::ContactList::Groups,
        ContactList::Members(group) => ucwa_session::ContactList::Members(key(group)?),
        ContactList::Memberships => ucwa_session::ContactList::Memberships,
        _ => return None,
    })
}

fn key(key: GroupKey) -> Option<ucwa_session::GroupKey> {
    Some(match key {
        GroupKey::Id(id) => ucwa_session::GroupKey::Id(id),
        GroupKey::Level(level) => ucwa_session::GroupKey::Level(session_level(level)?),
        GroupKey::Delegates => ucwa_session::GroupKey::Delegates,
        GroupKey::Delegators => ucwa_session::GroupKey::Delegators,
        GroupKey::Organization => ucwa_session::GroupKey::Organization,
        _ => return None,
    })
}

/// Like [`key`]. `Some(None)` for the contact list as a whole.
fn optional_key(group: Option<GroupKey>) -> Option<Option<ucwa_session::GroupKey>> {
    match group {
        Some(group) => key(group).map(Some),
        None => Some(None),
    }
}

fn model_key(key: ucwa_session::GroupKey) -> Option<GroupKey> {
    Some(match key {
        ucwa_session::GroupKey::Id(id) => GroupKey::Id(id),
        ucwa_session::GroupKey::Level(it) => GroupKey::Level(level(it)?),
        ucwa_session::GroupKey::Delegates => GroupKey::Delegates,
        ucwa_session::GroupKey::Delegators => GroupKey::Delegators,
        ucwa_session::GroupKey::Organization => GroupKey::Organization,
        _ => return None,
    })
}

/// The model's form of a privacy level. `None` if the model has no counterpart.
pub(crate) fn level(level: ucwa_session::PrivacyLevel) -> Option<PrivacyLevel> {
    use ucwa_session::PrivacyLevel as Level;
    Some(match level {
        Level::Blocked => PrivacyLevel::Blocked,
        Level::Colleagues => PrivacyLevel::Colleagues,
        Level::Workgroup => PrivacyLevel::Workgroup,
        Level::External => PrivacyLevel::External,
        Level::FriendsAndFamily => PrivacyLevel::FriendsAndFamily,
        _ => return None,
    })
}

fn session_level(level: PrivacyLevel) -> Option<ucwa_session::PrivacyLevel> {
    use ucwa_session::PrivacyLevel as Level;
    Some(match level {
        PrivacyLevel::Blocked => Level::Blocked,
        PrivacyLevel::Colleagues => Level::Colleagues,
        PrivacyLevel::Workgroup => Level::Workgroup,
        PrivacyLevel::External => Level::External,
        PrivacyLevel::FriendsAndFamily => Level::FriendsAndFamily,
        _ => return None,
    })
}

fn call_forwarding(it: &ucwa_session::CallForwarding) -> CallForwarding {
    use ucwa_session::CallForwardingMode as Mode;
    let mut forwarding = CallForwarding::default();
    forwarding.mode = match it.mode {
        Mode::Immediate => CallForwardingMode::Immediate,
        Mode::SimultaneousRing => CallForwardingMode::SimultaneousRing,
        _ => CallForwardingMode::None,
    };
    forwarding.work_hours_only = it.work_hours_only;
    forwarding.immediate = target(it.immediate);
    forwarding.simultaneous = target(it.simultaneous);
    forwarding.unanswered = target(it.unanswered);
    forwarding.ring_delay = it.ring_delay;
    forwarding
}

fn target(target: ucwa_session::CallForwardingTarget) -> CallForwardingTarget {
    use ucwa_session::CallForwardingTarget as Target;
    match target {
        Target::Contact => CallForwardingTarget::Contact,
        Target::Delegates => CallForwardingTarget::Delegates,
        Target::Team => CallForwardingTarget::Team,
        Target::Voicemail => CallForwardingTarget::Voicemail,
        _ => CallForwardingTarget::None,
    }
}
