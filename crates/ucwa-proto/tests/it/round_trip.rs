//! Encoding and decoding generated values gives the same values.

use std::borrow::Cow;

use proptest::{collection::vec, option, prelude::*};
use ucwa_proto::{
    Event, EventKind, EventLink, EventPage, EventStatus, Follow, Limits, Link, Number, OneOrMany,
    Problem,
    Representation::{Json, Xml},
    Resource, Sender, Value,
    batch::{Request, boundary},
};

/// A text of characters that XML allows.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9/?&=+%@:.-]{0,12}",
        "[\t\n\r <>&\"'\\\\\u{20}-\u{7f}\u{a0}-\u{d7ff}\u{10000}-\u{10ffff}]{0,12}"
    ]
}

/// A name without a meaning for the decoders.
fn name() -> impl Strategy<Value = String> {
    "x[a-zA-Z0-9_]{0,8}"
}

fn scalar() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(Number::Integer(number))),
        (i64::MAX as u64 + 1..).prop_map(|number| Value::Number(Number::Unsigned(number))),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(|number| Value::Number(Number::Float(number))),
        text().prop_map(Value::from),
    ]
}

/// XML does not distinguish an empty list within a list, an empty object, and an empty text.
fn value() -> impl Strategy<Value = Value<'static>> {
    let nested = scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Value::List),
            vec((name().prop_map(Cow::Owned), inner), 1..4).prop_map(Value::Object),
        ]
    });
    prop_oneof![4 => nested, 1 => Just(Value::List(Vec::new()))]
}

fn link() -> impl Strategy<Value = Link<'static>> {
    let attributes = vec(
        (name().prop_map(Cow::Owned), text().prop_map(Value::from)),
        0..2,
    );
    (text(), option::of(text()), attributes).prop_map(|(href, title, mut attributes)| {
        attributes.dedup_by(|a, b| a.0 == b.0);
        Link {
            href: href.into(),
            title: title.map(Cow::Owned),
            attributes,
        }
    })
}

fn one_or_many<T: Clone + std::fmt::Debug>(
    item: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = OneOrMany<T>> {
    prop_oneof![
        item.clone().prop_map(OneOrMany::One),
        vec(item, 1..3).prop_map(OneOrMany::Many)
    ]
}

fn unique<T>(mut pairs: Vec<(String, T)>) -> Vec<(Cow<'static, str>, T)> {
    let mut seen = std::collections::BTreeSet::new();
    pairs.retain(|(name, _)| seen.insert(name.clone()));
    pairs
        .into_iter()
        .map(|(name, item)| (Cow::Owned(name), item))
        .collect()
}

fn flat() -> impl Strategy<Value = Resource<'static>> {
    let properties = vec((name().prop_map(Cow::Owned), value()), 0..4);
    let links = vec((name(), one_or_many(link().boxed())), 0..3);
    (option::of(text()), option::of(text()), properties, links).prop_map(
        |(rel, href, properties, links)| Resource {
            rel: rel.map(Cow::Owned),
            href: href.map(Cow::Owned),
            properties,
            links: unique(links),
            embedded: Vec::new(),
        },
    )
}

fn resource() -> impl Strategy<Value = Resource<'static>> {
    flat().prop_recursive(3, 8, 3, |inner| {
        (flat(), vec((name(), one_or_many(inner.boxed())), 0..3)).prop_map(
            |(resource, embedded)| Resource {
                embedded: unique(embedded),
                ..resource
            },
        )
    })
}

fn event_link() -> impl Strategy<Value = EventLink<'static>> {
    link().prop_flat_map(|link| {
        text().prop_map(move |rel| EventLink {
            rel: rel.into(),
            href: link.href.clone(),
            title: link.title.clone(),
            attributes: link.attributes.clone(),
        })
    })
}

fn event() -> impl Strategy<Value = Event<'static>> {
    let kind = prop_oneof!["added|updated|deleted|started|completed", "[a-z]{1,8}"]
        .prop_map(|kind| EventKind::from(&*kind));
    let status = prop_oneof!["Success|Failure", "[A-Za-z]{1,8}"]
        .prop_map(|status| EventStatus::from(&*status));
    let reason =
        ("[A-Z][a-z]{0,8}", option::of("[A-Z][a-z]{0,8}")).prop_map(|(code, subcode)| Problem {
            code: Some(code.into()),
            subcode: subcode.map(Cow::Owned),
            ..Problem::default()
        });
    let named = (text(), flat()).prop_map(|(rel, resource)| Resource {
        rel: Some(rel.into()),
        ..resource
    });
    (
        kind,
        event_link(),
        option::of(event_link()),
        option::of(status),
        option::of(reason),
        option::of(named),
    )
        .prop_map(|(kind, link, within, status, reason, resource)| {
            let event = Event {
                within,
                status,
                reason: reason.map(Box::new),
                ..Event::new(kind, link)
            };
            match resource {
                Some(resource) => event.embedding(untyped(&resource)),
                None => event,
            }
        })
}

fn page() -> impl Strategy<Value = EventPage<'static>> {
    let follow = (text(), 0..3).prop_map(|(href, rank)| match rank {
        0 => Follow::Next(href.into()),
        1 => Follow::Resume(href.into()),
        _ => Follow::Resync(href.into()),
    });
    let sender = (event_link(), vec(event(), 0..3)).prop_map(|(link, events)| Sender {
        rel: link.rel,
        href: link.href,
        events,
        properties: link.attributes,
    });
    let links = vec((name(), one_or_many(link().boxed())), 0..2).prop_map(unique);
    let parts = (
        option::of(text()),
        option::of(follow),
        vec(sender, 0..3),
        links,
    );
    parts.prop_map(|(href, follow, senders, links)| EventPage {
        href: href.map(Cow::Owned),
        follow,
        senders,
        links,
        properties: Vec::new(),
        malformed: Vec::new(),
    })
}

