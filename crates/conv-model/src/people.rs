//! The people that a model knows: one object for each address.

use crate::application::ApplicationNode;
use crate::observable::store::Transaction;
use crate::person::Person;
use crate::sync::Arc;

/// Whether two addresses mean the same person.
pub(crate) fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// The person with this address, if somebody still holds them.
pub(crate) fn find(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    address: &str,
) -> Option<Person> {
    let me = application.fixed.me.person();
    if same(me.address(transaction), address) {
        return Some(me);
    }
    let people = &transaction.cells(application).people;
    people
        .get(&address.to_ascii_lowercase())?
        .upgrade()
        .map(|node| Person { node })
}

/// The person with this address, who learns the name.
pub(crate) fn find_or_make(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    address: &str,
    display_name: Option<&str>,
) -> Person {
    if let Some(person) = find(transaction, application, address) {
        person.learn(transaction, None, display_name);
        return person;
    }
    let person = Person::new(&application.fixed.model, address, display_name);
    if !address.is_empty() {
        let people = &mut transaction.cells(application).people;
        people.insert(address.to_ascii_lowercase(), Arc::downgrade(&person.node));
    }
    person
}
