//! Contact lists: every session follows its user's list, the actors change the lists at random times, and in the end each
//! session must show what the server has.

use std::time::Duration;

use ucwa_session::{
    ContactList, ContactsOperation, GroupKey, GroupKind, Interest, Operation, Outcome, Ticket,
};

use super::timeline::Action;
use super::{Scenario, USERS};
use crate::coverage::CoveragePoint;
use crate::endpoint::{Endpoint, EndpointId};
use crate::options::WorldSize;
use crate::random::RandomStream;
use crate::violation::{Invariant, Violation};

/// How many changes the actors make together, at most.
const MAX_CHANGES: u64 = 24;
/// When the changes are made, after all actors have signed in.
const PERIOD: Duration = Duration::from_secs(120);
/// How long after the last change a session may show something else than the server has: time for an event page that was
/// lost, and for the reads that its successor causes, which are repeated after 60, 120, 240 and 480 s if they fail.
const SETTLING: Duration = Duration::from_secs(1200);
/// How long the reads of the lists may take.
const READING: Duration = Duration::from_secs(300);

/// The lists that every session follows.
const FOLLOWED: [ContactList; 3] = [
    ContactList::Contacts,
    ContactList::Groups,
    ContactList::Memberships,
];

impl Scenario<'_> {
    pub(super) fn has_contact_lists(&self) -> bool {
        self.plan.size >= WorldSize::Contacts
    }

    /// Follows the contact list at a session that has signed in.
    pub(super) fn follow_contacts(&mut self, endpoint: EndpointId) {
        for list in FOLLOWED {
            let follow = ContactsOperation::follow(list, Interest::Live);
            self.world.submit(endpoint, Operation::Contacts(follow));
        }
    }

    pub(super) fn schedule_contact_changes(&mut self) {
        for _ in 0..self.contact_changes.below(MAX_CHANGES) {
            let actor = self.contact_changes.index(self.actors.len());
            let after = self.contact_changes.duration(&(Duration::ZERO..PERIOD));
            self.schedule_after(after, Action::ChangeContacts(actor));
        }
    }

    /// Makes a random change of an actor's contact list.
    pub(super) fn change_contacts(&mut self, actor: usize) {
        let signed_in = self.is_signed_in(actor) && !self.ending;
        let Some(id) = self.endpoint(actor).filter(|_| signed_in) else {
            return;
        };
        let Some(endpoint) = self.world.endpoint(id) else {
            return;
        };
        if let Some(change) = random_change(&mut self.contact_changes, endpoint) {
            self.world.submit(id, Operation::Contacts(change));
        }
    }

    /// Compares what each session shows with what it reads from the server.
    pub(super) fn compare_contacts(&mut self) {
        self.wait(SETTLING, |_| false);
        for actor in 0..self.actors.len() {
            let endpoint = self.endpoint(actor).filter(|id| {
                let endpoint = self.world.endpoint(*id);
                self.is_signed_in(actor) && endpoint.is_some_and(Endpoint::is_connected)
            });
            if let Some(endpoint) = endpoint {
                self.compare_contacts_of(endpoint);
            }
        }
    }

    fn compare_contacts_of(&mut self, id: EndpointId) {
        let Some(shown) = self.world.endpoint(id).map(|it| it.contacts.clone()) else {
            return;
        };
        let reads: Vec<_> = FOLLOWED
            .into_iter()
            .filter_map(|list| {
                let read = Operation::Contacts(ContactsOperation::Read(list));
                self.world.submit(id, read)
            })
            .collect();
        self.wait(READING, |scenario| {
            reads
                .iter()
                .all(|ticket| scenario.is_completed(id, *ticket))
        });
        let Some(endpoint) = self.world.endpoint(id) else {
            return;
        };
        let is_read = |ticket: &Ticket| {
            let result = endpoint.tickets.get(ticket);
            matches!(result, Some(Some(Ok(Outcome::Done))))
        };
        // What could not be read cannot be compared.
        if !reads.iter().all(is_read) {
            return;
        }
        let difference = (endpoint.contacts != shown).then(|| {
            format!(
                "{} shows {shown:?}, and reads {:?}",
                endpoint.name, endpoint.contacts
            )
        });
        let coverage = &mut self.world.oracle.coverage;
        coverage.record(CoveragePoint::ContactsCompared);
        let violation = difference.map(|it| Violation::new(Invariant::ContactsCurrent, it));
        self.world.violations.extend(violation);
    }

    fn is_completed(&self, endpoint: EndpointId, ticket: Ticket) -> bool {
        let result = self.world.endpoint(endpoint);
        let result = result.and_then(|it| it.tickets.get(&ticket));
        result.is_none_or(Option::is_some)
    }
}

/// A change of the list that an endpoint shows. `None` if there is no group to choose.
fn random_change(random: &mut RandomStream, endpoint: &Endpoint) -> Option<ContactsOperation> {
    let (address, _) = random.choice(&USERS)?;
    let address = format!("sip:{address}");
    let fillable = endpoint
        .contacts
        .groups_of(&[GroupKind::Favorites, GroupKind::Custom]);
    let custom = endpoint.contacts.groups_of(&[GroupKind::Custom]);
    let mut choose = |groups: &[GroupKey]| random.choice(groups).cloned();
    let (group, other, own) = (choose(&fillable), choose(&fillable), choose(&custom));
    let number = random.below(100);
    Some(match random.below(8) {
        0 => ContactsOperation::add_contact(address, None),
        1 | 2 => ContactsOperation::add_contact(address, group),
        3 => ContactsOperation::remove_contact(address, group),
        4 => ContactsOperation::remove_contact(address, None),
        5 => ContactsOperation::move_contact(address, group?, other?),
        6 => match own {
            Some(own) if random.chance(400) => ContactsOperation::RemoveGroup(own),
            Some(own) => ContactsOperation::rename_group(own, format!("renamed {number}")),
            None => ContactsOperation::add_group(format!("group {number}")),
        },
        _ => ContactsOperation::add_group(format!("group {number}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Plan, users};
    use crate::world::{Conditions, World};

    /// What is compared after two users have signed in, if the session of the first shows this contact as well.
    fn violations(additional_contact: Option<&str>) -> Vec<Invariant> {
        let mut world = World::new(1, Conditions::ideal(), users(), false);
        let plan = Plan::ideal(WorldSize::Contacts);
        let mut scenario = Scenario::new(&mut world, plan, 1);
        for actor in 0..2 {
            scenario.schedule_after(Duration::ZERO, Action::SignIn(actor));
        }
        scenario.wait(SETTLING, |_| false);
        let first = scenario.endpoint(0).unwrap();
        let contacts = &mut scenario.world.endpoint_mut(first).unwrap().contacts;
        assert!(!contacts.groups.is_empty());
        contacts
            .contacts
            .extend(additional_contact.map(str::to_owned));
        scenario.compare_contacts();
        let coverage = &world.oracle.coverage;
        assert_eq!(coverage.count(CoveragePoint::ContactsCompared), 2);
        world.violations.iter().map(|it| it.invariant).collect()
    }

    #[test]
    fn a_session_that_shows_another_list_than_the_server_has_violates_the_invariant() {
        assert_eq!(violations(None), []);
        let additional = violations(Some("sip:nobody@contoso.com"));
        assert_eq!(additional, [Invariant::ContactsCurrent]);
    }
}
