//! Encodes generic resources and event pages in JSON.

use std::borrow::Cow;

use crate::{Event, EventLink, EventPage, Link, Number, OneOrMany, Resource, Value};

pub(crate) fn encode_resource(resource: &Resource<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.resource(resource);
    writer.0
}

pub(crate) fn encode_page(page: &EventPage<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.page(page);
    writer.0
}

/// Links or resources without empty lists, which count as absent.
fn present<'r, 'a, T>(
    named: &'r [(Cow<'a, str>, OneOrMany<T>)],
) -> impl Iterator<Item = &'r (Cow<'a, str>, OneOrMany<T>)> {
    named.iter().filter(|(_, items)| !items.is_empty())
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn page(&mut self, page: &EventPage<'_>) {
        self.object(|w| {
            w.key("_links");
            w.object(|w| {
                w.link_to_itself(page.href.as_deref(), &page.links);
                if let Some(follow) = &page.follow {
                    w.key(follow.rel());
                    w.link(&Link::new(follow.href()));
                }
                w.links(&page.links);
            });
            // When a long poll times out, a server sends a page without the member.
            if !page.senders.is_empty() {
                w.key("sender");
                w.list(&page.senders, |w, sender| {
                    w.object(|w| {
                        w.text_member("rel", &sender.rel);
                        w.text_member("href", &sender.href);
                        w.key("events");
                        w.list(sender.readable_events(), Self::event);
                        w.members_besides(&["rel", "href", "events"], &sender.properties);
                    });
                });
            }
            w.members_besides(&["_links", "sender"], &page.properties);
        });
    }

    fn event(&mut self, event: &Event<'_>) {
        self.object(|w| {
            w.key("link");
            w.event_link(&event.link);
            if let Some(within) = &event.within {
                w.key("in");
                w.event_link(within);
            }
            w.text_member("type", event.kind.as_str());
            if let Some(status) = &event.status {
                w.text_member("status", status.as_str());
            }
            if let Some(reason) = &event.reason {
                w.key("reason");
                w.resource(&reason.to_resource());
            }
            if let Some(resource) = &event.embedded {
                w.key("_embedded");
                w.object(|w| {
                    w.key(&event.link.rel);
                    w.resource(resource);
                });
            }
            w.members(&event.properties);
        });
    }

    fn event_link(&mut self, link: &EventLink<'_>) {
        self.object(|w| {
            w.text_member("rel", &link.rel);
            w.text_member("href", &link.href);
            if let Some(title) = &link.title {
                w.text_member("title", title);
            }
            w.members(&link.attributes);
        });
    }

    /// Writes the address, unless there is a link `self`.
    fn link_to_itself(
        &mut self,
        href: Option<&str>,
        links: &[(Cow<'_, str>, OneOrMany<Link<'_>>)],
    ) {
        if let Some(href) = href
            && !links.iter().any(|(rel, _)| rel == "self")
        {
            self.key("self");
            self.link(&Link::new(href));
        }
    }

    fn links(&mut self, links: &[(Cow<'_, str>, OneOrMany<Link<'_>>)]) {
        for (rel, links) in present(links) {
            self.key(rel);
            self.one_or_many(links, Self::link);
        }
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        self.object(|w| {
            // A property `rel` beside the XML attribute is the name of the resource.
            if let Some(rel) = &resource.rel
                && resource.text("rel").is_none()
            {
                w.text_member("rel", rel);
            }
            w.members_besides(&["_links", "_embedded"], &resource.properties);
            if resource.href.is_some() || present(&resource.links).next().is_some() {
                w.key("_links");
                w.object(|w| {
                    w.link_to_itself(resource.href.as_deref(), &resource.links);
                    w.links(&resource.links);
                });
            }
            if present(&resource.embedded).next().is_some() {
                w.key("_embedded");
                w.object(|w| {
                    for (rel, resources) in present(&resource.embedded) {
                        w.key(rel);
                        w.one_or_many(resources, Self::resource);
                    }
                });
            }
        });
    }

    fn link(&mut self, link: &Link<'_>) {
        self.object(|w| {
            w.text_member("href", &link.href);
            if let Some(title) = &link.title {
                w.text_member("title", title);
            }
            w.members(&link.attributes);
        });
    }

    /// Writes members except those in `taken`, whose names have another meaning in JSON. XML allows such properties.
    fn members_besides(&mut self, taken: &[&str], members: &[(Cow<'_, str>, Value<'_>)]) {
        let free = |(name, _): &&(Cow<'_, str>, Value<'_>)| !taken.contains(&&**name);
        self.members(members.iter().filter(free));
    }

    fn members<'m, 'a: 'm>(
        &mut self,
        members: impl IntoIterator<Item = &'m (Cow<'a, str>, Value<'a>)>,
    ) {
        for (name, value) in members {
            self.key(name);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.0.extend(b"null"),
            Value::Bool(true) => self.0.extend(b"true"),
            Value::Bool(false) => self.0.extend(b"false"),
            // JSON cannot express these.
            Value::Number(Number::Float(number)) if !number.is_finite() => self.0.extend(b"null"),
            Value::Number(number) => self.0.extend(number.to_string().as_bytes()),
            Value::String(text) => self.text(text),
            Value::List(items) => self.list(items, Self::value),
            Value::Object(members) => self.object(|w| w.members(members)),
        }
    }

    fn one_or_many<T>(&mut self, items: &OneOrMany<T>, mut write: impl FnMut(&mut Self, &T)) {
        match items {
            OneOrMany::One(one) => write(self, one),
            OneOrMany::Many(many) => self.list(many, write),
        }
    }

    fn list<'t, T: 't>(
        &mut self,
        items: impl IntoIterator<Item = &'t T>,
        mut write: impl FnMut(&mut Self, &T),
    ) {
        self.0.push(b'[');
        for item in items {
            self.comma();
            write(self, item);
        }
        self.0.push(b']');
    }

    fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.0.push(b'{');
        write(self);
        self.0.push(b'}');
    }

    fn key(&mut self, name: &str) {
        self.comma();
        self.text(name);
        self.0.push(b':');
    }

    fn text_member(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }

    /// Writes a comma, except before the first item.
    fn comma(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[')) {
            self.0.push(b',');
        }
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'"');
        for &byte in text.as_bytes() {
            match byte {
                b'"' => self.0.extend(b"\\\""),
                b'\\' => self.0.extend(b"\\\\"),
                b'\n' => self.0.extend(b"\\n"),
                b'\r' => self.0.extend(b"\\r"),
                b'\t' => self.0.extend(b"\\t"),
                control @ 0..0x20 => self.0.extend(format!("\\u{control:04x}").as_bytes()),
                byte => self.0.push(byte),
            }
        }
        self.0.push(b'"');
    }
}
