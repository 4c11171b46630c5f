//! Event pages, decoded by `ucwa-proto` and by a bare parser on the same bytes: `serde_json::Value` for JSON, and a loop over the
//! events of quick-xml, without attributes, for XML.
//!
//! Each run decodes the page, the typed views of its resources, and the data URIs, as a session does. `owned` also converts the page
//! into one that borrows nothing.

use std::hint::black_box;
use std::time::Duration;

use ucwa_proto::{
    DataUri, Event, EventKind, EventLink, EventPage, EventStatus, Follow, FromResource, Limits,
    Link, Representation, Resource, Sender,
    resources::{
        Conversation, Message, Messaging, MessagingInvitation, Participant, ParticipantMessaging,
    },
};

use crate::client::Metrics;
use crate::meters::{fastest, micros};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The time for each page, in milliseconds
    #[arg(long)]
    milliseconds: u64,
}

pub(crate) fn run(options: &Options) -> Metrics {
    let time = Duration::from_millis(options.milliseconds);
    let pages = [("accepted", accepted()), ("64_messages", messages(64))];
    let mut metrics = Metrics::new();
    for (name, page) in &pages {
        for (format, representation) in
            [("json", Representation::Json), ("xml", Representation::Xml)]
        {
            let body = page.encode(representation);
            let bare = || match representation {
                Representation::Json => {
                    drop(black_box(
                        serde_json::from_slice::<serde_json::Value>(black_box(&body)).unwrap(),
                    ));
                }
                Representation::Xml => bare_loop(black_box(&body)),
            };
            let decode =
                || EventPage::decode(black_box(&body), representation, &Limits::default()).unwrap();
            let borrowed = || read(&decode());
            let owned = || read(&decode().into_owned());
            // An allocation above the memory for the pages keeps the allocator from returning that memory to the system
            // after each round, as in a long-lived process.
            let room: Vec<_> = (0..8).map(|_| vec![0_u8; 100_000]).collect();
            let pin = vec![0_u8; 100_000];
            drop(black_box(room));
            let times = fastest(
                time,
                4,
                &mut [&mut || bare(), &mut || borrowed(), &mut || owned()],
            );
            for (contender, time) in ["bare", "borrowed", "owned"].iter().zip(times) {
                metrics.insert(format!("{format}_{name}_{contender}"), micros(time));
            }
            drop(black_box(pin));
        }
    }
    metrics
}

/// Reads the parts of a page that a session reads.
fn read(page: &EventPage<'_>) {
    for (_, event) in page.events() {
        let Some(resource) = event.resource() else {
            continue;
        };
        match &*event.link.rel {
            "message" => {
                let message = Message::from_resource(resource).unwrap();
                let uri = message
                    .plain_message
                    .as_ref()
                    .map(|link| DataUri::parse(&link.href).unwrap());
                black_box(uri.as_ref().map(DataUri::text));
                black_box(&message);
            }
            "messagingInvitation" => drop(black_box(
                MessagingInvitation::from_resource(resource).unwrap(),
            )),
            "conversation" => drop(black_box(Conversation::from_resource(resource).unwrap())),
            "messaging" => drop(black_box(Messaging::from_resource(resource).unwrap())),
            "participant" | "localParticipant" => {
                drop(black_box(Participant::from_resource(resource).unwrap()));
            }
            "participantMessaging" => drop(black_box(
                ParticipantMessaging::from_resource(resource).unwrap(),
            )),
            _ => {}
        }
    }
}

fn bare_loop(body: &[u8]) {
    let mut reader = quick_xml::Reader::from_reader(body);
    loop {
        match black_box(reader.read_event().unwrap()) {
            quick_xml::events::Event::Eof => return,
            _ => continue,
        }
    }
}

const CONVERSATION: &str = "/ucwa/oauth/v1/applications/104209230921/communication/conversations/6f1d1b7e-1d5f-4d5e-9a0e-1f6f2b6d3c55";

fn under(path: &str) -> String {
    format!("{CONVERSATION}{path}")
}

fn page<'a>() -> EventPage<'a> {
    EventPage::new(
        "/ucwa/oauth/v1/applications/104209230921/events?ack=2",
        Follow::Next("/ucwa/oauth/v1/applications/104209230921/events?ack=3".into()),
    )
}

