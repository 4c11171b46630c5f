//! The typed views on UCWA's resources and inputs, laid out by family.
//!
//! A resource has `href`, `etag`, its properties as `Option` or `Vec`, its links as [`Link`](crate::Link)s and its
//! embedded resources. An input is what a
//! capability takes as the body of a POST or PUT. Both are read by [`FromResource`], which borrows, and written by
//! [`ToResource`]; both are built with `..Default::default()`. What a view does not know stays in the generic
//! [`Resource`] that it was read from.
//!
//! Names that stand for one kind of thing share a view: a `localParticipant`, a `from` and an `acceptedByParticipant`
//! are each a [`Participant`].
//!
//! Capabilities whose POST takes no body have no view: `accept`, `cancel`, `stopMessaging`, `setIsTyping`,
//! `userAcknowledged`, `reportMyActivity`, `markAsRead`,
//! `admit`, `eject`, `promote`, `demote`, `reject`, `replayMessage`, `enableAudienceMessaging`,
//! `disableAudienceMessaging`, `resetContactPrivacyRelationship` and
//! `stopSubscriptionToContactsAndGroups`. `sendMessage` takes the text itself as its body, and `operationId` in its
//! query.
//!
//! Lengths are in UTF-16 units, as the server counts them.

pub mod applications;
pub mod communications;
pub mod contacts;
pub mod conversations;
pub mod discovery;
pub mod groups;
pub mod history;
pub mod invitations;
pub mod messages;
pub mod participants;
pub mod people;
pub mod user;
pub mod words;

pub use self::{
    applications::*, communications::*, contacts::*, conversations::*, discovery::*, groups::*,
    history::*, invitations::*, messages::*, participants::*, people::*, user::*, words::*,
};

use crate::{FieldError, FromResource, Resource, ToInput, ToResource};

/// What comes back through a view: the members that the view knows.
type ThroughView = Result<Resource<'static>, FieldError>;

type ThroughViews = fn(&str, &Resource<'_>) -> Option<ThroughView>;

/// Reads a resource by the view that its name has and writes it back, which keeps just what the view knows; `None` if
/// the name has no view.
///
/// For tools that check views against payloads.
#[must_use]
pub fn through_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    let families: [ThroughViews; 12] = [
        applications::through_view,
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

/// Reads the input of a capability by its view and writes it back, which keeps just what the view knows; `None` if the
/// capability takes no input that has a view.
///
/// For tools that check views against payloads.
#[must_use]
pub fn through_input_view(
    rel: &str,
    resource: &Resource<'_>,
) -> Option<Result<Resource<'static>, FieldError>> {
    let families: [ThroughViews; 12] = [
        applications::through_input_view,
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
