//! Visits the texts and attributes of XML and HTML. The document may be malformed.

use std::borrow::Cow;

use super::{HarFieldKind, Walk, json::Edits};
use crate::redact::{canonical::entity, names};

/// An element that contains the current position.
struct Element {
    name: String,
    /// The value of the attribute `name` of a UCWA property, a form field or a SAML attribute.
    label: Option<String>,
    around_is_secret: bool,
}

impl Walk<'_> {
    pub(super) fn markup(&mut self, text: &str, is_html: bool) -> Option<String> {
        let around = (self.in_secret, self.is_guarded);
        self.is_guarded |= self.in_request && signs_in(text);
        let mut edits = Edits::new(text);
        let mut open: Vec<Element> = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let next = rest.find('<').unwrap_or(rest.len());
            if next > 0 {
                self.content(text, at, at + next, &open, &mut edits);
                at += next;
                continue;
            }
            let (kind, body, length) = markup_at(rest);
            let start = at + body.start;
            let end = at + body.end;
            let inner = text.get(start..end).unwrap_or_default();
            match kind {
                Kind::Comment => {
                    let kind = if is_html {
                        HarFieldKind::HtmlScript
                    } else {
                        HarFieldKind::Text
                    };
                    if let Some(edited) = self.value(kind, "", inner) {
                        edits.replace(start, end, &edited);
                    }
                }
                Kind::Cdata => self.raw_content(inner, start, end, &open, &mut edits),
                Kind::Close => {
                    let name = local(inner.trim());
                    let innermost = open.len().saturating_sub(MOST_UNCLOSED);
                    let inner = open.get(innermost..).unwrap_or_default().iter();
                    let found = inner
                        .rev()
                        .position(|it| it.name.eq_ignore_ascii_case(name));
                    if let Some(index) = found.map(|found| open.len() - 1 - found) {
                        // An end tag also closes the unclosed elements within its element, as in HTML.
                        if let Some(element) = open.get(index) {
                            self.in_secret = element.around_is_secret;
                        }
                        open.truncate(index);
                    }
                }
                Kind::Open => {
                    let element = self.tag(text, start, end, is_html, &mut edits);
                    at += length;
                    if element.name.eq_ignore_ascii_case("envelope") {
                        self.is_guarded = true;
                    }
                    let is_raw = is_html
                        && ["script", "style"]
                            .iter()
                            .any(|raw| element.name.eq_ignore_ascii_case(raw));
                    let is_empty = inner.ends_with('/')
                        || (is_html && VOID.iter().any(|it| element.name.eq_ignore_ascii_case(it)));
                    if is_raw {
                        let rest = text.get(at..).unwrap_or_default();
                        let end = find_ignoring_case(rest, &format!("</{}", element.name));
                        let script = rest.get(..end).unwrap_or_default();
                        if let Some(edited) = self.value(HarFieldKind::HtmlScript, "", script) {
                            edits.replace(at, at + end, &edited);
                        }
                        at += end;
                    }
                    if !is_empty {
                        let label = element.label.as_deref().unwrap_or(&element.name);
                        let is_secret = names::secret(label, false).is_some()
                            || names::secret(&element.name, false).is_some();
                        open.push(Element {
                            around_is_secret: self.in_secret,
                            ..element
                        });
                        self.in_secret |= is_secret;
                    }
                    continue;
                }
            }
            at += length;
        }
        (self.in_secret, self.is_guarded) = around;
        edits.finish()
    }

    /// Visits the text between two tags.
    fn content(
        &mut self,
        text: &str,
        start: usize,
        end: usize,
        open: &[Element],
        edits: &mut Edits<'_>,
    ) {
        let raw = text.get(start..end).unwrap_or_default();
        if raw.trim().is_empty() {
            return;
        }
        let value = unescaped(raw);
        if let Some(edited) = self.element_text(open, &value) {
            edits.replace(start, end, &escaped(&edited));
        }
    }

    fn raw_content(
        &mut self,
        inner: &str,
        start: usize,
        end: usize,
        open: &[Element],
        edits: &mut Edits<'_>,
    ) {
        if let Some(edited) = self.element_text(open, inner) {
            edits.replace(start, end, &edited.replace("]]>", ""));
        }
    }

    fn element_text(&mut self, open: &[Element], value: &str) -> Option<String> {
        let (last, before) = match open.split_last() {
            Some((last, before)) => (last, before.last()),
            None => return self.value(HarFieldKind::Text, "", value),
        };
        // The items of a list get the name of the list.
        let name = match (&last.label, before.and_then(|list| list.label.as_ref())) {
            (Some(label), _) => label,
            (None, Some(list)) if last.name == "item" => list,
            _ => &last.name,
        };
        self.value(HarFieldKind::Element, name, value)
    }

    /// Visits the attributes of a start tag.
    fn tag(
        &mut self,
        text: &str,
        start: usize,
        end: usize,
        is_html: bool,
        edits: &mut Edits<'_>,
    ) -> Element {
        let tag = text.get(start..end).unwrap_or_default();
        let is_end = |c: char| c.is_whitespace() || c == '/';
        let name = tag.split(is_end).next().unwrap_or_default();
        let attributes = attributes(tag, name.len());
        let is_id = |name: &str| is_html && name.eq_ignore_ascii_case("id");
        let named = |is_wanted: &dyn Fn(&str) -> bool| {
            let found = attributes.iter().find(|it| is_wanted(it.name))?;
            Some(unescaped(found.value(tag)).into_owned())
        };
        let label = named(&is_label).or_else(|| named(&is_id));
        let around = self.in_secret;
        self.in_secret |= names::secret(local(name), false).is_some();
        for attribute in &attributes {
            let raw = attribute.value(tag);
            let value = unescaped(raw);
            let is_value = ["value", "content"]
                .iter()
                .any(|it| attribute.name.eq_ignore_ascii_case(it));
            // An element without its label would not be recognized any more.
            let around_is_guarded = self.is_guarded;
            self.is_guarded &= !is_label(attribute.name);
            let lower = attribute.name.to_ascii_lowercase();
            let is_html_value =
                is_html && (is_value || lower.starts_with("data-") || lower.starts_with("on"));
            let edited = match (&label, is_value) {
                (Some(label), true) if names::secret(label, true).is_some() => {
                    self.value(HarFieldKind::Parameter, label, &value)
                }
                _ if is_html_value => self.value(HarFieldKind::HtmlValue, attribute.name, &value),
                _ => self.value(HarFieldKind::Attribute, local(attribute.name), &value),
            };
            self.is_guarded = around_is_guarded;
            if let Some(edited) = edited {
                let escaped = match attribute.quote {
                    Some('\'') => escaped(&edited).replace('\'', "&apos;"),
                    Some(_) => escaped(&edited).replace('"', "&quot;"),
                    None => escaped(&edited).replace(char::is_whitespace, "&#32;"),
                };
                edits.replace(start + attribute.start, start + attribute.end, &escaped);
            }
        }
        self.in_secret = around;
        Element {
            name: local(name).to_owned(),
            label,
            around_is_secret: around,
        }
    }
}

