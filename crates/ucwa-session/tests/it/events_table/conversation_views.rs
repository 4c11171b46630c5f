//! Events of participants, of the local participant, and of the views that contain them.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use super::conversation::CONVERSATION;
use crate::driver::*;
use crate::fixtures::*;
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

fn local_href(fixture: &Fixture) -> String {
    format!(
        "{}/participants/toshm@contoso.com",
        conversation_href(fixture.id)
    )
}

/// Lene, with all properties known.
fn lene_is_known() -> Fixture {
    established()
}

/// Lene's resource, with further properties.
fn lene(fixture: &Fixture, kind: &str, more: Value) -> Value {
    event(kind, "participant", &fixture.lene(), more)
}

/// The local participant. Servers embed it under the rel of the link, with the rel `participant`.
fn local_participant(fixture: &Fixture, kind: &str, more: Value) -> Value {
    let mut event = event(kind, "localParticipant", &local_href(fixture), more);
    event["_embedded"]["localParticipant"]["rel"] = json!("participant");
    event
}

fn participant_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["added"],
            when: "a link only, of the invited peer",
            then: "the peer has joined, and the participant is read for the name",
            fixture: invitation_started,
            event: |fixture, kind| bare(kind, "participant", &fixture.lene(), None),
            effect: |fixture| {
                let changes = fixture.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantJoined(it)] if it.key == peer()),
                    "{changes:?}"
                );
                assert!(fixture.driver.is_sent("GET", &participant_href("21a1")));
            },
            ..of_participants()
        },
        Row {
            types: &["added", "updated"],
            when: "of a new participant",
            then: "the participant has joined the conversation or its lobby",
            fixture: lene_is_known,
            event: |fixture, kind| {
                let alex =
                    json!({"uri": "sip:alexd@contoso.com", "name": "Alex Darrow", "inLobby": true});
                event(kind, "participant", &third_href(fixture.id), alex)
            },
            effect: |fixture| {
                let changes = fixture.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantJoined(it)] if it.in_lobby),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            when: "with changed properties",
            then: "name and role are reported",
            fixture: lene_is_known,
            event: |fixture, kind| {
                lene(fixture, kind, json!({"name": "Lene A.", "role": "Leader"}))
            },
            effect: |fixture| {
                let changes = fixture.changes();
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
            then: "the participant is read: its links may have changed",
            fixture: || {
                let links = json!({"promote": {"href": "/promote"}});
                Fixture::new(joined(links), chat(), "21a1")
            },
            event: |fixture, kind| bare(kind, "participant", &third_href(fixture.id), None),
            effect: |fixture| {
                fixture.changes_are(&[]);
                let (alex, name) = (third_href("21a1"), "Alex Darrow");
                fixture
                    .driver
                    .reply("GET", &alex, 200, json!({"name": name}));
                let changes = fixture.changes();
                assert!(
                    matches!(changes.as_slice(), [ConversationChange::ParticipantUpdated(it)] if !it.capabilities.promote),
                    "{changes:?}"
                );
            },
            ..of_participants()
        },
        Row {
            when: "with an empty name",
            then: "nothing: an empty name never replaces a known one",
            fixture: lene_is_known,
            event: |fixture, kind| lene(fixture, kind, json!({"name": ""})),
            effect: Fixture::nothing_follows,
            ..of_participants()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "the participant has left",
            fixture: lene_is_known,
            event: |fixture, kind| bare(kind, "participant", &fixture.lene(), None),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::participant_left(peer(), None)]);
            },
            ..of_participants()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["added"],
            when: "",
            then: "the participant is typing",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participant",
                    &fixture.lene(),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::typing(peer(), true)]);
            },
            ..of_participants()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["deleted"],
            when: "",
            then: "the participant stops typing",
            fixture: || {
                let mut fixture = lene_is_known();
                let typing = Some(("typingParticipants", "/t"));
                let typing = bare("added", "participant", &fixture.lene(), typing);
                fixture.driver.page(senders("21a1", vec![(true, typing)]));
                fixture.driver.events.clear();
                fixture
            },
            event: |fixture, kind| {
                bare(
                    kind,
                    "participant",
                    &fixture.lene(),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::typing(peer(), false)]);
            },
            ..of_participants()
        },
        Row {
            within: Some("leaders"),
            types: &["added"],
            when: "",
            then: "the participant is a leader (in `attendees`: an attendee)",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participant",
                    &fixture.lene(),
                    Some(("leaders", "/l")),
                )
            },
            effect: |fixture| {
                let changes = fixture.changes();
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
            then: "nothing: another event reports the new view, or that the participant left",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participant",
                    &fixture.lene(),
                    Some(("attendees", "/a")),
                )
            },
            effect: Fixture::nothing_follows,
            ..of_participants()
        },
        Row {
            within: Some("lobby"),
            types: &["added"],
            when: "",
            then: "the participant waits in the lobby",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(kind, "participant", &fixture.lene(), Some(("lobby", "/w")))
            },
            effect: |fixture| {
                let changes = fixture.changes();
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
            then: "the participant was admitted or rejected, and is read",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(kind, "participant", &fixture.lene(), Some(("lobby", "/w")))
            },
            effect: |fixture| {
                fixture.changes_are(&[]);
                assert!(fixture.driver.is_sent("GET", &participant_href("21a1")));
            },
            ..of_participants()
        },
        Row {
            rel: "participantMessaging",
            within: Some("participant"),
            types: &["added"],
            when: "",
            then: "the participant has joined the chat",
            fixture: invitation_started,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("participant", &fixture.lene())),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::participant_chat(peer(), true)]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "participantMessaging",
            within: Some("participant"),
            types: &["deleted"],
            when: "",
            then: "the participant has left the chat",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("participant", &fixture.lene())),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::participant_chat(peer(), false)]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "participantMessaging",
            within: Some("localParticipant"),
            types: &["added", "deleted"],
            when: "",
            then: "nothing: `messaging` reports the chat of this user",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "participantMessaging",
                    "/pm",
                    Some(("localParticipant", &local_href(fixture))),
                )
            },
            effect: Fixture::nothing_follows,
            ..CONVERSATION
        },
    ]
}

