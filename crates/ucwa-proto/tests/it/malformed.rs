//! Event pages with malformed parts: the parts that are read, and the parts that are reported.

use ucwa_proto::{
    DecodeErrorKind, EventKind, EventLink, EventPage, EventStatus, Follow, Limits, MalformedPart,
    Representation::{self, Json, Xml},
};

fn read(body: &str, representation: Representation) -> EventPage<'_> {
    EventPage::decode(body.as_bytes(), representation, &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {body}"))
}

const JSON_EVENT: &str =
    r#"{"link":{"rel":"message","href":"/m/1"},"type":"completed","status":"Success"}"#;
const XML_EVENT: &str = r#"<completed rel="message" href="/m/1" status="Success"/>"#;

/// A page with the event `bad` between two valid events.
fn page_with(bad: &str, representation: Representation) -> String {
    match representation {
        Json => format!(
            r#"{{"sender":[{{"events":[{JSON_EVENT},{bad}, {JSON_EVENT}],"rel":"conversation","href":"/c"}},{{"rel":"me","href":"/me"}}],"_links":{{"self":{{"href":"/e?ack=1"}},"next":{{"href":"/e?ack=2"}}}}}}"#
        ),
        Xml => format!(
            r#"<events href="/e?ack=1"><sender rel="conversation" href="/c">{XML_EVENT}{bad} {XML_EVENT}</sender><sender rel="me" href="/me"/><link rel="next" href="/e?ack=2"/></events>"#
        ),
    }
}

/// Decodes a page with the event `bad`. Checks that only that event is reported and that the rest of the page is read.
/// Returns the type and the link of the event, if it is among the events.
fn contained(bad: &str, representation: Representation) -> Option<(EventKind, EventLink<'static>)> {
    let body = page_with(bad, representation);
    let page = read(&body, representation).into_owned();
    assert_eq!(page.href.as_deref(), Some("/e?ack=1"), "{bad}");
    assert_eq!(page.follow, Some(Follow::Next("/e?ack=2".into())), "{bad}");
    let senders: Vec<_> = page.senders.iter().map(|sender| &*sender.href).collect();
    assert_eq!(senders, ["/c", "/me"], "{bad}");
    let [part] = &page.malformed[..] else {
        panic!("{bad}: {:?}", page.malformed)
    };
    assert_eq!(part.raw, bad);
    let begin = body.find(bad).unwrap();
    let place = part.error.position().offset;
    assert!(
        (begin..=begin + bad.len()).contains(&place),
        "{bad}: {part:?}"
    );
    let events = &page.senders[0].events[..];
    let (first, known, last) = match events {
        [first, last] => (first, None, last),
        [first, known, last] => (first, Some(known), last),
        _ => panic!("{bad}: {events:?}"),
    };
    for sound in [first, last] {
        assert_eq!(sound.link, EventLink::new("message", "/m/1"));
        assert_eq!(sound.status, Some(EventStatus::Success));
    }
    assert_eq!(part.link.as_ref(), known.map(|event| &event.link), "{bad}");
    known.map(|event| (event.kind.clone(), event.link.clone()))
}

