//! How long the texts may be that go to the server, in UTF-16 code units. What is too long is not sent: the server would
//! refuse it, and does not say of every text which it meant.

use crate::failure::{Failure, FailureKind, Stage};

/// A subject, or a thread id (`startMessaging_ref`).
pub(crate) const SUBJECT: usize = 250;
/// A culture, the name of an endpoint, and that of an application (`applications_ref`).
pub(crate) const NAME: usize = 100;
/// What a guest calls himself (`onlineMeetingInvitation_ref`).
pub(crate) const DISPLAY_NAME: usize = 250;
/// A note (`note_ref`).
pub(crate) const NOTE: usize = 500;
/// A location (`location_ref`).
pub(crate) const LOCATION: usize = 60;
/// A query (`search_ref`).
pub(crate) const QUERY: usize = 256;

/// Refuses a text that is too long.
pub(crate) fn check(what: &str, text: &str, longest: usize, stage: Stage) -> Result<(), Failure> {
    if text.encode_utf16().count() > longest {
        return Err(Failure::new(FailureKind::InvalidArgument, stage)
            .with_message(format!("a {what} has at most {longest} characters")));
    }
    Ok(())
}
