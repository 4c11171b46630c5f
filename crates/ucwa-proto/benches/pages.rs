//! The time and the allocations for decoding event pages.
//!
//! Times are also given as multiples of a baseline on the same bytes: `serde_json::Value` for JSON, and a loop over the
//! quick-xml events, without attributes, for XML. Each run decodes the page, the typed views of its resources, and the
//! data URIs, as a session does. `owned` also converts the page into one that borrows nothing.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use ucwa_proto::{
    DataUri, Event, EventKind, EventLink, EventPage, EventStatus, Follow, FromResource, Limits,
    Link, Representation, Resource, Sender,
    resources::{
        Conversation, Message, Messaging, MessagingInvitation, Participant, ParticipantMessaging,
    },
};

fn main() {
    let pages = [
        ("accepted", accepted()),
        ("1 message", messages(1)),
        ("8 messages", messages(8)),
        ("64 messages", messages(64)),
    ];
    println!(
        "{:12} {:5} {:9} {:>8} {:>10} {:>9} {:>12}",
        "page", "", "", "bytes", "µs", "multiple", "allocations"
    );
    for (name, page) in &pages {
        for representation in [Representation::Json, Representation::Xml] {
            let body = page.encode(representation);
            let baseline: (&str, Box<dyn Fn()>) = match representation {
                Representation::Json => (
                    "Value",
                    Box::new(|| {
                        drop(black_box(
                            serde_json::from_slice::<serde_json::Value>(black_box(&body)).unwrap(),
                        ));
                    }),
                ),
                Representation::Xml => ("bare loop", Box::new(|| bare_loop(black_box(&body)))),
            };
            let borrowed = || {
                let page = EventPage::decode(black_box(&body), representation, &Limits::default())
                    .unwrap();
                read(&page);
            };
            let owned = || {
                let page = EventPage::decode(black_box(&body), representation, &Limits::default())
                    .unwrap()
                    .into_owned();
                read(&page);
            };
            // An allocation above the memory for the pages keeps the allocator from returning that memory to the system
            // after each round, as in a long-lived process.
            let room: Vec<_> = (0..8).map(|_| vec![0_u8; 100_000]).collect();
            let pin = vec![0_u8; 100_000];
            drop(black_box(room));
            let runs: [(&str, &dyn Fn()); 3] = [
                (baseline.0, &baseline.1),
                ("borrowed", &borrowed),
                ("owned", &owned),
            ];
            let times = fastest(&runs.map(|(_, run)| run));
            for ((what, run), time) in runs.iter().zip(&times) {
                let allocations = allocation_counter::measure(run).count_total;
                let micros = time.as_secs_f64() * 1e6;
                let multiple = time.as_secs_f64() / times.first().unwrap().as_secs_f64();
                let kind = format!("{representation:?}");
                println!(
                    "{name:12} {kind:5} {what:9} {:8} {micros:10.2} {multiple:9.2} {allocations:12}",
                    body.len()
                );
            }
            drop(black_box(pin));
        }
    }
}

/// The fastest of many rounds for each run. The rounds are interleaved, so that other load affects all runs.
fn fastest(runs: &[&dyn Fn()]) -> Vec<Duration> {
    const ITERATIONS: u32 = 64;
    let mut fastest = vec![Duration::MAX; runs.len()];
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(1500) {
        for (run, fastest) in runs.iter().zip(&mut fastest) {
            let start = Instant::now();
            for _ in 0..ITERATIONS {
                run();
            }
            *fastest = (*fastest).min(start.elapsed() / ITERATIONS);
        }
    }
    fastest
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
