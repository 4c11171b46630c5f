//! Event pages.

use ucwa_proto::{
    Event, EventKind, EventLink, EventPage, EventStatus, Follow, Limits, Problem,
    Representation::{self, Json, Xml},
    Resource, Sender,
};

fn read(body: &str, representation: Representation) -> EventPage<'_> {
    EventPage::decode(body.as_bytes(), representation, &Limits::default()).unwrap()
}

#[test]
fn a_page_is_read_in_order() {
    let body = r#"{"_links":{"self":{"href":"/e?ack=1"},"next":{"href":"/e?ack=2"}},"baseuri":"https://pool","sender":[
        {"rel":"conversation","href":"/c","extra":[1],"events":[
            {"_embedded":{"localParticipant":{"rel":"participant"}},"type":"added","link":{"rel":"localParticipant","href":"/p","title":"T"},
             "in":{"rel":"participants","href":"/ps"}},
            {"type":"vanished","link":{"rel":"message","href":"/m","revision":"2"},"status":"Failure","odd":7,
             "reason":{"code":"RemoteFailure","subcode":"Declined","message":null}}]},
        {"rel":"me","href":"/me"},
        {"rel":"conversation","href":"/c","events":null}]}"#;
    let page = read(body, Json);
    assert_eq!(page.href.as_deref(), Some("/e?ack=1"));
    assert_eq!(page.follow, Some(Follow::Next("/e?ack=2".into())));
    assert_eq!(page.properties, [("baseuri".into(), "https://pool".into())]);
    let senders: Vec<_> = page
        .senders
        .iter()
        .map(|sender| (&*sender.rel, sender.events.len()))
        .collect();
    assert_eq!(
        senders,
        [("conversation", 2), ("me", 0), ("conversation", 0)]
    );
    let [added, vanished] = &page.senders[0].events[..] else {
        panic!()
    };
    assert_eq!(
        (&added.kind, added.link.title.as_deref()),
        (&EventKind::Added, Some("T"))
    );
    assert_eq!(added.within, Some(EventLink::new("participants", "/ps")));
    assert_eq!(added.resource().unwrap().rel(), Some("participant"));
    assert_eq!(
        (&vanished.kind, vanished.status.as_ref()),
        (
            &EventKind::Other("vanished".into()),
            Some(&EventStatus::Failure)
        )
    );
    assert_eq!(
        vanished.reason.as_deref(),
        Some(&Problem::new("RemoteFailure").with_subcode("Declined"))
    );
    assert_eq!(vanished.properties.len(), 1);
    assert_eq!(page.events().count(), 2);
}