#[test]
fn of_a_malformed_event_the_link_and_the_type_are_kept() {
    let deep = format!(
        r#"{{"link":{{"rel":"m","href":"/m"}},"type":"added","x":{}{}}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    for bad in [
        r#"{"link":{"rel":"m","href":"/m"},"type":"added","reason":"because"}"#,
        r#"{"link":{"rel":"m","href":"/m"},"type":"added","reason":{"code":"x","_links":[]}}"#,
        r#"{"_embedded":"x","link":{"rel":"m","href":"/m"},"type":"added"}"#,
        r#"{"_embedded":{"m":{"_links":{"self":{}}}},"link":{"rel":"m","href":"/m"},"type":"added"}"#,
        r#"{"_embedded":{"m":{"x":1e999}},"link":{"rel":"m","href":"/m"},"type":"added"}"#,
        r#"{"_embedded":{"m":{"x":tru, "y":"]}"}},"link":{"rel":"m","href":"/m"},"type":"added"}"#,
        r#"{"_embedded":{"m":{"x":"\q","y":[1,}},"link":{"rel":"m","href":"/m"},"type":"added"}"#,
        r#"{"_embedded":{"m":{"x" 7, :]}},"link":{"rel":"m","href":"/m"},"type":"added"}"#,
        "{\"_embedded\":{\"m\":\"a\nb\"},\"link\":{\"rel\":\"m\",\"href\":\"/m\"},\"type\":\"added\"}",
        r#"{"link":{"rel":"m","href":"/m"},"type":"added","x":}"#,
        r#"{"link":{"rel":"m","href":"/m"},"type":"added"}}"#,
        &deep,
    ] {
        let known = contained(bad, Json);
        assert_eq!(
            known,
            Some((EventKind::Added, EventLink::new("m", "/m"))),
            "{bad}"
        );
    }
    let deep = format!(
        r#"<added rel="m" href="/m"><resource rel="m">{}{}</resource></added>"#,
        "<property name='x'>".repeat(70),
        "</property>".repeat(70)
    );
    for bad in [
        r#"<added rel="m" href="/m">text</added>"#,
        r#"<added rel="m" href="/m"><reason>because</reason></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m" href="/m"><property>x</property></resource></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m" href="/m"><link rel="x"/></resource></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m"><property name="x">1</propert></resource></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m" x=1><property name="x">1</property></resource></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m"><resource></added>"#,
        r#"<added rel="m" href="/m"><resource rel="m"><!DOCTYPE a></resource></added>"#,
        &deep,
    ] {
        let known = contained(bad, Xml);
        assert_eq!(
            known,
            Some((EventKind::Added, EventLink::new("m", "/m"))),
            "{bad}"
        );
    }
}

#[test]
fn an_event_whose_meaning_is_lost_keeps_its_link_only() {
    for bad in [
        r#"{"link":{"rel":"m","href":"/m"},"type":7}"#,
        r#"{"link":{"rel":"m","href":"/m"}}"#,
        r#"{"link":{"rel":"m","href":"/m"},"in":"/x","type":"added"}"#,
        r#"{"in":{"rel":1,"href":"/"},"link":{"rel":"m","href":"/m"},"type":"deleted"}"#,
        r#"{"status":7,"link":{"rel":"m","href":"/m"},"type":"completed"}"#,
        r#"{"link":{"rel":"m","href":"/m"},type:"deleted","status":"Success"}"#,
        r#"{"link":{"rel":"m","href":"/m"} "type":"deleted"}"#,
    ] {
        let known = contained(bad, Json);
        assert_eq!(
            known,
            Some((EventKind::Unreadable, EventLink::new("m", "/m"))),
            "{bad}"
        );
    }
    for bad in [
        r#"<added rel="m" href="/m"><in rel="x" href="/x">t</in></added>"#,
        r#"<completed rel="m" href="/m"><status><a/></status></completed>"#,
        r#"<completed status=Failure rel="m" href="/m"/>"#,
        r#"<completed rel="m" href="/m"><!x></completed>"#,
    ] {
        let known = contained(bad, Xml);
        assert_eq!(
            known,
            Some((EventKind::Unreadable, EventLink::new("m", "/m"))),
            "{bad}"
        );
    }
}

#[test]
fn an_event_without_a_link_is_only_reported() {
    for bad in [
        r#"{"type":"added"}"#,
        r#"{"link":"/m","type":"added"}"#,
        r#"{"link":{"rel":"m","href":null},"type":"added"}"#,
        r#"{"link":null,"type":"added"}"#,
        r#"{"link":{},"type":"added"}"#,
        "null",
        "\"x\"",
        "7",
        "[]",
        "tru",
        "",
    ] {
        if bad.is_empty() {
            // Two commas in a row have a malformed event between them.
            let body = page_with("", Json);
            assert_eq!(read(&body, Json).malformed.len(), 1);
            continue;
        }
        assert_eq!(contained(bad, Json), None, "{bad}");
    }
    for bad in ["<added/>", "<added href=/m rel></added>"] {
        assert_eq!(contained(bad, Xml), None, "{bad}");
    }
}