/// The resource with all scalars as text, as XML has them.
fn untyped(resource: &Resource<'static>) -> Resource<'static> {
    fn bare(value: &Value<'static>) -> Value<'static> {
        match value {
            Value::Bool(value) => Value::from(if *value { "True" } else { "False" }),
            Value::Number(number) => Value::from(number.to_string()),
            Value::List(items) => Value::List(items.iter().map(bare).collect()),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), bare(value)))
                    .collect(),
            ),
            Value::Null | Value::String(_) => value.clone(),
        }
    }
    let mut resource = resource.clone();
    for (_, value) in &mut resource.properties {
        *value = bare(value);
    }
    for (_, embedded) in &mut resource.embedded {
        *embedded = OneOrMany::Many(embedded.as_slice().iter().map(untyped).collect());
    }
    resource
}

proptest! {
    #[test]
    fn a_resource_survives_json(resource in resource()) {
        let bytes = resource.encode(Json);
        let again = Resource::decode(&bytes, Json, &Limits::default()).unwrap();
        prop_assert_eq!(&again, &resource);
        prop_assert_eq!(again.into_owned(), resource);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
    }

    #[test]
    fn a_resource_survives_xml(resource in resource()) {
        let bytes = resource.encode(Xml);
        let again = Resource::decode(&bytes, Xml, &Limits::default()).unwrap();
        prop_assert_eq!(again.into_owned(), untyped(&resource));
    }

    #[test]
    fn a_page_survives_both(page in page()) {
        for representation in [Json, Xml] {
            let bytes = page.encode(representation);
            let again = EventPage::decode(&bytes, representation, &Limits::default()).unwrap();
            prop_assert_eq!(&again, &page);
            prop_assert_eq!(again.into_owned(), page.clone());
        }
    }

    #[test]
    fn a_batch_survives(bodies in vec(vec(any::<u8>(), 0..40), 1..5), seed in "[a-z]{0,6}") {
        let requests: Vec<_> = bodies.iter().map(|body| Request::new("POST", "/x").with_header("Host", "h").with_body(&**body)).collect();
        let batch = Request::encode_batch(&requests, &seed);
        for boundary in [boundary(&batch.content_type), None] {
            let again = Request::decode_batch(&batch.body, boundary, &Limits::default()).unwrap();
            let again: Vec<_> = again.iter().map(|request| request.body.to_vec()).collect();
            let without_mark = |body: &Vec<u8>| body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).to_vec();
            prop_assert_eq!(again, bodies.iter().map(without_mark).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_panics(bytes in vec(any::<u8>(), 0..200), text in text()) {
        let limits = Limits::default();
        for representation in [Json, Xml] {
            let _ = Resource::decode(&bytes, representation, &limits);
            let _ = EventPage::decode(&bytes, representation, &limits);
        }
        let _ = Request::decode_batch(&bytes, None, &limits);
        let _ = ucwa_proto::Challenges::parse([&*text]);
        let _ = ucwa_proto::DataUri::parse(&format!("data:{text}"));
        let _ = ucwa_proto::DateTime::parse(&text);
        let _ = ucwa_proto::Diagnostics::parse(&format!("1;{text}"));
        let _ = ucwa_proto::SipUri::parse(&text);
        let _ = ucwa_proto::Origin::of(&format!("https://{text}"));
    }
}

#[test]
fn what_is_structure_in_json_is_no_property_there() {
    let xml = br#"<resource rel="me" href="/me" _links="1" _embedded="2" note="3"/>"#;
    let resource = Resource::decode(xml, Xml, &Limits::default()).unwrap();
    assert_eq!(resource.properties.len(), 3);
    let json = resource.encode(Json);
    let again = Resource::decode(&json, Json, &Limits::default()).unwrap();
    assert_eq!(again.properties, [("note".into(), Value::from("3"))]);

    let xml = br#"<events><sender rel="me" href="/me" events="1" weight="2"/></events>"#;
    let page = EventPage::decode(xml, Xml, &Limits::default()).unwrap();
    let json = page.encode(Json);
    let again = EventPage::decode(&json, Json, &Limits::default()).unwrap();
    assert_eq!(
        again.senders[0].properties,
        [("weight".into(), Value::from("2"))]
    );
}

#[test]
fn an_empty_list_counts_as_absent() {
    let json = br#"{"rel":"myGroups","_links":{"self":{"href":"/g"},"x":[]},"_embedded":{"group":[]},"list":[]}"#;
    let resource = Resource::decode(json, Json, &Limits::default()).unwrap();
    let sparse = Resource::new("myGroups")
        .with_href("/g")
        .with_property("list", Value::List(Vec::new()));
    assert_eq!(resource, sparse);

    let built = sparse
        .clone()
        .with_links("x", [])
        .with_embedded_many("group", Vec::new());
    for representation in [Json, Xml] {
        let bytes = built.encode(representation);
        let again = Resource::decode(&bytes, representation, &Limits::default()).unwrap();
        assert_eq!(again, sparse);
    }
    let nothing = Resource::anonymous().with_embedded_many("group", Vec::new());
    assert_eq!(nothing.with_links("x", []).encode(Json), b"{}");
}
