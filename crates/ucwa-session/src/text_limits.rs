//! Limits of texts in requests, in UTF-16 code units. A text over its limit is not sent: the server would refuse the
//! request, often without naming the text.

use crate::failure::{Failure, FailureKind, Stage};

/// A subject, or a thread id (`startMessaging_ref`).
pub(crate) const SUBJECT: usize = 250;
/// A culture, an endpoint ID, or the name of an application (`applications_ref`).
pub(crate) const NAME: usize = 100;
/// The display name of an anonymous participant (`onlineMeetingInvitation_ref`).
pub(crate) const DISPLAY_NAME: usize = 250;
/// The ID of an operation (`startMessaging_ref`).
pub(crate) const OPERATION_ID: usize = 50;
/// A note (`note_ref`).
pub(crate) const NOTE: usize = 500;
/// A location (`location_ref`).
pub(crate) const LOCATION: usize = 60;
/// A query (`search_ref`).
pub(crate) const QUERY: usize = 256;

/// The name of a group (`myGroups2_ref`).
pub(crate) const GROUP_NAME: usize = 256;
/// The URI of a contact (`myGroupMemberships2_ref`).
pub(crate) const CONTACT_URI: usize = 250;

/// Refuses a text over its limit.
pub(crate) fn check(name: &str, text: &str, longest: usize, stage: Stage) -> Result<(), Failure> {
    if text.encode_utf16().count() > longest {
        return Err(Failure::new(FailureKind::InvalidArgument, stage)
            .with_message(format!("the {name} exceeds {longest} UTF-16 code units")));
    }
    Ok(())
}