#[test]
fn a_reference_to_no_character_spoils_nothing() {
    let body = r#"<?xml version="1.0" encoding="utf-8"?><events href="/e?ack=1" xmlns="http://schemas.microsoft.com/rtc/2012/03/ucwa"><link rel="next" href="/e?ack=2"/><sender rel="communication" href="/c">
        <updated rel="conversation" href="/c/1"><resource rel="conversation" href="/c/1"><property name="subject">a&#x0;b&#xD83D;&nbsp;</property></resource></updated></sender></events>"#;
    let page = read(body, Xml);
    assert_eq!(page.malformed, []);
    let subject = page.senders[0].events[0]
        .resource()
        .unwrap()
        .text("subject");
    assert_eq!(subject, Some("a\u{fffd}b\u{fffd}&nbsp;"));
}

#[test]
fn bytes_that_are_no_text_spoil_nothing() {
    for (body, representation) in [
        (
            page_with(
                r#"{"link":{"rel":"m","href":"/m","title":"Half of ?"},"type":"added"}"#,
                Json,
            ),
            Json,
        ),
        (
            page_with(r#"<added rel="m" href="/m" title="Half of ?"/>"#, Xml),
            Xml,
        ),
    ] {
        let mut bytes = body.into_bytes();
        let at = bytes
            .windows(9)
            .position(|text| text == b"Half of ?")
            .unwrap()
            + 8;
        bytes[at] = 0xff;
        let page = EventPage::decode(&bytes, representation, &Limits::default()).unwrap();
        assert_eq!(page.malformed, []);
        let title = page.senders[0].events[1].link.title.as_deref();
        assert_eq!(title, Some("Half of \u{fffd}"));
    }
}

#[test]
fn a_malformed_sender_spoils_no_other() {
    let page = read(
        r#"{"sender":[5,{"rel":7,"href":"/a","events":[{"type":"added","link":{"rel":"x","href":"/x"}}]},{"rel":"c","href":"/c","events":"none","odd":tru}],"_links":{"next":{"href":"/n"}}}"#,
        Json,
    );
    assert_eq!(page.follow, Some(Follow::Next("/n".into())));
    let senders: Vec<_> = page
        .senders
        .iter()
        .map(|sender| (&*sender.rel, &*sender.href, sender.events.len()))
        .collect();
    assert_eq!(senders, [("", "/a", 1), ("c", "/c", 0)]);
    let raw: Vec<_> = page.malformed.iter().map(|part| &*part.raw).collect();
    assert_eq!(raw, ["5", r#""rel":7"#, r#""none""#, r#""odd":tru"#]);

    let page = read(
        r#"<events><sender rel="a" href=/a>text<added rel="x" href="/x"/></sender><sender rel="c" href="/c"/><link rel="next" href="/n"/></events>"#,
        Xml,
    );
    assert_eq!(page.follow, Some(Follow::Next("/n".into())));
    assert_eq!(page.senders.len(), 2);
    assert_eq!(page.senders[0].events.len(), 1);
    let raw: Vec<_> = page.malformed.iter().map(|part| &*part.raw).collect();
    assert_eq!(raw, [r#"<sender rel="a" href=/a>"#, "text"]);
}

#[test]
fn a_malformed_member_of_a_page_spoils_no_other() {
    let page = read(
        r#"{"_links":{"self":7,"about":{"href":"/a"},"more":{},"next":{"href":"/n"}},"odd":1e999,"sender":"none"}"#,
        Json,
    );
    assert_eq!(page.follow, Some(Follow::Next("/n".into())));
    assert_eq!(page.links.len(), 1);
    let raw: Vec<_> = page.malformed.iter().map(|part| &*part.raw).collect();
    assert_eq!(
        raw,
        [r#""self":7"#, r#""more":{}"#, r#""odd":1e999"#, r#""none""#]
    );

    let page = read(
        r#"<events href="/e" x>text<link rel="about"/><odd><a></odd><link rel="next" href="/n"/></events>"#,
        Xml,
    );
    assert_eq!(page.href.as_deref(), Some("/e"));
    assert_eq!(page.follow, Some(Follow::Next("/n".into())));
    let raw: Vec<_> = page.malformed.iter().map(|part| &*part.raw).collect();
    let events = r#"<events href="/e" x>"#;
    assert_eq!(
        raw,
        [events, "text", r#"<link rel="about"/>"#, "<odd><a></odd>"]
    );
}

#[test]
fn a_page_that_is_cut_off_or_is_none_is_refused() {
    for (representation, bodies) in [
        (
            Json,
            [
                "[]",
                "7",
                r#"{"sender":[{"events":[{"type":"added"}]}]"#,
                r#"{"sender":[{"events":[{"type":"added}]}]}"#,
                r#"{"sender":[]}}"#,
            ],
        ),
        (
            Xml,
            [
                "<resource/>",
                "<events/><events/>",
                "<events><sender><added><resource></added></sender>",
                "<events><sender><added><!-- </added></sender></events>",
                "<!DOCTYPE events><events/>",
            ],
        ),
    ] {
        for body in bodies {
            let page = EventPage::decode(body.as_bytes(), representation, &Limits::default());
            assert!(page.is_err(), "{body}");
        }
    }
}

#[test]
fn the_text_of_a_malformed_part_is_bounded() {
    let text = "é".repeat(MalformedPart::MAX_BYTES);
    let body = page_with(&format!("[\"{text}\"]"), Json);
    let page = read(&body, Json);
    let [part] = &page.malformed[..] else {
        panic!()
    };
    assert_eq!(part.raw.len(), MalformedPart::MAX_BYTES);
    assert!(body.contains(&*part.raw));
}

#[test]
fn malformed_parts_and_senders_are_limited() {
    let mut limits = Limits::default();
    limits.events = 3;
    for (count, is_too_many) in [(3, false), (4, true)] {
        let links = (0..count)
            .map(|link| format!("\"{link}\":7"))
            .collect::<Vec<_>>();
        let malformed = format!("{{\"_links\":{{{}}}}}", links.join(","));
        let senders = format!("{{\"sender\":[{}]}}", vec!["{}"; count].join(","));
        for body in [malformed, senders] {
            let page = EventPage::decode(body.as_bytes(), Json, &limits);
            let kind = page.err().map(|error| error.kind().clone());
            let expected = is_too_many.then_some(DecodeErrorKind::TooManyEvents { limit: 3 });
            assert_eq!(kind, expected, "{body}");
        }
        let bodies = [
            format!("<events>{}</events>", "<link/>".repeat(count)),
            format!("<events>{}</events>", "<sender/>".repeat(count)),
        ];
        for body in bodies {
            let page = EventPage::decode(body.as_bytes(), Xml, &limits);
            let kind = page.err().map(|error| error.kind().clone());
            let expected = is_too_many.then_some(DecodeErrorKind::TooManyEvents { limit: 3 });
            assert_eq!(kind, expected, "{body}");
        }
    }
}

#[test]
fn encoding_leaves_out_what_is_malformed() {
    for (bad, representation) in [
        (r#"{"link":{"rel":"m","href":"/m"},"type":7}"#, Json),
        (r#"<added rel="m" href="/m"><in>x</in></added>"#, Xml),
    ] {
        let body = page_with(bad, representation);
        let mut page = read(&body, representation);
        for target in [Json, Xml] {
            let bytes = page.encode(target);
            let again = EventPage::decode(&bytes, target, &Limits::default()).unwrap();
            assert_eq!(again.senders[0].events.len(), 2);
        }
        page.malformed.clear();
        page.senders[0].events.remove(1);
        let bytes = page.encode(representation);
        let again = EventPage::decode(&bytes, representation, &Limits::default()).unwrap();
        assert_eq!(again, page);
    }
}