/// Whether the value of an attribute is the name of a property, a form field or a SAML attribute.
fn is_label(attribute: &str) -> bool {
    ["name", "key"]
        .iter()
        .any(|label| attribute.eq_ignore_ascii_case(label))
}

/// Whether the name of an element or attribute, or the label of an element, is the name of a secret or of a grant type.
fn signs_in(text: &str) -> bool {
    let is_sign_in =
        |name: &str| names::is_grant_type(name) || names::secret(name, false).is_some();
    let mut rest = text;
    while let Some(found) = rest.find('<').and_then(|at| rest.get(at..)) {
        let (kind, inner, length) = markup_at(found);
        let tag = found.get(inner).unwrap_or_default();
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next();
        let name = name.unwrap_or_default();
        let mut attributes = attributes(tag, name.len()).into_iter();
        if matches!(kind, Kind::Open)
            && (is_sign_in(local(name))
                || attributes.any(|attribute| {
                    is_sign_in(local(attribute.name))
                        || (is_label(attribute.name)
                            && is_sign_in(&unescaped(attribute.value(tag))))
                }))
        {
            return true;
        }
        rest = found.get(length..).unwrap_or_default();
    }
    false
}

/// The greatest number of elements that one end tag closes. An end tag that would close more is ignored.
const MOST_UNCLOSED: usize = 64;

