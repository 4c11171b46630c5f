//! XML bodies of servers, and malformed ones.

use ucwa_proto::{
    DecodeError, DecodeErrorKind, Limits, OneOrMany, Representation, Resource, Value,
};

fn read(body: &str) -> Result<Resource<'_>, DecodeError> {
    Resource::decode(body.as_bytes(), Representation::Xml, &Limits::default())
}

#[test]
fn a_resource_is_read_whole_and_in_order() {
    let body = "\u{feff} \n<?xml version=\"1.0\" encoding=\"utf-8\"?>
        <resource rel='messagingInvitation' href=\"/i/1?a=1&amp;b=2\" xmlns=\"http://schemas.microsoft.com/rtc/2012/03/ucwa\">
          <!-- a comment -->
          <link rel=\"from\" href=\"/p/1\" title=\"D &#233; &lt;\" /><link rel=\"group\" href=\"/g/1\"/><link rel=\"group\" href=\"/g/2\" revision=\"2\"></link>
          <property name=\"rel\">messagingInvitation</property>
          <property name=\"anonymous\">True</property>
          <property name=\"subject\"> a &amp; b<![CDATA[ <c> ]]>&#x1F600; </property>
          <property name=\"empty\" /><property name=\"nothing\"></property>
          <propertyList name=\"supportedModalities\"><item>Messaging</item> <item>PhoneAudio</item></propertyList>
          <propertyList name=\"none\" />
          <resource rel=\"from\" href=\"/p/1\"><property name=\"rel\">participant</property></resource>
          <resource rel=\"me\" href=\"/me\" />
        </resource>\n";
    let resource = read(body).unwrap();
    assert_eq!(
        (resource.rel(), resource.href()),
        (Some("messagingInvitation"), Some("/i/1?a=1&b=2"))
    );
    assert_eq!(
        resource.link("from").unwrap().title.as_deref(),
        Some("D é <")
    );
    assert!(matches!(&resource.links[1].1, OneOrMany::Many(links) if links.len() == 2));
    assert_eq!(resource.boolean("anonymous"), Some(true));
    assert_eq!(resource.text("subject"), Some(" a & b <c> \u{1f600} "));
    assert_eq!(
        (resource.text("empty"), resource.text("nothing")),
        (Some(""), Some(""))
    );
    assert_eq!(
        resource.list("supportedModalities").collect::<Vec<_>>(),
        ["Messaging", "PhoneAudio"]
    );
    assert_eq!(resource.property("none"), Some(&Value::List(Vec::new())));
    assert!(resource.property("rel").is_none());
    // The attribute is the key, and the property is the name.
    assert_eq!(
        resource.embedded("from").unwrap().rel(),
        Some("participant")
    );
    assert_eq!(resource.embedded("me").unwrap().rel(), None);
}

#[test]
fn a_property_rel_that_differs_from_the_attribute_survives() {
    let resource = read("<resource rel=\"from\" href=\"/p\"><property name=\"rel\">participant</property></resource>").unwrap();
    assert_eq!(
        (resource.rel(), resource.text("rel")),
        (Some("from"), Some("participant"))
    );
    let again = resource.encode(Representation::Xml);
    assert_eq!(
        Resource::decode(&again, Representation::Xml, &Limits::default()).unwrap(),
        resource
    );
    assert_eq!(
        resource.encode(Representation::Json),
        br#"{"rel":"participant","_links":{"self":{"href":"/p"}}}"#
    );
}

#[test]
fn the_odd_forms_are_read() {
    let input = read("<input xmlns='x'><property name='to'>sip:a@b</property><link rel='message' href='data:,x'/></input>").unwrap();
    assert_eq!(
        (input.rel(), input.text("to"), input.link_href("message")),
        (None, Some("sip:a@b"), Some("data:,x"))
    );

    let reason = read("<reason><code>Conflict</code><subcode>AlreadyExists</subcode><debugInfo /><parameters /></reason>").unwrap();
    assert_eq!(
        (
            reason.text("code"),
            reason.text("subcode"),
            reason.text("debugInfo")
        ),
        (Some("Conflict"), Some("AlreadyExists"), Some(""))
    );

    let queued = read(
        "<operationsQueued xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><operations><operation xsi:nil=\"true\" /></operations></operationsQueued>",
    );
    assert_eq!(
        queued.unwrap().property("operations"),
        Some(&Value::List(vec![Value::Null]))
    );

    let bag = read("<resource><bag><a>1</a><b>2</b></bag></resource>").unwrap();
    assert_eq!(
        bag.property("bag"),
        Some(&Value::Object(vec![
            ("a".into(), "1".into()),
            ("b".into(), "2".into())
        ]))
    );

    for body in ["<resource rel=\"me\"/>", "<resource rel \n =\t'me' />"] {
        assert_eq!(read(body).unwrap(), Resource::new("me"));
    }
}

