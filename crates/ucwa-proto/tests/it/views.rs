//! Typed views.

use ucwa_proto::{
    DataUri, DateTime, FieldError, FromResource, Limits, Link, Representation, Resource, ToInput,
    ToResource,
    resources::{
        ConversationState, Direction, Importance, InvitationState, MakeMeAvailableInput, Message,
        MessageFormat, MessagingInvitation, ModalityType, Note, Participant, PreferredAvailability,
        PresenceInput, StartMessagingInput, through_input_view, through_view,
    },
};

const INVITATION: &str = r#"{"rel":"messagingInvitation","direction":"Incoming","importance":"Normal","threadId":"AcoW9A0d=","state":"Connecting",
    "operationId":null,"subject":"","to":"sip:toshm@contoso.com","surprise":1,
    "_links":{"self":{"href":"/i/1"},"to":{"href":"/people/toshm"},"accept":{"href":"/i/1/accept"},"message":{"href":"data:text/plain;base64,SGk="}},
    "_embedded":{"from":{"rel":"participant","name":"Lene","anonymous":"False","_links":{"self":{"href":"/p/1"}}},
                 "acceptedByParticipant":[{"rel":"participant","name":""},{"rel":"participant"}]}}"#;

#[test]
fn a_view_borrows_what_it_knows() {
    let resource = Resource::decode(
        INVITATION.as_bytes(),
        Representation::Json,
        &Limits::default(),
    )
    .unwrap();
    let invitation = MessagingInvitation::from_resource(&resource).unwrap();
    assert_eq!(invitation.href.as_deref(), Some("/i/1"));
    assert_eq!(invitation.direction, Some(Direction::Incoming));
    assert_eq!(invitation.importance, Some(Importance::Normal));
    assert_eq!(invitation.state, Some(InvitationState::Connecting));
    assert_eq!(
        (invitation.subject.as_deref(), invitation.operation_id),
        (Some(""), None)
    );
    assert_eq!(invitation.to.as_deref(), Some("sip:toshm@contoso.com"));
    assert_eq!(invitation.to_link, Some(Link::new("/people/toshm")));
    assert!(invitation.accept.is_some() && invitation.decline.is_none());
    let message = invitation.message.unwrap();
    assert_eq!(DataUri::parse(&message.href).unwrap().text(), "Hi");
    let from = invitation.from.unwrap();
    assert_eq!(
        (from.name.as_deref(), from.anonymous, from.href.as_deref()),
        (Some("Lene"), Some(false), Some("/p/1"))
    );
    assert_eq!(invitation.accepted_by_participant.len(), 2);
}

#[test]
fn a_view_survives_both_representations() {
    let resource = Resource::decode(
        INVITATION.as_bytes(),
        Representation::Json,
        &Limits::default(),
    )
    .unwrap();
    let invitation = MessagingInvitation::from_resource(&resource).unwrap();
    for representation in [Representation::Json, Representation::Xml] {
        let bytes = invitation.to_resource().encode(representation);
        let again = Resource::decode(&bytes, representation, &Limits::default()).unwrap();
        assert_eq!(
            MessagingInvitation::from_resource(&again).unwrap(),
            invitation,
            "{representation:?}"
        );
    }
}

#[test]
fn unknown_words_are_kept() {
    let resource = Resource::new("conversation").with_property("state", "Levitating");
    let known = through_view("conversation", &resource).unwrap().unwrap();
    assert_eq!(known.text("state"), Some("Levitating"));
    assert_eq!(ConversationState::from("Levitating").as_str(), "Levitating");
    assert!(through_view("levitation", &resource).is_none());
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    let resource = Resource::new("message").with_property("direction", vec!["Incoming"]);
    let error = Message::from_resource(&resource).unwrap_err();
    assert_eq!(
        error,
        FieldError {
            rel: "message",
            field: "direction",
            expected: "word"
        }
    );
    let resource = Resource::new("message").with_property("timeStamp", "yesterday");
    assert_eq!(
        Message::from_resource(&resource).unwrap_err().field,
        "timeStamp"
    );
    let resource = Resource::new("messagingInvitation").with_embedded(
        "from",
        Resource::new("participant").with_property("local", "perhaps"),
    );
    assert_eq!(
        MessagingInvitation::from_resource(&resource)
            .unwrap_err()
            .to_string(),
        "participant: the property `local` is not a boolean"
    );
}

