//! Hostile input.

use ucwa_proto::{
    DecodeErrorKind, EventPage, Limits,
    Representation::{Json, Xml},
    Resource,
};

#[test]
fn nesting_is_limited_and_never_overflows_the_stack() {
    let limits = Limits::default();
    let deep = |open: &str, close: &str, levels: usize| {
        format!("{}{}", open.repeat(levels), close.repeat(levels))
    };
    let fits = format!("{{\"a\":{}}}", deep("[", "]", limits.depth - 1));
    assert!(Resource::decode(fits.as_bytes(), Json, &limits).is_ok());
    let fits = deep("<resource rel='a'>", "</resource>", limits.depth);
    assert!(Resource::decode(fits.as_bytes(), Xml, &limits).is_ok());
    for levels in [limits.depth, 200_000] {
        let body = format!("{{\"a\":{}}}", deep("[", "]", levels));
        let error = Resource::decode(body.as_bytes(), Json, &limits).unwrap_err();
        assert_eq!(
            (error.kind(), error.position().offset),
            (&DecodeErrorKind::TooDeep { limit: 64 }, 4 + limits.depth)
        );
        let body = deep("<resource rel='a'>", "</resource>", levels + 1);
        let error = Resource::decode(body.as_bytes(), Xml, &limits).unwrap_err();
        assert_eq!(error.kind(), &DecodeErrorKind::TooDeep { limit: 64 });
    }
    let mut limits = Limits::default();
    limits.depth = usize::MAX;
    let body = deep("<resource rel='a'>", "</resource>", 100_000);
    assert_eq!(
        Resource::decode(body.as_bytes(), Xml, &limits)
            .unwrap_err()
            .kind(),
        &DecodeErrorKind::TooDeep { limit: 100 }
    );
}

#[test]
fn a_resource_that_nests_too_deep_spoils_its_event_only() {
    let levels = 100_000;
    let json = format!(
        r#"{{"sender":[{{"events":[{{"type":"added","link":{{"rel":"a"}},"_embedded":{{"a":{{"x":{}{}}}}}}},{{"type":"added","link":{{"rel":"b"}}}}]}}]}}"#,
        "[".repeat(levels),
        "]".repeat(levels)
    );
    let xml = format!(
        "<events><sender><added rel='a'>{}{}</added><added rel='b'/></sender></events>",
        "<resource rel='a'>".repeat(levels),
        "</resource>".repeat(levels)
    );
    for (body, representation) in [(json, Json), (xml, Xml)] {
        let page = EventPage::decode(body.as_bytes(), representation, &Limits::default()).unwrap();
        let [deep, sound] = &page.senders[0].events[..] else {
            panic!()
        };
        assert_eq!((&*deep.link.rel, deep.resource()), ("a", None));
        let [part] = &page.malformed[..] else {
            panic!()
        };
        assert!(matches!(part.error.kind(), DecodeErrorKind::TooDeep { .. }));
        assert_eq!(sound.link.rel, "b");
    }
}

#[test]
fn bodies_and_events_are_limited() {
    let mut limits = Limits::default();
    limits.body_bytes = 20;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(20));
    for representation in [Json, Xml] {
        let error = Resource::decode(long.as_bytes(), representation, &limits).unwrap_err();
        assert_eq!(
            (error.kind(), error.position().offset),
            (&DecodeErrorKind::TooLarge { limit: 20 }, 20)
        );
    }

    let mut limits = Limits::default();
    limits.events = 3;
    for events in [3, 4] {
        let json = vec![r#"{"type":"added","link":{"rel":"a","href":"/a"}}"#; events].join(",");
        let json = format!(r#"{{"sender":[{{"rel":"c","href":"/c","events":[{json}]}}]}}"#);
        let xml = format!(
            "<events><sender rel='c' href='/c'>{}</sender></events>",
            "<added rel='a' href='/a'/>".repeat(events)
        );
        for (body, representation) in [(json, Json), (xml, Xml)] {
            let error = EventPage::decode(body.as_bytes(), representation, &limits).err();
            assert!(error.iter().all(|error| error.position().offset > 80));
            let kind = (events > 3).then_some(DecodeErrorKind::TooManyEvents { limit: 3 });
            assert_eq!(error.map(|error| error.kind().clone()), kind);
        }
    }
}

#[test]
fn many_names_and_many_errors_take_no_long_time() {
    let links: String = (0..100_000)
        .map(|name| format!("<link rel='{name}' href='/x'/>"))
        .collect();
    let body = format!("<resource>{links}</resource>");
    let error = Resource::decode(body.as_bytes(), Xml, &Limits::default()).unwrap_err();
    assert_eq!(
        error.kind(),
        &DecodeErrorKind::TooManyMembers { limit: 1000 }
    );

    // Each of these events has an error with a position of its own.
    let events = "{\"type\":\"added\",\"link\":{\"rel\":\"a\"},\n\"_embedded\":5},\n".repeat(9_999);
    let body = format!(
        "{{\"sender\":[{{\"events\":[\n{events}{{\"type\":\"added\",\"link\":{{\"rel\":\"a\"}}}}]}}]}}"
    );
    let page = EventPage::decode(body.as_bytes(), Json, &Limits::default()).unwrap();
    let lines = page.malformed.iter().map(|part| {
        let position = part.error.position();
        (position.line, position.column)
    });
    assert!(lines.eq((0..9_999).map(|event| (3 + 2 * event, 13))));
}