#[test]
fn a_property_may_have_the_text_of_the_name() {
    let resource = read(r#"<resource rel="me"><property name="note">me</property></resource>"#);
    let resource = resource.unwrap();
    assert_eq!(
        (resource.rel(), resource.text("note")),
        (Some("me"), Some("me"))
    );
}

#[test]
fn an_element_is_null_if_it_says_so() {
    for (nil, is_null) in [("true", true), ("1", true), ("false", false), ("0", false)] {
        let body = format!("<resource><property name=\"a\" nil=\"{nil}\">x</property></resource>");
        let resource = read(&body).unwrap();
        assert_eq!(
            resource.property("a") == Some(&Value::Null),
            is_null,
            "{nil}"
        );
    }
}

#[test]
fn line_ends_are_read_as_xml_wants() {
    let resource = read(
        "<resource href=\"a\r\nb\"><property name=\"n\">a\r\nb\rc&#13;&#10;</property></resource>",
    )
    .unwrap();
    assert_eq!(
        (resource.href(), resource.text("n")),
        (Some("a b"), Some("a\nb\nc\r\n"))
    );
}

#[test]
fn broken_bodies_are_errors_with_a_place() {
    let syntax = |what| DecodeErrorKind::Syntax(what);
    let structure = |what| DecodeErrorKind::Structure(what);
    for (body, kind) in [
        ("", DecodeErrorKind::Empty),
        ("no XML", syntax("the body is not XML")),
        ("<resource>", syntax("the XML ends too early")),
        (
            "<resource></input>",
            syntax("an end tag matches no start tag"),
        ),
        (
            "<resource><!x></resource>",
            syntax("the body is not well-formed XML"),
        ),
        (
            "<resource/><resource/>",
            syntax("something follows the root element"),
        ),
        ("<resource/>x", syntax("something follows the root element")),
        ("<resource rel=x/>", syntax("an attribute is broken")),
        ("<resource rel/>", syntax("an attribute is broken")),
        (
            "<resource rel=\"a<b\"/>",
            syntax("an attribute contains a less-than sign"),
        ),
        (
            "<!DOCTYPE r [<!ENTITY a \"aaaa\">]><resource><property name=\"a\">&a;</property></resource>",
            DecodeErrorKind::DocumentType,
        ),
        (
            "<events/>",
            structure("expected a resource, found an event page"),
        ),
        (
            "<resource>text</resource>",
            structure("found text outside of a property"),
        ),
        (
            "<resource><property>x</property></resource>",
            structure("a property has no name"),
        ),
        (
            "<resource><link href=\"/x\"/></resource>",
            structure("a link has no rel"),
        ),
        (
            "<resource><link rel=\"x\"/></resource>",
            structure("a link has no href"),
        ),
        (
            "<resource><link rel=\"x\" href=\"/x\">y</link></resource>",
            structure("an element that has to be empty has content"),
        ),
        (
            "<resource><resource href=\"/x\"/></resource>",
            structure("an embedded resource has no rel"),
        ),
        (
            "<resource><property name=\"x\">y<a/></property></resource>",
            structure("a property has both text and elements"),
        ),
        (
            "<resource><propertyList name=\"x\">y</propertyList></resource>",
            structure("a property list has content other than items"),
        ),
    ] {
        let error = read(body).expect_err(body);
        assert_eq!(error.kind(), &kind, "{body}");
        assert!(error.position().offset <= body.len());
    }
    let error = read("<resource>\n  <link rel=\"x\"/>\n</resource>").unwrap_err();
    assert_eq!((error.position().line, error.position().offset), (2, 28));
}

#[test]
fn what_is_no_character_is_a_replacement_character() {
    let resource = read(
        "<resource href=\"/a?b&#0;\"><property name=\"n\">a&#x0;b&#xD83D;c&#x110000;d</property></resource>",
    )
    .unwrap();
    assert_eq!(resource.href(), Some("/a?b\u{fffd}"));
    assert_eq!(resource.text("n"), Some("a\u{fffd}b\u{fffd}c\u{fffd}d"));
    let resource = Resource::decode(
        b"<resource rel=\"a\xff\"/>",
        Representation::Xml,
        &Limits::default(),
    );
    assert_eq!(resource.unwrap().rel(), Some("a\u{fffd}"));
}

#[test]
fn an_unknown_entity_and_a_lone_ampersand_are_text() {
    let resource = read(
        "<resource href=\"/a?b&c=&nbsp;1\"><property name=\"n\">a&nbsp;b & c&#;&lt;</property></resource>",
    )
    .unwrap();
    assert_eq!(resource.href(), Some("/a?b&c=&nbsp;1"));
    assert_eq!(resource.text("n"), Some("a&nbsp;b & c&#;<"));
}
