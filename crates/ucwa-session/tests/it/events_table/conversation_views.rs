//! Events of participants, of this user's own part, and of the views in which both stand.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use super::conversation::CONVERSATION;
use crate::bench::*;
use crate::given::*;
use crate::joining::{joined, third_href};
use crate::pages::*;

fn of_participants() -> Row {
    Row {
        rel: "participant",
        ..CONVERSATION
    }
}

fn of_myself() -> Row {
    Row {
        rel: "localParticipant",
        ..CONVERSATION
    }
}

fn me(given: &Given) -> String {
    format!(
        "{}/participants/toshm@contoso.com",
        conversation_href(given.id)
    )
}

/// Lene, of whom everything is known.
fn lene_is_known() -> Given {
    established()
}

/// Lene's resource, with these members.
fn lene(given: &Given, kind: &str, more: Value) -> Value {
    event(kind, "participant", &given.lene(), more)
}

/// This user's own part. Servers embed it under the rel of the link, and give it the rel `participant`.
fn my_part(given: &Given, kind: &str, more: Value) -> Value {
    let mut event = event(kind, "localParticipant", &me(given), more);
    event["_embedded"]["localParticipant"]["rel"] = json!("participant");
    event
}

fn participant_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["added"],
            when: "a link only, of the one who was invited",
            then: "the peer is in, and is asked for the name",
            given: ringing,
            event: |given, kind| bare(kind, "participant", &given.lene(), None),
            effect: |given| {
                let changes = given.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantJoined(it)] if it.key == peer()),
                    "{changes:?}"
                );
                assert!(given.bench.is_sent("GET", &participant_href("21a1")));
            },
            ..of_participants()
        },
        Row {
            types: &["added", "updated"],
            when: "of somebody new",
            then: "somebody is in, or in the lobby",
            given: lene_is_known,
            event: |given, kind| {
                let alex =
                    json!({"uri": "sip:alexd@contoso.com", "name": "Alex Darrow", "inLobby": true});
                event(kind, "participant", &third_href(given.id), alex)
            },
            effect: |given| {
                let changes = given.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantJoined(it)] if it.in_lobby),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            when: "with news",
            then: "name and role are told",
            given: lene_is_known,
            event: |given, kind| lene(given, kind, json!({"name": "Lene A.", "role": "Leader"})),
            effect: |given| {
                let changes = given.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [ConversationChange::ParticipantUpdated(it)]
                            if it.name.as_deref() == Some("Lene A.") && it.role == Some(Role::Leader)
                    ),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            when: "a link only, in a conference",
            then: "the participant is read: this user may do something else with him now",
            given: || {
                let links = json!({"promote": {"href": "/promote"}});
                Given::new(joined(links), chat(), "21a1")
            },
            event: |given, kind| bare(kind, "participant", &third_href(given.id), None),
            effect: |given| {
                given.changes_are(&[]);
                let (alex, name) = (third_href("21a1"), "Alex Darrow");
                given.bench.reply("GET", &alex, 200, json!({"name": name}));
                let changes = given.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantUpdated(it)] if !it.capabilities.promote),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            when: "with an empty name",
            then: "nothing: it never replaces a known one",
            given: lene_is_known,
            event: |given, kind| lene(given, kind, json!({"name": ""})),
            effect: Given::nothing_follows,
            ..of_participants()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "the participant is out, and stays in the list",
            given: lene_is_known,
            event: |given, kind| bare(kind, "participant", &given.lene(), None),
            effect: |given| {
                given.changes_are(&[ConversationChange::ParticipantLeft {
                    participant: peer(),
                    failure: None,
                }]);
            },
            ..of_participants()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["added"],
            when: "",
            then: "the participant types",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "participant",
                    &given.lene(),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::Typing {
                    participant: peer(),
                    typing: true,
                }]);
            },
            ..of_participants()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["deleted"],
            when: "",
            then: "the participant types no more, and is in as before",
            given: || {
                let mut given = lene_is_known();
                let typing = Some(("typingParticipants", "/t"));
                let typing = bare("added", "participant", &given.lene(), typing);
                given.bench.page(senders("21a1", vec![(true, typing)]));
                given.bench.events.clear();
                given
            },
            event: |given, kind| {
                bare(
                    kind,
                    "participant",
                    &given.lene(),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::Typing {
                    participant: peer(),
                    typing: false,
                }]);
            },
            ..of_participants()
        },
        Row {
            within: Some("leaders"),
            types: &["added"],
            when: "",
            then: "the participant leads (in `attendees`: takes part)",
            given: lene_is_known,
            event: |given, kind| bare(kind, "participant", &given.lene(), Some(("leaders", "/l"))),
            effect: |given| {
                let changes = given.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [ConversationChange::ParticipantUpdated(it)] if it.role == Some(Role::Leader)
                    ),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            within: Some("attendees"),
            types: &["deleted"],
            when: "",
            then: "nothing: the participant is in another view now, or out, and that is an event of its own",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "participant",
                    &given.lene(),
                    Some(("attendees", "/a")),
                )
            },
            effect: Given::nothing_follows,
            ..of_participants()
        },
        Row {
            within: Some("lobby"),
            types: &["added"],
            when: "",
            then: "the participant waits in the lobby",
            given: lene_is_known,
            event: |given, kind| bare(kind, "participant", &given.lene(), Some(("lobby", "/w"))),
            effect: |given| {
                let changes = given.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantJoined(it)] if it.in_lobby),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            within: Some("lobby"),
            types: &["deleted"],
            when: "",
            then: "admitted or denied: the participant is read",
            given: lene_is_known,
            event: |given, kind| bare(kind, "participant", &given.lene(), Some(("lobby", "/w"))),
            effect: |given| {
                given.changes_are(&[]);
                assert!(given.bench.is_sent("GET", &participant_href("21a1")));
            },
            ..of_participants()
        },
        Row {
            rel: "participantMessaging",
            within: Some("participant"),
            types: &["added"],
            when: "",
            then: "the participant has joined the chat",
            given: ringing,
            event: |given, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("participant", &given.lene())),
                )
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::ParticipantChat {
                    participant: peer(),
                    connected: true,
                }]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "participantMessaging",
            within: Some("participant"),
            types: &["deleted"],
            when: "",
            then: "the participant has left the chat",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("participant", &given.lene())),
                )
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::ParticipantChat {
                    participant: peer(),
                    connected: false,
                }]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "participantMessaging",
            within: Some("localParticipant"),
            types: &["added", "deleted"],
            when: "",
            then: "nothing: this user's chat is told by `messaging`",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("localParticipant", &me(given))),
                )
            },
            effect: Given::nothing_follows,
            ..CONVERSATION
        },
    ]
}

