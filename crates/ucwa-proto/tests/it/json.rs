//! JSON bodies of servers, and malformed ones.

use proptest::prelude::*;
use ucwa_proto::{
    DecodeError, DecodeErrorKind, Limits, Number, OneOrMany, Representation, Resource, Value,
};

fn read(body: &str) -> Result<Resource<'_>, DecodeError> {
    Resource::decode(body.as_bytes(), Representation::Json, &Limits::default())
}

#[test]
fn a_resource_is_read_whole_and_in_order() {
    let body = "\u{feff} {
        \"direction\" : \"Incoming\", \"rel\" : \"message\", \"count\": 3, \"flag\": true, \"none\": null, \"list\": [\"a\", \"b\"],
        \"56de7bbf-1081-43e6-bbf2-1cabf3224c83\": \"please pass this in a PUT request\", \"etag\": \"707439619\",
        \"_links\": { \"self\": { \"href\": \"/m/1\" }, \"contact\": [{ \"href\": \"/people/danab@domain.com\", \"revision\": \"2\" }],
                      \"participant\": { \"href\": \"/p\", \"title\": \"\" }, \"gone\": null },
        \"_embedded\": { \"from\": { \"rel\": \"participant\", \"_links\": { \"self\": { \"href\": \"/p\" } } }, \"none\": null }
    }";
    let resource = read(body).unwrap();
    assert_eq!(
        (resource.rel(), resource.href(), resource.etag()),
        (Some("message"), Some("/m/1"), Some("707439619"))
    );
    let names: Vec<_> = resource
        .properties
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(
        names,
        [
            "direction",
            "count",
            "flag",
            "none",
            "list",
            "56de7bbf-1081-43e6-bbf2-1cabf3224c83",
            "etag"
        ]
    );
    assert_eq!(resource.integer("count"), Some(3));
    assert_eq!(resource.boolean("flag"), Some(true));
    assert_eq!(resource.property("none"), Some(&Value::Null));
    assert_eq!(resource.list("list").collect::<Vec<_>>(), ["a", "b"]);
    let marker = (
        "56de7bbf-1081-43e6-bbf2-1cabf3224c83",
        "please pass this in a PUT request",
    );
    assert_eq!(resource.put_marker(), Some(marker));
    assert_eq!(resource.links.len(), 2);
    assert!(
        matches!(&resource.links[0].1, OneOrMany::Many(links) if links[0].revision().to_bits() == 2_f64.to_bits())
    );
    assert_eq!(
        resource.link("participant").unwrap().title.as_deref(),
        Some("")
    );
    assert_eq!(
        resource.link_href("contact"),
        Some("/people/danab@domain.com")
    );
    assert_eq!(
        resource.embedded("from").unwrap().rel(),
        Some("participant")
    );
    assert_eq!(resource.embedded.len(), 1);
}

#[test]
fn a_self_link_that_says_more_is_kept() {
    let body = r#"{"_links":{"self":{"href":"/s","revision":"2"}}}"#;
    let resource = read(body).unwrap();
    assert_eq!(resource.href(), Some("/s"));
    assert_eq!(
        String::from_utf8(resource.encode(Representation::Json)).unwrap(),
        body
    );
}

