//! The reference pages of contact lists: contacts, groups, memberships and privacy levels.

use super::Reference;

pub(super) const REFERENCES: &[Reference] = &[
    Reference {
        rel: "myContacts",
        operations: &[("GET", 200)],
        members: "contact",
        left_out: "",
    },
    Reference {
        rel: "groupContacts",
        operations: &[("GET", 200)],
        members: "contact",
        left_out: "",
    },
    Reference {
        rel: "myGroups",
        operations: &[("GET", 200), ("POST", 204)],
        members: "defaultGroup delegatesGroup delegatorsGroup distributionGroup group myOrganizationGroup \
                  pinnedGroup",
        left_out: "",
    },
    // The first edition of the pages of the groups has the link `groupMemberships`.
    Reference {
        rel: "group",
        operations: &[("GET", 200), ("PUT", 200), ("DELETE", 204)],
        members: "id name groupContacts groupMemberships subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "pinnedGroup",
        operations: &[("GET", 200)],
        members: "id name groupContacts groupMemberships subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "defaultGroup",
        operations: &[("GET", 200)],
        members: "id name groupContacts groupMemberships subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "delegatesGroup",
        operations: &[("GET", 200)],
        members: "id name groupContacts groupMemberships subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "delegatorsGroup",
        operations: &[("GET", 200)],
        members: "id name groupContacts subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "myOrganizationGroup",
        operations: &[("GET", 200)],
        members: "id name groupContacts subscribeToGroupPresence",
        left_out: "",
    },
    Reference {
        rel: "distributionGroup",
        operations: &[("GET", 200)],
        members: "uri id name addToContactList expandDistributionGroup removeFromContactList subscribeToGroupPresence \
                  contact distributionGroup",
        left_out: "",
    },
    Reference {
        rel: "subscribeToGroupPresence",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    // The response is a distributionGroup.
    Reference {
        rel: "expandDistributionGroup",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "addToContactList",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "removeFromContactList",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    // Servers have the link `removeContactFromAllGroups` here; its page does not say where it is.
    Reference {
        rel: "myGroupMemberships",
        operations: &[("GET", 200), ("POST", 201)],
        members: "myGroupMembership removeContactFromAllGroups",
        left_out: "",
    },
    // The response is a myGroupMemberships.
    Reference {
        rel: "groupMemberships",
        operations: &[("GET", 200)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "myGroupMembership",
        operations: &[("GET", 200), ("DELETE", 204)],
        members: "contact defaultGroup delegatesGroup group pinnedGroup",
        left_out: "",
    },
    Reference {
        rel: "removeContactFromAllGroups",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "myContactsAndGroupsSubscription",
        operations: &[("GET", 200)],
        members: "state startOrRefreshSubscriptionToContactsAndGroups stopSubscriptionToContactsAndGroups",
        left_out: "",
    },
    Reference {
        rel: "startOrRefreshSubscriptionToContactsAndGroups",
        operations: &[("POST", 201)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "stopSubscriptionToContactsAndGroups",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "contactPrivacyRelationship",
        operations: &[("GET", 200), ("PUT", 200)],
        members: "relationshipLevel resetContactPrivacyRelationship",
        left_out: "",
    },
    Reference {
        rel: "resetContactPrivacyRelationship",
        operations: &[("POST", 204)],
        members: "",
        left_out: "",
    },
    Reference {
        rel: "myPrivacyRelationships",
        operations: &[("GET", 200)],
        members: "myPrivacyRelationship",
        left_out: "",
    },
    Reference {
        rel: "myPrivacyRelationship",
        operations: &[("GET", 200)],
        members: "relationshipLevel contact",
        left_out: "",
    },
];