fn own_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["added", "updated"],
            when: "",
            then: "this user is in, with a role if it says one",
            given: lene_is_known,
            event: |given, kind| my_part(given, kind, json!({"role": "Attendee"})),
            effect: |given| {
                given.changes_are(&[ConversationChange::Myself {
                    standing: Some(Standing::Joined),
                    role: Some(Role::Attendee),
                }]);
            },
            ..of_myself()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "this user is out; the conversation ends by an event of its own",
            given: lene_is_known,
            event: |given, kind| bare(kind, "localParticipant", &me(given), None),
            effect: |given| {
                given.changes_are(&[ConversationChange::Myself {
                    standing: Some(Standing::Gone),
                    role: None,
                }]);
            },
            ..of_myself()
        },
        Row {
            within: Some("leaders"),
            types: &["added"],
            when: "",
            then: "this user leads (in `attendees`: takes part)",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &me(given),
                    Some(("leaders", "/l")),
                )
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::Myself {
                    standing: Some(Standing::Joined),
                    role: Some(Role::Leader),
                }]);
            },
            ..of_myself()
        },
        Row {
            within: Some("lobby"),
            types: &["added"],
            when: "",
            then: "this user waits in the lobby",
            given: lene_is_known,
            event: |given, kind| bare(kind, "localParticipant", &me(given), Some(("lobby", "/w"))),
            effect: |given| {
                given.changes_are(&[ConversationChange::Myself {
                    standing: Some(Standing::InLobby),
                    role: None,
                }]);
            },
            ..of_myself()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["added", "deleted"],
            when: "",
            then: "nothing: the user knows",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &me(given),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: Given::nothing_follows,
            ..of_myself()
        },
        Row {
            within: Some("attendees"),
            types: &["deleted"],
            when: "",
            then: "nothing: leaving a view ends nothing",
            given: lene_is_known,
            event: |given, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &me(given),
                    Some(("attendees", "/a")),
                )
            },
            effect: Given::nothing_follows,
            ..of_myself()
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = participant_rows();
    rows.extend(own_rows());
    rows
}