#[test]
fn escapes_are_resolved() {
    let body = r#"{"a":"\/Date(1)\/ \u0027\u0026 \ud83d\ude00 \" \\ \b\f\n\r\t"}"#;
    assert_eq!(
        read(body).unwrap().text("a"),
        Some("/Date(1)/ '& \u{1f600} \" \\ \u{8}\u{c}\n\r\t")
    );
    // A text that a server truncated within a surrogate pair.
    assert_eq!(
        read(r#"{"a":"x\ud83d"}"#).unwrap().text("a"),
        Some("x\u{fffd}")
    );
    assert_eq!(
        read(r#"{"a":"\ud83d\u0041\ude00"}"#).unwrap().text("a"),
        Some("\u{fffd}A\u{fffd}")
    );
}

#[test]
fn numbers_keep_their_kind() {
    let body = r#"{"a":-0,"b":9223372036854775808,"c":1.50,"d":-12,"e":1E3}"#;
    let resource = read(body).unwrap();
    let numbers: Vec<_> = resource
        .properties
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let expected = [
        Number::Float(-0.0),
        Number::Unsigned(9_223_372_036_854_775_808),
        Number::Float(1.5),
        Number::Integer(-12),
        Number::Float(1000.0),
    ];
    assert_eq!(numbers, expected.map(Value::Number));
}

#[test]
fn broken_bodies_are_errors_with_a_place() {
    let syntax = |what| DecodeErrorKind::Syntax(what);
    let structure = |what| DecodeErrorKind::Structure(what);
    for (body, kind, offset) in [
        ("", DecodeErrorKind::Empty, 0),
        (" \n ", DecodeErrorKind::Empty, 3),
        ("{", syntax("the JSON ends too early"), 1),
        ("{\"a\":1", syntax("the JSON ends too early"), 6),
        ("{\"a\":\"x", syntax("the JSON ends too early"), 7),
        ("{\"a\":1,}", syntax("expected the name of a member"), 7),
        ("{'a':1}", syntax("expected the name of a member"), 1),
        ("{\"a\" 1}", syntax("expected a colon"), 5),
        (
            "{\"a\":1 \"b\":2}",
            syntax("expected a comma or a closing brace"),
            7,
        ),
        (
            "{\"a\":[1 2]}",
            syntax("expected a comma or a closing bracket"),
            8,
        ),
        ("{\"a\":01}", syntax("expected a value"), 5),
        (
            "{\"a\":1.}",
            syntax("a number has no digit after its point"),
            5,
        ),
        ("{\"a\":1e999}", syntax("a number is out of range"), 5),
        ("{\"a\":nul}", syntax("expected a value"), 5),
        (
            "{\"a\":\"x\ny\"}",
            syntax("a string contains a control character"),
            7,
        ),
        ("{\"a\":\"\\x\"}", syntax("an escape is unknown"), 7),
        ("{\"a\":\"\\u12g4\"}", syntax("an escape is unknown"), 8),
        ("{} {}", syntax("something follows the value"), 3),
        ("<html>", syntax("expected a value"), 0),
        ("[1]", structure("a resource should be an object"), 0),
        (
            "{\"_links\":5}",
            structure("the links should be an object"),
            10,
        ),
        (
            "{\"_links\":{\"a\":\"/x\"}}",
            structure("a link should be an object"),
            15,
        ),
        (
            "{\"_links\":{\"a\":{}}}",
            structure("a link has no href"),
            17,
        ),
        (
            "{\"_links\":{\"a\":{\"href\":1}}}",
            structure("the href of a link should be a string"),
            23,
        ),
        (
            "{\"_embedded\":{\"a\":1}}",
            structure("a resource should be an object"),
            18,
        ),
    ] {
        let error = read(body).expect_err(body);
        assert_eq!(
            (error.kind(), error.position().offset),
            (&kind, offset),
            "{body}"
        );
    }
    let resource = Resource::decode(
        b"{\"a\":\"\xff\"}",
        Representation::Json,
        &Limits::default(),
    );
    assert_eq!(resource.unwrap().text("a"), Some("\u{fffd}"));
    let error = read("\u{feff}{\n  \"a\": x }").unwrap_err();
    assert_eq!(
        (
            error.position().offset,
            error.position().line,
            error.position().column
        ),
        (12, 2, 8)
    );
}

/// Whether serde_json has the same value, apart from the order of members.
fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(a), serde_json::Value::Number(b)) => {
            a.to_string().parse::<f64>().unwrap().to_bits() == b.as_f64().unwrap().to_bits()
        }
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::List(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            // serde_json keeps the last of several members with one name.
            b.iter().all(|(name, b)| {
                a.iter()
                    .rfind(|(n, _)| n == name)
                    .is_some_and(|(_, a)| same(a, b))
            }) && a.iter().all(|(name, _)| b.contains_key(&**name))
        }
        _ => false,
    }
}

fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just("\"a\""),
        Just("\"b\":"),
        Just("\\u0041"),
        Just("\\ud83d"),
        Just("null"),
        Just("true"),
        Just("false"),
        Just("0"),
        Just("-1"),
        Just("1.5e-3"),
        Just("18446744073709551615"),
        Just("1e400"),
        Just(" "),
        Just("\n"),
        Just("\t"),
        Just("é"),
        Just("\u{1}"),
        Just("{\"x\":[1,{\"y\":\"z\"}]}"),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The decoder accepts the same texts as serde_json, with the same values, and halves of surrogate pairs as well.
    #[test]
    fn the_grammar_is_that_of_serde_json(inner in fragments()) {
        let body = format!("{{\"value\":{inner}}}");
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(&body);
        match (read(&body), theirs) {
            (Ok(ours), Ok(theirs)) => {
                for (name, theirs) in theirs.as_object().unwrap() {
                    prop_assert!(ours.properties.iter().rfind(|(n, _)| n == name).is_some_and(|(_, ours)| same(ours, theirs)), "{body}");
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(_)) => prop_assert!(body.contains("\\ud83d"), "{body}"),
            (Err(error), Ok(_)) => prop_assert!(false, "{body}: {error}"),
        }
    }
}

#[test]
fn numbers_are_the_nearest_to_what_is_written() {
    // serde_json rounds exactly only with its feature `float_roundtrip`, which the comparison above relies on.
    let body = "{\"value\":1.5e-30}";
    let theirs: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(theirs["value"].as_f64(), "1.5e-30".parse().ok());
    assert!(same(&read(body).unwrap().properties[0].1, &theirs["value"]));
}