#[test]
fn an_empty_page_is_just_the_link() {
    for (body, representation) in [
        (r#"{"_links":{"next":{"href":"/n"}}}"#, Json),
        ("<events><link rel=\"next\" href=\"/n\"/></events>", Xml),
    ] {
        let page = read(body, representation);
        assert_eq!(page.follow, Some(Follow::Next("/n".into())));
        assert!(page.senders.is_empty());
        let again = page.encode(representation);
        assert_eq!(
            EventPage::decode(&again, representation, &Limits::default()).unwrap(),
            page
        );
    }
    assert_eq!(read("{}", Json).follow, None);
}

#[test]
fn the_embedded_resource_of_an_event_is_the_one_under_the_rel_of_the_link() {
    let json = |embedded: &str| {
        format!(
            r#"{{"sender":[{{"events":[{{"_embedded":{embedded},"link":{{"rel":"a","href":"/a"}},"type":"added"}}]}}]}}"#
        )
    };
    let xml = |embedded: &str| {
        format!(r#"<events><sender><added rel="a" href="/a">{embedded}</added></sender></events>"#)
    };
    let cases = [
        (json(r#"{"a":{"x":"1"},"b":{"x":"2"}}"#), Json, Some("1")),
        (
            json(r#"{"b":{"x":"1"},"a":{"x":"2"},"a":{"x":"3"}}"#),
            Json,
            Some("2"),
        ),
        (json(r#"{"b":{"x":"1"},"c":{"x":"2"}}"#), Json, Some("1")),
        (
            json(r#"{"b":null,"c":[],"d":[{"x":"1"},{"x":"2"}]}"#),
            Json,
            Some("1"),
        ),
        (json(r#"{"b":7,"c":{"x":"1"}}"#), Json, Some("1")),
        (json(r#"{"b":{"x":"1"},"a":7}"#), Json, Some("1")),
        (json(r#"{"b":{"x":"1","_links":7}}"#), Json, None),
        (json("null"), Json, None),
        (
            xml(r#"<resource rel="b" x="1"/><resource rel="a" x="2"/>"#),
            Xml,
            Some("2"),
        ),
        (
            xml(r#"<resource x="1"><link/></resource><resource rel="b" x="2"/>"#),
            Xml,
            Some("2"),
        ),
        (
            xml(r#"<resource rel="b" x="1"><link/></resource>"#),
            Xml,
            None,
        ),
    ];
    for (body, representation, expected) in &cases {
        let page = read(body, *representation);
        let resource = page.senders[0].events[0].resource();
        let found = resource.map(|resource| resource.text("x").unwrap());
        assert_eq!(found, *expected, "{body}");
    }
}

#[test]
fn resync_outranks_resume_outranks_next() {
    let links = |rels: &[&str]| {
        let links: Vec<_> = rels
            .iter()
            .map(|rel| format!("\"{rel}\":{{\"href\":\"/{rel}\"}}"))
            .collect();
        let body = format!("{{\"_links\":{{{}}}}}", links.join(","));
        read(&body, Json).follow.map(|follow| follow.rel())
    };
    assert_eq!(links(&["next", "resync", "resume"]), Some("resync"));
    assert_eq!(links(&["resume", "next"]), Some("resume"));
    assert_eq!(links(&["next"]), Some("next"));
    assert_eq!(links(&["other"]), None);
}

#[test]
fn a_page_survives_both_representations() {
    let page = EventPage::new("/e?ack=1", Follow::Resume("/e?ack=2&x=\"1\"".into()))
        .with_sender(
            Sender::new("conversation", "/c")
                .with_event(
                    Event::new(
                        EventKind::Completed,
                        EventLink::new("message", "/m/1").with_title("<Lene> & \"Tosh\""),
                    )
                    .within(EventLink::new("participant", "/p").with_title(""))
                    .status(EventStatus::Other("Perhaps".into()))
                    .reason(
                        Problem::new("Informational")
                            .with_subcode("AutoAccepted")
                            .with_message("a\r\nb"),
                    )
                    .embedding(
                        Resource::new("message")
                            .with_href("/m/1")
                            .with_link("plainMessage", "data:text/plain,Hi+there%0d%0a"),
                    ),
                )
                .with_event(Event::new(
                    EventKind::Other("vanished".into()),
                    EventLink::new("x", "/x"),
                )),
        )
        .with_sender(Sender::new("me", "/me"));
    let event = &page.senders[0].events[0];
    assert_eq!(event.link.title.as_deref(), Some("<Lene> & \"Tosh\""));
    assert_eq!(event.within.as_ref().unwrap().title.as_deref(), Some(""));
    for representation in [Json, Xml] {
        let bytes = page.encode(representation);
        assert_eq!(
            EventPage::decode(&bytes, representation, &Limits::default()).unwrap(),
            page,
            "{representation:?}"
        );
        assert_eq!(
            EventPage::decode(&bytes, representation, &Limits::default())
                .unwrap()
                .into_owned(),
            page
        );
    }
}

#[test]
fn what_a_page_says_beyond_the_documented_is_kept() {
    let json = br#"{"_links":{"self":{"href":"/e","revision":2},"next":{"href":"/e?2"},"about":{"href":"/a"}},"sender":[{"rel":"me","href":"/me","weight":3,
        "events":[{"link":{"rel":"note","href":"/n","title":"","etag":"7"},"in":{"rel":"me","href":"/me","version":2},"type":"updated"}]}],"odd":true}"#;
    let xml = br#"<events href="/e"><link rel="next" href="/e?2"/><link rel="about" href="/a"/><sender rel="me" href="/me" weight="3"><updated rel="note"
        href="/n" title="" etag="7" status="Success"><in rel="me" href="/me" version="2"/></updated></sender></events>"#;
    for (body, representation) in [
        (json.as_slice(), Representation::Json),
        (xml.as_slice(), Representation::Xml),
    ] {
        let page = EventPage::decode(body, representation, &Limits::default()).unwrap();
        assert_eq!(page.follow, Some(Follow::Next("/e?2".into())));
        assert_eq!(page.links.last().unwrap().0, "about");
        let sender = &page.senders[0];
        assert_eq!(sender.properties[0].0, "weight");
        assert_eq!(sender.properties[0].1.as_integer(), Some(3));
        let event = &sender.events[0];
        assert_eq!(event.link.attributes.len(), 1);
        assert_eq!(event.link.attributes[0].1.as_integer(), Some(7));
        assert_eq!(event.within.as_ref().unwrap().attributes[0].0, "version");
        let again = page.encode(representation);
        assert_eq!(
            EventPage::decode(&again, representation, &Limits::default()).unwrap(),
            page
        );
    }
}

#[test]
fn a_type_that_is_no_element_name_becomes_one() {
    for (kind, element) in [("2nd try", "_2nd_try"), ("2nd", "_2nd"), ("a b", "_a_b")] {
        let event = Event::new(EventKind::from(kind), EventLink::new("note", "/n"));
        let page = EventPage::new("/e", Follow::Next("/e?2".into()))
            .with_sender(Sender::new("me", "/me").with_event(event));
        let bytes = page.encode(Xml);
        let again = EventPage::decode(&bytes, Xml, &Limits::default()).unwrap();
        assert_eq!(again.malformed, []);
        assert_eq!(again.senders[0].events[0].kind.as_str(), element);
    }
}
