//! Typed views on resources and inputs, a module for each family.
//!
//! A resource has `href`, `etag`, properties as `Option` or `Vec`, links as [`Link`](crate::Link)s, and embedded
//! resources. An input is the body of a POST or PUT to a capability. [`FromResource`] reads both from the generic
//! [`Resource`] and borrows from it; [`ToResource`] writes a resource, and [`ToInput`] an input. Construct both with
//! `..Default::default()`. Members that a view does not know stay in the generic form.
//!
//! Several names can have one view: `localParticipant`, `from` and `acceptedByParticipant` are read as a
//! [`Participant`].
//!
//! Capabilities whose POST has no body have no view: `accept`, `cancel`, `stopMessaging`, `setIsTyping`,
//! `userAcknowledged`, `reportMyActivity`, `markAsRead`, `admit`, `eject`, `promote`, `demote`, `reject`,
//! `replayMessage`, `enableAudienceMessaging`, `disableAudienceMessaging`, `resetContactPrivacyRelationship` and
//! `stopSubscriptionToContactsAndGroups`. The body of `sendMessage` is the text, and its `operationId` is in the query.
//!
//! Lengths are in UTF-16 code units, as servers count them.

pub mod applications;
pub mod call_forwarding;
pub mod communications;
pub mod contacts;
pub mod conversations;
pub mod discovery;
pub mod enumerations;
pub mod groups;
pub mod history;
pub mod invitations;
pub mod messages;
pub mod participants;
pub mod people;
pub mod user;

pub use self::{
    applications::*, call_forwarding::*, communications::*, contacts::*, conversations::*,
    discovery::*, enumerations::*, groups::*, history::*, invitations::*, messages::*,
    participants::*, people::*, user::*,
};

use crate::{FieldError, FromResource, Resource, ToInput, ToResource};

/// A resource that was read and written by a view: the members that the view knows.
type ThroughView = Result<Resource<'static>, FieldError>;

type ThroughViews = fn(&str, &Resource<'_>) -> Option<ThroughView>;

/// Reads a resource by the view of its name and writes it again, which keeps only the members that the view knows.
/// `None` if the name has no view.
///
/// For tools that check views against payloads.
#[must_use]
pub fn through_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    let families: [ThroughViews; 13] = [
        applications::through_view,
        call_forwarding::through_view,
        communications::through_view,
        contacts::through_view,
        conversations::through_view,
        discovery::through_view,
        groups::through_view,
        history::through_view,
        invitations::through_view,
        messages::through_view,
        participants::through_view,
        people::through_view,
        user::through_view,
    ];
    families
        .into_iter()
        .find_map(|through_view| through_view(rel, resource))
}

/// Reads the input of a capability by its view and writes it again, which keeps only the members that the view knows.
/// `None` if the capability has no input with a view.
///
/// For tools that check views against payloads.
#[must_use]
pub fn through_input_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    let families: [ThroughViews; 13] = [
        applications::through_input_view,
        call_forwarding::through_input_view,
        communications::through_input_view,
        contacts::through_input_view,
        conversations::through_input_view,
        discovery::through_input_view,
        groups::through_input_view,
        history::through_input_view,
        invitations::through_input_view,
        messages::through_input_view,
        participants::through_input_view,
        people::through_input_view,
        user::through_input_view,
    ];
    families
        .into_iter()
        .find_map(|through_input_view| through_input_view(rel, resource))
}

fn through_resource<'r, V: FromResource<'r> + ToResource>(
    resource: &'r Resource<'_>,
) -> ThroughView {
    V::from_resource(resource).map(|view| view.to_resource().into_owned())
}

fn through_input<'r, V: FromResource<'r> + ToInput>(resource: &'r Resource<'_>) -> ThroughView {
    V::from_resource(resource).map(|view| view.to_input().into_resource().into_owned())
}
