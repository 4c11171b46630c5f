//! Beginning a meeting.

use std::borrow::Cow;

use crate::{resources::Importance, typed::view};

view! {
    /// Begins a meeting at once: 201, then events of `onlineMeetingInvitation`.
    ///
    /// Source: `startOnlineMeeting_ref`.
    input StartOnlineMeetingInput<'r> = "startOnlineMeeting" {
        properties {
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
    }
}

view! {
    /// Joins a meeting.
    ///
    /// Source: `joinOnlineMeeting_ref`.
    input JoinOnlineMeetingInput<'r> = "joinOnlineMeeting" {
        properties {
            /// The SIP address of the meeting.
            online_meeting_uri: Cow<'r, str> = "onlineMeetingUri",
            /// What the sender chose to recognise the operation by. At most 50 UTF-16 units.
            operation_id: Cow<'r, str> = "operationId",
            /// How urgent it is.
            importance: Importance = "importance",
            /// What it is about; may be empty. At most 250 UTF-16 units.
            subject: Cow<'r, str> = "subject",
            /// What ties conversations of one thread together; opaque, never to be changed in case. At most 250
            /// UTF-16 units.
            thread_id: Cow<'r, str> = "threadId",
        }
    }
}
