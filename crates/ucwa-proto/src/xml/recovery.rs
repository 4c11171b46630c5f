//! Finds the end of an XML element whose content is not well-formed.

use std::collections::HashMap;

/// The offset behind the element whose tag begins at `start`.
///
/// Only tags count: their attributes, references and text may be malformed. An end tag closes the innermost open element
/// of its name, and with it the elements inside that were never closed. An end tag that matches no open element is
/// ignored, unless an element in `enclosing` has its name: then the element ends in front of that tag.
///
/// `None` if the element never ends. The time is linear in the length of the text that is skipped.
pub(super) fn end_of_element(text: &str, start: usize, enclosing: &[&str]) -> Option<usize> {
    let mut open = Vec::new();
    let mut open_of_name: HashMap<&str, usize> = HashMap::new();
    let mut at = start;
    loop {
        at += memchr::memchr(b'<', text.as_bytes().get(at..)?)?;
        let rest = text.get(at..)?;
        if let Some(end) = markup_without_name(rest) {
            at += end?;
        } else if let Some(name) = rest.strip_prefix("</") {
            let length = name.find('>')?;
            let name = name.get(..length)?.trim_ascii();
            if open_of_name.get(name).is_some_and(|&count| count > 0) {
                while let Some(closed) = open.pop() {
                    open_of_name.entry(closed).and_modify(|count| *count -= 1);
                    if closed == name {
                        break;
                    }
                }
            } else if enclosing.contains(&name) {
                return Some(at);
            }
            at += "</".len() + length + ">".len();
        } else if let Some(length) = tag_length(rest) {
            let tag = rest.get(1..length - 1)?;
            if !tag.ends_with('/') {
                let end = tag.find(|c: char| c.is_ascii_whitespace());
                let name = tag.get(..end.unwrap_or(tag.len()))?;
                open.push(name);
                *open_of_name.entry(name).or_default() += 1;
            }
            at += length;
        } else {
            // A less-than sign that begins no tag.
            at += 1;
            continue;
        }
        if open.is_empty() {
            return Some(at);
        }
    }
}

/// The length of a comment, a CDATA section, a processing instruction or a declaration at the start of `rest`; the
/// inner `None` if it never ends.
fn markup_without_name(rest: &str) -> Option<Option<usize>> {
    let closing = [
        ("<!--", "-->"),
        ("<![CDATA[", "]]>"),
        ("<?", "?>"),
        ("<!", ">"),
    ];
    let (opening, closing) = closing
        .into_iter()
        .find(|(opening, _)| rest.starts_with(opening))?;
    let content = rest.get(opening.len()..)?;
    Some(
        content
            .find(closing)
            .map(|length| opening.len() + length + closing.len()),
    )
}

/// The length of the start tag at the start of `rest`, whose quotes may be unbalanced. `None` if another tag begins
/// before it ends.
fn tag_length(rest: &str) -> Option<usize> {
    let mut quote = None;
    // The end of the tag, for the case that an open quote is never closed.
    let mut unquoted_end = None;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (_, b'<') => return unquoted_end,
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(_), b'>') => unquoted_end = unquoted_end.or(Some(at + 1)),
            (Some(open), byte) if open == byte => (quote, unquoted_end) = (None, None),
            _ => {}
        }
    }
    unquoted_end
}

#[cfg(test)]
mod tests {
    use super::end_of_element;

    /// The text up to the end of its first element.
    fn first(text: &str) -> Option<&str> {
        end_of_element(text, 0, &["sender", "events"]).and_then(|end| text.get(..end))
    }

    #[test]
    fn the_end_is_found_by_tags_alone() {
        for element in [
            "<a/>",
            "<a></a>",
            "<a x='>' y=\"'/>\"></a>",
            "<a><a/><b><a></a></b></a >",
            "<a>&; & < 1 <!-- </a> --><![CDATA[</a>]]><?x </a>?><!x></a>",
            "<a><b><c></a>",
            "<a></b></c></a>",
            "<a x=\"/>\"></a>",
            "<a x=\"1></a>",
            "<a x=\"1><b></b></a>",
            "<a x=1 y></a>",
        ] {
            let text = format!("{element}<a></a></sender>");
            assert_eq!(first(&text), Some(element));
        }
    }

    #[test]
    fn an_enclosing_element_ends_what_is_open() {
        assert_eq!(first("<a><b></sender></a>"), Some("<a><b>"));
        assert_eq!(first("<a></events>"), Some("<a>"));
    }

    #[test]
    fn an_unterminated_element_has_no_end() {
        for text in [
            "<a>",
            "<a",
            "<a><!-- </a>",
            "<a><![CDATA[</a>",
            "<a><?x</a>",
            "<a></a",
            "<a><!x",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn hostile_nesting_takes_linear_time() {
        let text = format!("{}{}", "<a>".repeat(300_000), "</b>".repeat(300_000));
        assert_eq!(first(&text), None);
        let text = format!("{}{}", "<a \"".repeat(300_000), "<a>".repeat(300_000));
        assert_eq!(first(&text), None);
    }
}
