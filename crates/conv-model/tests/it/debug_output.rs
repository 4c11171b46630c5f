//! The Debug output identifies a value, and shows no text that a user wrote.

use std::fmt::Debug;

use conv_model::{
    Context, ConversationFact, Fact, GroupFact, GroupKey, GroupType, MeChange, MessageBody,
    MessageId, Note, NoteKind, PersonFact, PersonStatus, Photo, SenderFact, Subscription,
};

use crate::state_machines::{Origin::Created, Step::Send, conversation_after};
use crate::support::at;

#[test]
fn a_private_text_is_shown_as_its_length() {
    let other = MessageBody::other("multipart/mixed", "secret");
    let note = Note::new(NoteKind::Personal, "secret");
    let secret_group = GroupFact::new(GroupKey::Id("g".into()), GroupType::Custom).named("secret");
    let shown: [(&dyn Debug, &str); 11] = [
        (&MessageBody::Text("secret".into()), "Text(6 bytes)"),
        (&MessageBody::Html("secret".into()), "Html(6 bytes)"),
        (&other, "Text(6 bytes)"),
        (&Context::new("a/b", "secret"), "Context(a/b, 6 bytes)"),
        (&MeChange::Note("secret".into()), "Note(6 bytes)"),
        (&MeChange::Location("secret".into()), "Location(6 bytes)"),
        (&note, "Note(Personal, 6 bytes)"),
        (&secret_group, "GroupFact(Custom, Id(\"g\"))"),
        (
            &Photo::new("image/jpeg", *b"secret", None),
            "Photo(image/jpeg, 6 bytes)",
        ),
        (
            &PersonFact::Location(Some("secret".into())),
            "Location(6 bytes)",
        ),
        (
            &PersonFact::Note(Some(note.clone())),
            "Note(Some(Note(Personal, 6 bytes)))",
        ),
    ];
    for (value, expected) in shown {
        assert_eq!(format!("{value:?}"), expected);
    }
}

#[test]
fn a_message_is_shown_without_its_text() {
    let (_model, conversation) = conversation_after(Created, &[]);
    drop(conversation.chat_service().send_message("the secret"));
    let message = conversation.chat_service().messages().get(0).unwrap();
    let received = ConversationFact::message_received(
        MessageId::Remote(1),
        SenderFact::new("sip:lenea@contoso.com"),
        MessageBody::Html("the secret".into()),
        at(1),
    );
    let fact = Fact::of(conversation.id(), received);
    let shown = format!(
        "{message:?} {conversation:?} {fact:?} {:?} {:?}",
        message.body(),
        conversation.chat_service()
    );
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("10 bytes"), "{shown}");
}

#[test]
fn a_change_of_the_users_own_data_without_a_text_is_shown_whole() {
    let shown = [
        (MeChange::Status(PersonStatus::Busy), "Status(Busy)"),
        (MeChange::ResetStatus, "ResetStatus"),
        (MeChange::ResetNote, "ResetNote"),
        (MeChange::ResetLocation, "ResetLocation"),
    ];
    for (value, expected) in shown {
        assert_eq!(format!("{value:?}"), expected);
    }
}

#[test]
fn an_object_is_shown_by_its_type_and_id() {
    let (model, conversation) = conversation_after(Created, &[Send]);
    model.commit_to(
        conversation.id(),
        [ConversationFact::message_received(
            MessageId::Remote(1),
            SenderFact::new("sip:lenea@contoso.com"),
            "secret",
            at(1),
        )],
    );
    let application = &model.application;
    let participants = conversation.participants();
    let participant = participants.get(0).unwrap();
    let person = participant.person();
    let message = conversation.chat_service().messages().get(1).unwrap();
    let group = application.persons_and_groups_manager().all();
    let state = conversation.state();
    let (mut changes, latest) = (state.changes(), state.latest());
    let unread = format!("{changes:?}");
    changes.try_recv().unwrap();
    let text = format!(
        "TextMessage {{ id: {:?}, direction: Incoming, body: Text(6 bytes), .. }}",
        message.id()
    );
    let shown: [(&dyn Debug, &str); 18] = [
        (application, "Application { .. }"),
        (&model.writer, "ModelWriter { .. }"),
        (
            &application.conversations_manager(),
            "ConversationsManager { .. }",
        ),
        (
            &application.persons_and_groups_manager(),
            "PersonsAndGroupsManager { .. }",
        ),
        (
            &conversation,
            &format!("Conversation {{ id: {:?}, .. }}", conversation.id()),
        ),
        (
            &participant,
            &format!("Participant {{ id: {:?}, .. }}", participant.id()),
        ),
        (&person, "Person { .. }"),
        (&group, "Group { group_type: Root, .. }"),
        (&group.persons(), "RemoteCollection { .. }"),
        (&person.title(), "RemoteProperty { field: Title, .. }"),
        (
            &application.me().note(),
            "PublishedProperty { field: Note, .. }",
        ),
        (&message, &text),
        (&participants, "Collection { .. }"),
        (&participants.add_command(), "Command { .. }"),
        (&state, "Property { .. }"),
        (&changes, "Changes { unread: 0, .. }"),
        (&latest, "Latest { .. }"),
        (&Subscription::default(), "Subscription { .. }"),
    ];
    for (object, expected) in shown {
        assert_eq!(format!("{object:?}"), expected);
    }
    assert_eq!(unread, "Changes { unread: 1, .. }");
}
