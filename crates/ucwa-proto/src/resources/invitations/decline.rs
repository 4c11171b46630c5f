//! Declining.

use crate::{resources::CallDeclineReason, typed::view};

view! {
    /// Declines an invitation; 204.
    ///
    /// Source: `decline_ref`.
    input DeclineInput = "decline" {
        properties {
            /// Whether the user declines (`Global`) or only this client (`Local`).
            reason: CallDeclineReason = "reason",
        }
    }
}