#[test]
fn lists_take_one_and_many() {
    for value in [
        ucwa_proto::Value::from("Messaging"),
        vec!["Messaging"].into(),
    ] {
        let resource = Resource::new("conversation").with_property("activeModalities", value);
        let view = ucwa_proto::resources::Conversation::from_resource(&resource).unwrap();
        assert_eq!(view.active_modalities, [ModalityType::Messaging]);
    }
    // A participant of an event may be one resource or a list of one.
    let one = Resource::new("message").with_embedded(
        "senderParticipant",
        Resource::new("participant").with_property("name", "Lene"),
    );
    assert_eq!(
        Message::from_resource(&one).unwrap().sender_participant[0]
            .name
            .as_deref(),
        Some("Lene")
    );
}

#[test]
fn an_input_is_what_the_server_expects() {
    let text = DataUri::text_plain("Hi");
    let input = StartMessagingInput {
        to: Some("sip:lenea@contoso.com".into()),
        operation_id: Some("5028e824".into()),
        importance: Some(Importance::Normal),
        message: Some(Link::new(&*text)),
        ..Default::default()
    };
    assert_eq!(
        String::from_utf8(input.to_input().encode(Representation::Json)).unwrap(),
        r#"{"operationId":"5028e824","to":"sip:lenea@contoso.com","importance":"Normal","_links":{"message":{"href":"data:text/plain;base64,SGk="}}}"#
    );
    let input = MakeMeAvailableInput {
        sign_in_as: Some(PreferredAvailability::Online),
        supported_message_formats: vec![MessageFormat::Plain, MessageFormat::Html],
        supported_modalities: vec![ModalityType::Messaging],
        ..Default::default()
    };
    let xml = String::from_utf8(input.to_input().encode(Representation::Xml)).unwrap();
    assert!(xml.contains("<input xmlns=\"http://schemas.microsoft.com/rtc/2012/03/ucwa\"><property name=\"signInAs\">Online</property>"), "{xml}");
    assert!(
        xml.contains(
            "<propertyList name=\"supportedModalities\"><item>Messaging</item></propertyList>"
        ),
        "{xml}"
    );
    let read = Resource::decode(xml.as_bytes(), Representation::Xml, &Limits::default()).unwrap();
    assert_eq!(MakeMeAvailableInput::from_resource(&read).unwrap(), input);
    assert!(
        through_input_view("makeMeAvailable", &read)
            .unwrap()
            .is_ok()
    );
    assert_eq!(
        PresenceInput::default()
            .to_input()
            .encode(Representation::Json),
        b"{}"
    );
}

#[test]
fn a_resource_is_found_by_each_of_its_names_and_an_input_by_its_capability() {
    let resource = Resource::new("x")
        .with_property("name", "Lene")
        .with_property("reason", "Local")
        .with_property("odd", "1");
    for (rel, members) in [
        ("contact", 1),
        ("onBehalfOf", 1),
        ("application", 0),
        ("root", 0),
    ] {
        let known = through_view(rel, &resource).unwrap().unwrap();
        assert_ne!(known.rel(), Some("x"));
        assert_eq!(known.properties.len(), members, "{rel}");
    }
    let known = through_input_view("decline", &resource).unwrap().unwrap();
    assert_eq!((known.rel(), known.text("reason")), (None, Some("Local")));
    assert!(through_view("decline", &resource).is_none());
    assert!(through_input_view("contact", &resource).is_none());
    for rel in ["startMessaging", "startMessaging2", "myGroups", "presence"] {
        assert!(through_input_view(rel, &resource).is_some(), "{rel}");
    }
}

#[test]
fn dates_are_read_from_either_representation() {
    let date = DateTime::from_millis(1_383_784_870_271);
    for text in ["/Date(1383784870271)/", "2013-11-06T16:41:10.2710000-08:00"] {
        let resource = Resource::new("message").with_property("timeStamp", text);
        assert_eq!(
            Message::from_resource(&resource).unwrap().time_stamp,
            Some(date)
        );
    }
}

#[test]
fn a_participant_and_a_note_hold_what_events_bring() {
    let participant = Resource::new("participant")
        .with_property("uri", "sip:a@b")
        .with_property("etag", "7")
        .with_href("/p");
    let view = Participant::from_resource(&participant).unwrap();
    assert_eq!(
        (
            view.uri.as_deref(),
            view.etag.as_deref(),
            view.href.as_deref()
        ),
        (Some("sip:a@b"), Some("7"), Some("/p"))
    );
    assert_eq!(
        Note::from_resource(&Resource::new("note")).unwrap(),
        Note::default()
    );
}
