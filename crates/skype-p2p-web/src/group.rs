//! The handle of a group of the contact list.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::{
    collection::{Collection, Item},
    command,
    person::Person,
    property::Property,
    reason,
    value::Value,
};

/// A group of the contact list.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Group(pub(crate) skype_p2p::Group);

impl From<skype_p2p::Group> for Group {
    fn from(group: skype_p2p::Group) -> Self {
        Self(group)
    }
}

#[wasm_bindgen]
impl Group {
    /// Whether both are handles of one group.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &Group) -> bool {
        self.0 == other.0
    }

    /// The type of the group.
    #[wasm_bindgen(js_name = groupType)]
    pub fn group_type(&self) -> JsValue {
        Value::from(self.0.group_type()).to_js()
    }

    /// The ID of the group at the server.
    pub fn id(&self) -> Property {
        Property::of(&self.0.id())
    }

    /// The name, which can be set for the user's own groups.
    pub fn name(&self) -> Property {
        let target = self.0.clone();
        Property::of(&self.0.name()).with_setter(move |name| match name.as_string() {
            Some(name) => command::map(target.set_name(&name), |()| name.into()),
            None => command::failed(reason::invalid("the name is not a text")),
        })
    }

    /// The URI of a distribution group.
    pub fn uri(&self) -> Property {
        Property::of(&self.0.uri())
    }

    /// The privacy level of the persons, for a group of a level.
    #[wasm_bindgen(js_name = relationshipLevel)]
    pub fn relationship_level(&self) -> JsValue {
        Value::from(self.0.relationship_level()).to_js()
    }

    /// The persons of the group.
    pub fn persons(&self) -> Collection {
        Collection::remote(&self.0.persons(), |person| Item::Person(person.clone()))
    }

    /// The groups of the group.
    pub fn groups(&self) -> Collection {
        Collection::remote(&self.0.groups(), |group| Item::Group(group.clone()))
    }

    /// Adds the person with this SIP URI.
    #[wasm_bindgen(js_name = addAddress)]
    pub fn add_address(&self, address: &str) -> Promise {
        command::promise(command::map(self.0.persons().add(address), Value::from))
    }

    /// Removes a person.
    #[wasm_bindgen(js_name = removePerson)]
    pub fn remove_person(&self, person: &Person) -> Promise {
        command::promise(command::map(
            self.0.persons().remove(&person.0),
            Value::from,
        ))
    }

    /// Adds a group.
    #[wasm_bindgen(js_name = addGroup)]
    pub fn add_group(&self, group: &Group) -> Promise {
        command::promise(command::map(self.0.groups().add(&group.0), Value::from))
    }

    /// Removes a group.
    #[wasm_bindgen(js_name = removeGroup)]
    pub fn remove_group(&self, group: &Group) -> Promise {
        command::promise(command::map(self.0.groups().remove(&group.0), Value::from))
    }

    /// Whether groups can be added.
    #[wasm_bindgen(js_name = canAddGroups)]
    pub fn can_add_groups(&self) -> Property {
        Property::of(&self.0.groups().add_command().enabled())
    }

    /// Whether groups can be removed.
    #[wasm_bindgen(js_name = canRemoveGroups)]
    pub fn can_remove_groups(&self) -> Property {
        Property::of(&self.0.groups().remove_command().enabled())
    }

    /// Whether persons can be added.
    #[wasm_bindgen(js_name = canAddPersons)]
    pub fn can_add_persons(&self) -> Property {
        Property::of(&self.0.persons().add_command().enabled())
    }

    /// Whether persons can be removed.
    #[wasm_bindgen(js_name = canRemovePersons)]
    pub fn can_remove_persons(&self) -> Property {
        Property::of(&self.0.persons().remove_command().enabled())
    }
}
