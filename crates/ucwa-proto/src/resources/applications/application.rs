//! The application.

use std::borrow::Cow;

use crate::{
    Resource,
    resources::{Communication, Me, People},
    typed::view,
};

view! {
    /// A client signed in: the root of everything that it may do.
    ///
    /// Methods: GET, DELETE. Source: `application_ref`, `anonApplications_ref`.
    ///
    /// It ends when its event channel stays unasked for 15 minutes, or when the user was made available and no
    /// activity is reported.
    resource Application<'r> = "application" {
        properties {
            /// The kind of device; `Browser`.
            kind: Cow<'r, str> = "type",
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// The client's own name for this device, unique among the user's devices. At most 100 UTF-16 units.
            endpoint_id: Cow<'r, str> = "endpointId",
            /// The server's number for this registration, for its logs.
            id: Cow<'r, str> = "id",
            /// Tells several event channels of one application apart. At most 100 UTF-16 units.
            instance_id: Cow<'r, str> = "instanceId",
            /// Who the client is, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
        links {
            /// Takes many requests at once.
            batch = "batch",
            /// The event channel.
            events = "events",
            /// What the administrator allows.
            policies = "policies",
            /// Tells the server where the client is in the network.
            report_my_network = "reportMyNetwork",
        }
        embedded {
            /// The dashboard of conversations.
            communication: Communication = "communication",
            /// The user.
            me: Me = "me",
            /// The dashboard of meetings; generic.
            online_meetings: Resource = "onlineMeetings",
            /// The dashboard of people.
            people: People = "people",
        }
    }
}

view! {
    /// The user's applications.
    ///
    /// Methods: GET, POST. Source: `applications2_ref`, `applications_ref`.
    resource Applications<'r> = "applications" {
        embedded {
            /// The dashboard of conversations.
            communication: Communication = "communication",
            /// The user.
            me: Me = "me",
            /// The dashboard of meetings; generic.
            online_meetings: Resource = "onlineMeetings",
            /// The dashboard of people.
            people: People = "people",
        }
        embedded_lists {
            /// The application.
            application: Application = "application",
        }
    }
}

view! {
    /// Creates an application: 201, or 200 if the instance exists.
    ///
    /// Source: `applications_ref`.
    ///
    /// `culture`, `endpointId` and `userAgent` are required. With `instanceId` several event channels can share one
    /// application (`MultiTabSupport`).
    input ApplicationsInput<'r> = "applications" {
        properties {
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// The client's own name for this device, unique among the user's devices. At most 100 UTF-16 units.
            endpoint_id: Cow<'r, str> = "endpointId",
            /// Tells several event channels of one application apart. At most 100 UTF-16 units.
            instance_id: Cow<'r, str> = "instanceId",
            /// Who the client is, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
    }
}

view! {
    /// Creates the application of a guest.
    ///
    /// Source: `anonApplications_ref`.
    ///
    /// Both are required.
    input AnonApplicationsInput<'r> = "anonApplications" {
        properties {
            /// The language of server-made texts, such as `en-US`. At most 100 UTF-16 units.
            culture: Cow<'r, str> = "culture",
            /// Who the client is, such as `ContosoApp/1.0`. At most 100 UTF-16 units.
            user_agent: Cow<'r, str> = "userAgent",
        }
    }
}
