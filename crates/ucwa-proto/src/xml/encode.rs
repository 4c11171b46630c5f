//! Encodes generic resources and event pages in XML.

use std::borrow::Cow;

use super::NAMESPACE;
use crate::{Event, EventLink, EventPage, Link, OneOrMany, Problem, Resource, Value};

/// Encodes a resource with this root element.
pub(crate) fn encode_resource(resource: &Resource<'_>, root: &str) -> Vec<u8> {
    let mut writer = Writer::document();
    writer.open(root);
    writer.attribute("xmlns", NAMESPACE);
    if let Some(rel) = &resource.rel {
        writer.attribute("rel", rel);
    }
    writer.head_and_members(root, resource, None);
    writer.0.into_bytes()
}

pub(crate) fn encode_problem(problem: &Problem<'_>) -> Vec<u8> {
    let mut writer = Writer::document();
    writer.open("reason");
    writer.attribute("xmlns", NAMESPACE);
    writer.reason_members(problem);
    writer.0.into_bytes()
}

pub(crate) fn encode_page(page: &EventPage<'_>) -> Vec<u8> {
    let mut writer = Writer::document();
    writer.page(page);
    writer.0.into_bytes()
}

struct Writer(String);

impl Writer {
    fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_owned())
    }

    fn page(&mut self, page: &EventPage<'_>) {
        self.open("events");
        self.attribute("xmlns", NAMESPACE);
        if let Some(href) = &page.href {
            self.attribute("href", href);
        }
        self.0.push('>');
        if let Some(follow) = &page.follow {
            self.link(follow.rel(), &Link::new(follow.href()));
        }
        self.links(&page.links);
        for sender in &page.senders {
            self.open("sender");
            self.attribute("rel", &sender.rel);
            self.attribute("href", &sender.href);
            self.attributes(&sender.properties);
            self.0.push('>');
            for event in sender.readable_events() {
                self.event(event);
            }
            self.close("sender");
        }
        self.close("events");
    }

    fn event(&mut self, event: &Event<'_>) {
        let kind = element_name(event.kind.as_str());
        self.open(&kind);
        self.event_link(&event.link);
        if let Some(status) = &event.status {
            self.attribute("status", status.as_str());
        }
        self.0.push('>');
        if let Some(within) = &event.within {
            self.open("in");
            self.event_link(within);
            self.0.push_str("/>");
        }
        if let Some(reason) = &event.reason {
            self.open("reason");
            self.reason_members(reason);
        }
        if let Some(resource) = &event.embedded {
            self.embedded(&event.link.rel, resource);
        }
        self.close(&kind);
    }

    fn event_link(&mut self, link: &EventLink<'_>) {
        self.attribute("rel", &link.rel);
        self.attribute("href", &link.href);
        if let Some(title) = &link.title {
            self.attribute("title", title);
        }
        self.attributes(&link.attributes);
    }

    /// The members of a reason are elements of their own names.
    fn reason_members(&mut self, problem: &Problem<'_>) {
        self.0.push('>');
        for (name, value) in &problem.to_resource().properties {
            match value {
                Value::List(_) | Value::Object(_) => self.property(name, value),
                scalar if is_element_name(name) && !RESERVED.contains(&&**name) => {
                    self.scalar(name, None, scalar);
                }
                scalar => self.property(name, scalar),
            }
        }
        self.close("reason");
    }

    /// Writes an embedded resource with its key.
    fn embedded(&mut self, key: &str, resource: &Resource<'_>) {
        self.open("resource");
        self.attribute("rel", key);
        self.head_and_members("resource", resource, resource.rel.as_deref());
    }

    fn head_and_members(&mut self, element: &str, resource: &Resource<'_>, own_name: Option<&str>) {
        if let Some(href) = &resource.href {
            self.attribute("href", href);
        }
        self.0.push('>');
        self.links(&resource.links);
        if let Some(name) = own_name {
            self.scalar("property", Some("rel"), &Value::from(name));
        }
        for (name, value) in &resource.properties {
            self.property(name, value);
        }
        for (rel, resources) in &resource.embedded {
            for resource in resources.as_slice() {
                self.embedded(rel, resource);
            }
        }
        self.close(element);
    }

    fn links(&mut self, links: &[(Cow<'_, str>, OneOrMany<Link<'_>>)]) {
        for (rel, links) in links {
            for link in links.as_slice() {
                self.link(rel, link);
            }
        }
    }

    fn link(&mut self, rel: &str, link: &Link<'_>) {
        self.open("link");
        self.attribute("rel", rel);
        self.attribute("href", &link.href);
        if let Some(title) = &link.title {
            self.attribute("title", title);
        }
        self.attributes(&link.attributes);
        self.0.push_str("/>");
    }

    fn attributes(&mut self, members: &[(Cow<'_, str>, Value<'_>)]) {
        for (name, value) in members {
            // An attribute has a scalar value, and a name that XML allows.
            if is_element_name(name)
                && !matches!(value, Value::List(_) | Value::Object(_) | Value::Null)
            {
                self.attribute(name, &scalar_text(value));
            }
        }
    }

    fn property(&mut self, name: &str, value: &Value<'_>) {
        match value {
            Value::List(items) => {
                self.open("propertyList");
                self.attribute("name", name);
                self.items("propertyList", items);
            }
            value => self.scalar("property", Some(name), value),
        }
    }

    fn items(&mut self, element: &str, items: &[Value<'_>]) {
        self.0.push('>');
        for item in items {
            match item {
                Value::List(items) => {
                    self.open("item");
                    self.items("item", items);
                }
                item => self.scalar("item", None, item),
            }
        }
        self.close(element);
    }

    /// Writes an element with a value that is not a list.
    fn scalar(&mut self, element: &str, name: Option<&str>, value: &Value<'_>) {
        self.open(element);
        if let Some(name) = name {
            self.attribute("name", name);
        }
        match value {
            Value::Null => {
                self.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
                self.attribute("xsi:nil", "true");
                self.0.push_str("/>");
                return;
            }
            Value::Object(members) => {
                self.0.push('>');
                for (name, value) in members {
                    self.property(name, value);
                }
            }
            value => {
                self.0.push('>');
                escape(&mut self.0, &scalar_text(value), false);
            }
        }
        self.close(element);
    }

    fn open(&mut self, element: &str) {
        self.0.push('<');
        self.0.push_str(element);
    }

    fn close(&mut self, element: &str) {
        self.0.push_str("</");
        self.0.push_str(element);
        self.0.push('>');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        escape(&mut self.0, value, true);
        self.0.push('"');
    }
}

/// The elements that have another meaning within a resource.
const RESERVED: [&str; 4] = ["property", "propertyList", "link", "resource"];

fn scalar_text<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Null | Value::List(_) | Value::Object(_) => Cow::Borrowed(""),
    }
}

fn is_element_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The name of the element for an event of this type.
fn element_name(kind: &str) -> Cow<'_, str> {
    if is_element_name(kind) {
        return Cow::Borrowed(kind);
    }
    let mut name: String = kind
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    name.insert(0, '_');
    Cow::Owned(name)
}

/// Appends a text with escapes, so that decoding gives the same text. A character that XML does not allow becomes U+FFFD.
fn escape(out: &mut String, text: &str, attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