/// HTML elements that have no end tag.
const VOID: [&str; 8] = ["input", "meta", "link", "br", "img", "hr", "base", "param"];

enum Kind {
    Comment,
    Cdata,
    Open,
    Close,
}

/// Reads the markup at the start of `rest`, which begins with `<`. Returns its kind, the range of its inner part, and its length.
fn markup_at(rest: &str) -> (Kind, std::ops::Range<usize>, usize) {
    let until = |start: usize, end: &str| {
        let found = rest.get(start..).and_then(|inner| inner.find(end));
        match found {
            Some(at) => (start..start + at, start + at + end.len()),
            None => (start..rest.len(), rest.len()),
        }
    };
    let (kind, (inner, length)) = if rest.starts_with("<!--") {
        (Kind::Comment, until(4, "-->"))
    } else if rest.starts_with("<![CDATA[") {
        (Kind::Cdata, until(9, "]]>"))
    } else if rest.starts_with("<?") {
        (Kind::Comment, until(2, "?>"))
    } else if rest.starts_with("<!") {
        (Kind::Comment, until(2, ">"))
    } else if rest.starts_with("</") {
        (Kind::Close, until(2, ">"))
    } else {
        let end = end_of_tag(rest);
        (Kind::Open, (1..end, (end + 1).min(rest.len())))
    };
    // Processing instructions and document types count as comments: they are only searched for known secrets.
    (kind, inner, length)
}

/// Returns the position of the `>` that ends a tag. The values of attributes may contain other `>` characters.
fn end_of_tag(rest: &str) -> usize {
    let mut quote = None;
    let mut after_equals = false;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if after_equals => quote = Some(c),
            (None, '>') => return at,
            _ => {}
        }
        after_equals = c == '=' || (after_equals && c.is_whitespace());
    }
    // If a quote is not closed, the tag ends at the first `>`.
    match quote {
        Some(_) => rest.find('>').unwrap_or(rest.len()),
        None => rest.len(),
    }
}

struct Attribute<'t> {
    name: &'t str,
    quote: Option<char>,
    /// The start of the value, as a position in the tag.
    start: usize,
    end: usize,
}

impl Attribute<'_> {
    fn value<'t>(&self, tag: &'t str) -> &'t str {
        tag.get(self.start..self.end).unwrap_or_default()
    }
}

fn attributes(tag: &str, mut at: usize) -> Vec<Attribute<'_>> {
    let mut attributes = Vec::new();
    while let Some(rest) = tag.get(at..).filter(|rest| !rest.is_empty()) {
        let skipped = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_whitespace() || c == '/')
                .len();
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let ends = |c: char| c.is_whitespace() || c == '=';
        let length = rest.find(ends).unwrap_or(rest.len()).max(1);
        let name = rest.get(..length).unwrap_or(rest);
        let after = rest.get(name.len()..).unwrap_or_default().trim_start();
        at = tag.len() - after.len();
        let Some(value) = after.strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let start = tag.len() - value.len() + quote.map_or(0, char::len_utf8);
        let inner = tag.get(start..).unwrap_or_default();
        let length = match quote {
            Some(quote) => inner.find(quote),
            None => inner.find(char::is_whitespace),
        };
        let end = start + length.unwrap_or(inner.len());
        attributes.push(Attribute {
            name,
            quote,
            start,
            end,
        });
        at = end + usize::from(quote.is_some() && length.is_some());
    }
    attributes
}

/// Removes the namespace prefix of a name.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn find_ignoring_case(text: &str, wanted: &str) -> usize {
    let found = text
        .as_bytes()
        .windows(wanted.len())
        .position(|part| part.eq_ignore_ascii_case(wanted.as_bytes()));
    found.unwrap_or(text.len())
}

/// Decodes the entity and character references of a text.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        text.push_str(before);
        let head = reference.as_bytes().iter().take(12);
        let end = head.clone().position(|b| *b == b';');
        let character = end.and_then(|end| reference.get(1..end)).and_then(entity);
        match (character, end) {
            (Some(character), Some(end)) => {
                text.push(character);
                rest = reference.get(end + 1..).unwrap_or_default();
            }
            _ => {
                text.push('&');
                rest = reference.get(1..).unwrap_or_default();
            }
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
