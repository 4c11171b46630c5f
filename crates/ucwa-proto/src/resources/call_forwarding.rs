//! The targets of calls that the user forwards or does not answer.

use crate::{
    resources::{ActivePeriod, CallForwardingState, CallForwardingTarget, UnansweredCallHandling},
    view::views,
};

views! {
    /// The targets of calls that the user forwards or does not answer. A user without enterprise voice gets a 403
    /// response.
    ///
    /// Methods: GET, PUT. Source: `callForwardingSettings_ref`.
    resource CallForwardingSettings<'r> = "callForwardingSettings" {
        properties {
            /// When calls are forwarded.
            active_period: ActivePeriod = "activePeriod",
            /// Whether calls are forwarded at once, or also ring elsewhere.
            active_setting: CallForwardingState = "activeSetting",
            /// Whether unanswered calls are forwarded.
            unanswered_call_handling: UnansweredCallHandling = "unansweredCallHandling",
        }
        links {
            /// Stops forwarding calls.
            turn_off_call_forwarding = "turnOffCallForwarding",
        }
        embedded {
            /// The target of calls that are forwarded at once.
            immediate_forward_settings: ForwardingTarget = "immediateForwardSettings",
            /// The target that rings too.
            simultaneous_ring_settings: ForwardingTarget = "simultaneousRingSettings",
            /// The target of unanswered calls.
            unanswered_call_settings: ForwardingTarget = "unansweredCallSettings",
        }
    }

    /// The target of calls for one way to forward them.
    ///
    /// Methods: GET, PUT. Source: `immediateForwardSettings_ref`, `simultaneousRingSettings_ref`,
    /// `unansweredCallSettings_ref`.
    resource ForwardingTarget<'r> = "immediateForwardSettings" | "simultaneousRingSettings" | "unansweredCallSettings" {
        properties {
            /// The delay in seconds, from 5 to 60; not for calls that are forwarded at once.
            ring_delay: i64 = "ringDelay",
            /// The target.
            target: CallForwardingTarget = "target",
        }
        links {
            /// The contact that the target names.
            contact = "contact",
            /// Forwards calls to a contact.
            immediate_forward_to_contact = "immediateForwardToContact",
            /// Forwards calls to the user's delegates.
            immediate_forward_to_delegates = "immediateForwardToDelegates",
            /// Forwards calls to voicemail.
            immediate_forward_to_voicemail = "immediateForwardToVoicemail",
            /// Resets the target of unanswered calls.
            reset_unanswered_call_settings = "resetUnansweredCallSettings",
            /// Lets calls also ring at a contact.
            simultaneous_ring_to_contact = "simultaneousRingToContact",
            /// Lets calls also ring at the user's delegates.
            simultaneous_ring_to_delegates = "simultaneousRingToDelegates",
            /// Lets calls also ring at the user's team.
            simultaneous_ring_to_team = "simultaneousRingToTeam",
            /// Forwards unanswered calls to a contact.
            unanswered_call_to_contact = "unansweredCallToContact",
            /// Forwards unanswered calls to voicemail.
            unanswered_call_to_voicemail = "unansweredCallToVoicemail",
        }
    }
}
