//! Decoding an event page and the resources that a session reads from it.

use std::hint::black_box;

use ucwa_proto::resources::{
    Conversation, Message, Messaging, MessagingInvitation, Participant, ParticipantMessaging,
};
use ucwa_proto::{DataUri, EventPage, FromResource, Limits, Representation, Resource};

use crate::script::Script;
use crate::step;

pub(crate) fn run() {
    let json = page();
    let limits = Limits::default();
    let decoded = EventPage::decode(&json, Representation::Json, &limits).unwrap();
    let xml = decoded.encode(Representation::Xml);
    for (name, body, representation) in [
        ("decode a page in JSON", &json, Representation::Json),
        ("decode a page in XML", &xml, Representation::Xml),
    ] {
        step(name, || {
            let page = EventPage::decode(black_box(body), representation, &limits).unwrap();
            let read = page.events().filter_map(|(_, event)| event.resource());
            read.for_each(|resource| read_views(resource));
        });
    }
}

/// A page with a message.
fn page() -> Vec<u8> {
    let mut script = Script::default();
    script.push_message(
        1,
        "lenea@contoso.com",
        "Lunch at noon? I have found a place.",
    );
    script.next_page().unwrap().into_body().to_vec()
}

fn read_views(resource: &Resource<'_>) {
    match resource.rel().unwrap_or_default() {
        "message" => {
            let message = Message::from_resource(resource).unwrap();
            let link = message.plain_message.as_ref().unwrap();
            black_box(DataUri::parse(&link.href).unwrap().text());
        }
        "messagingInvitation" => drop(black_box(MessagingInvitation::from_resource(resource))),
        "conversation" => drop(black_box(Conversation::from_resource(resource))),
        "messaging" => drop(black_box(Messaging::from_resource(resource))),
        "participant" => drop(black_box(Participant::from_resource(resource))),
        "participantMessaging" => drop(black_box(ParticipantMessaging::from_resource(resource))),
        _ => {}
    }
}