/// The page of an accepted invitation, of about 6 KB.
fn accepted() -> EventPage<'static> {
    let them = under("/participants/lenea@contoso.com");
    let us = under("/participants/toshm@contoso.com");
    let conversation = Resource::new("conversation")
        .with_href(CONVERSATION)
        .with_property("state", "Connected")
        .with_property("threadId", "AcoW9A0dUn8sGOAYQVSXjFmUWOZyqw==")
        .with_property("subject", "Lunch on \"Thursday\"")
        .with_property("activeModalities", ["Messaging"])
        .with_property("importance", "Normal")
        .with_property("recording", false)
        .with_link("addParticipant", "/ucwa/oauth/v1/applications/104209230921/communication/participantInvitations?conversation=6f1d")
        .with_link("applicationSharing", under("/applicationSharing"))
        .with_link("audioVideo", under("/audioVideo"))
        .with_link("dataCollaboration", under("/dataCollaboration"))
        .with_link("localParticipant", Link::new(us.clone()).with_title("Toshio Maeda"))
        .with_link("messaging", under("/messaging"))
        .with_link("participants", under("/participants"))
        .with_link("phoneAudio", under("/phoneAudio"));
    let messaging = Resource::new("messaging")
        .with_href(under("/messaging"))
        .with_property("state", "Connected")
        .with_property("negotiatedMessageFormats", ["Plain", "Html"])
        .with_link("conversation", CONVERSATION)
        .with_link("stopMessaging", under("/messaging/terminate"))
        .with_link("sendMessage", under("/messaging/messages"))
        .with_link("setIsTyping", under("/messaging/typing"))
        .with_link("typingParticipants", under("/messaging/typingParticipants"));
    let participant = Resource::new("participant")
        .with_href(them.clone())
        .with_property("sourceNetwork", "SameEnterprise")
        .with_property("anonymous", false)
        .with_property("name", "Lene Aaling")
        .with_property("uri", "sip:lenea@contoso.com")
        .with_link("conversation", CONVERSATION)
        .with_link(
            "contact",
            "/ucwa/oauth/v1/applications/104209230921/people/lenea@contoso.com",
        )
        .with_link(
            "contactPresence",
            "/ucwa/oauth/v1/applications/104209230921/people/lenea@contoso.com/presence",
        )
        .with_link(
            "contactPhoto",
            "/ucwa/oauth/v1/applications/104209230921/photos/lenea@contoso.com",
        )
        .with_link("participantMessaging", format!("{them}/messaging"));
    let invitation = Resource::new("messagingInvitation")
        .with_href("/ucwa/oauth/v1/applications/104209230921/communication/messagingInvitations/60c6490148e84972a18ac13d601f29ec")
        .with_property("direction", "Outgoing")
        .with_property("importance", "Normal")
        .with_property("threadId", "AcoW9A0dUn8sGOAYQVSXjFmUWOZyqw==")
        .with_property("state", "Connected")
        .with_property("operationId", "5028e824-2268-4b14-9e59-1abad65ff393")
        .with_property("subject", "Lunch on \"Thursday\"")
        .with_link("from", Link::new(us.clone()).with_title("Toshio Maeda"))
        .with_link("to", "/ucwa/oauth/v1/applications/104209230921/people/lenea@contoso.com")
        .with_link("conversation", CONVERSATION)
        .with_link("messaging", under("/messaging"))
        .with_embedded_many("acceptedByParticipant", vec![participant]);
    let participant_messaging = |participant: &str| {
        EventLink::new("participantMessaging", format!("{participant}/messaging"))
    };
    page()
        .with_sender(
            Sender::new("communication", "/ucwa/oauth/v1/applications/104209230921/communication")
                .with_event(Event::new(EventKind::Updated, EventLink::new("conversation", CONVERSATION)).embedding(conversation)),
        )
        .with_sender(
            Sender::new("conversation", CONVERSATION)
                .with_event(Event::new(EventKind::Added, EventLink::new("participant", them.clone()).with_title("Lene Aaling")))
                .with_event(Event::new(EventKind::Added, participant_messaging(&them)).within(EventLink::new("participant", them.clone())))
                .with_event(Event::new(EventKind::Added, participant_messaging(&us)).within(EventLink::new("localParticipant", us.clone())))
                .with_event(Event::new(EventKind::Updated, EventLink::new("messaging", under("/messaging"))).embedding(messaging)),
        )
        .with_sender(
            Sender::new("communication", "/ucwa/oauth/v1/applications/104209230921/communication").with_event(
                Event::new(
                    EventKind::Completed,
                    EventLink::new("messagingInvitation", "/ucwa/oauth/v1/applications/104209230921/communication/messagingInvitations/60c6490148e84972a18ac13d601f29ec"),
                )
                .status(EventStatus::Success)
                .embedding(invitation),
            ),
        )
}

/// A page of incoming messages.
fn messages(count: usize) -> EventPage<'static> {
    let mut sender = Sender::new("conversation", CONVERSATION);
    for number in 0..count {
        let href = under(&format!("/messaging/messages/{number}"));
        let them = under("/participants/lenea@contoso.com");
        let message = Resource::new("message")
            .with_href(href.clone())
            .with_property("direction", "Incoming")
            .with_property("timeStamp", format!("/Date(13589873{number:05})/"))
            .with_link("contact", "/ucwa/oauth/v1/applications/104209230921/people/lenea@contoso.com")
            .with_link("participant", Link::new(them).with_title("Lene Aaling"))
            .with_link("messaging", under("/messaging"))
            .with_link("plainMessage", format!("data:text/plain;charset=utf-8,Message+number+{number}%2c+and+some+more+words+to+read%0d%0a"));
        sender = sender.with_event(
            Event::new(EventKind::Completed, EventLink::new("message", href))
                .status(EventStatus::Success)
                .embedding(message),
        );
    }
    page().with_sender(sender)
}