fn own_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["added", "updated"],
            when: "",
            then: "this user has joined, with the role if there is one",
            fixture: lene_is_known,
            event: |fixture, kind| local_participant(fixture, kind, json!({"role": "Attendee"})),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::myself(
                    Some(Standing::Joined),
                    Some(Role::Attendee),
                )]);
            },
            ..of_myself()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "this user has left; the conversation ends with its own event",
            fixture: lene_is_known,
            event: |fixture, kind| bare(kind, "localParticipant", &local_href(fixture), None),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::myself(Some(Standing::Gone), None)]);
            },
            ..of_myself()
        },
        Row {
            within: Some("leaders"),
            types: &["added"],
            when: "",
            then: "this user is a leader (in `attendees`: an attendee)",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &local_href(fixture),
                    Some(("leaders", "/l")),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::myself(
                    Some(Standing::Joined),
                    Some(Role::Leader),
                )]);
            },
            ..of_myself()
        },
        Row {
            within: Some("lobby"),
            types: &["added"],
            when: "",
            then: "this user waits in the lobby",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &local_href(fixture),
                    Some(("lobby", "/w")),
                )
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::myself(Some(Standing::InLobby), None)]);
            },
            ..of_myself()
        },
        Row {
            within: Some("typingParticipants"),
            types: &["added", "deleted"],
            when: "",
            then: "nothing",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &local_href(fixture),
                    Some(("typingParticipants", "/t")),
                )
            },
            effect: Fixture::nothing_follows,
            ..of_myself()
        },
        Row {
            within: Some("attendees"),
            types: &["deleted"],
            when: "",
            then: "nothing",
            fixture: lene_is_known,
            event: |fixture, kind| {
                bare(
                    kind,
                    "localParticipant",
                    &local_href(fixture),
                    Some(("attendees", "/a")),
                )
            },
            effect: Fixture::nothing_follows,
            ..of_myself()
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = participant_rows();
    rows.extend(own_rows());
    rows
}
