//! Conversion between plain text and HTML.

use std::borrow::Cow;

use ucwa_proto::strip_trailing_newline;

use crate::operation::MessageBody;

/// The text by which two bodies are compared: plain text without a line break at the end.
pub(super) fn comparable(body: &MessageBody) -> Cow<'_, str> {
    match plain_text(body) {
        Cow::Borrowed(text) => strip_trailing_newline(text).into(),
        Cow::Owned(text) => strip_trailing_newline(&text).to_owned().into(),
    }
}

/// The hash of the text by which two bodies are compared: FNV-1a with 64 bits. A checkpoint contains it, so every version of
/// the library computes the same one.
pub(crate) fn hash(body: &MessageBody) -> u64 {
    let text = comparable(body);
    let bytes = text.bytes();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The plain text of a body, for a peer or an invitation that supports text only.
pub(super) fn plain_text(body: &MessageBody) -> Cow<'_, str> {
    match body {
        MessageBody::Text(text) | MessageBody::Other { raw: text, .. } => text.into(),
        MessageBody::Html(html) => to_text(html).into(),
    }
}

/// The HTML of a text, for a chat that supports HTML only.
pub(super) fn from_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br/>"),
            '\r' => {}
            other => html.push(other),
        }
    }
    html
}

/// The text of HTML without its markup, for peers that support text only.
pub(super) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let Some(length) = markup(from) else {
            // The character does not start markup.
            let (sign, after) = from.split_at(1);
            text.push_str(sign);
            rest = after;
            continue;
        };
        let (mark, after) = from.split_at(length);
        if mark.starts_with('<') {
            let name = mark.trim_start_matches(['<', '/']).to_ascii_lowercase();
            let breaks = ["br", "p>", "p ", "div", "li"]
                .iter()
                .any(|tag| name.starts_with(tag));
            if breaks && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        } else {
            match entity(mark) {
                Some(character) => text.push(character),
                None => text.push_str(mark),
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The length of the tag or entity that begins here, if there is one. A single `<` or `&` is text, as in a browser.
fn markup(from: &str) -> Option<usize> {
    let (sign, after) = from.split_at_checked(1)?;
    if sign == "<" {
        after
            .starts_with(|first: char| first.is_ascii_alphabetic() || "/!?".contains(first))
            .then_some(())?;
        return Some(from.find('>')? + 1);
    }
    let name = |character: char| character.is_ascii_alphanumeric() || character == '#';
    let end = after.find(|character| !name(character))?;
    after[end..].starts_with(';').then_some(end + 2)
}

fn entity(mark: &str) -> Option<char> {
    match mark.strip_prefix('&')?.strip_suffix(';')? {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_converted_to_html_and_back_is_unchanged() {
        let text = "1 < 2 & 3 > 2\n\"so\"";
        assert_eq!(from_text(text), "1 &lt; 2 &amp; 3 &gt; 2<br/>\"so\"");
        assert_eq!(to_text(&from_text(text)), text);
    }

    #[test]
    fn characters_that_are_not_markup_are_kept() {
        for (html, text) in [
            ("<b>1 < 2</b> or 3 > 2", "1 < 2 or 3 > 2"),
            ("R&D <i>and</i> Q&A; done", "R&D and Q&A; done"),
            ("a <3 b", "a <3 b"),
            ("fish &<b>chips</b>;", "fish &chips;"),
            ("<!-- so --><br", "<br"),
            ("\u{fc}<\u{fc}>&\u{fc};&", "\u{fc}<\u{fc}>&\u{fc};&"),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn html_is_converted_to_its_text() {
        let html =
            "<span style=\"x\">Tom &amp; <b>J&#233;r&ocirc;me</b></span><br/>1 < 2 &unterminated";
        assert_eq!(
            to_text(html),
            "Tom & J\u{e9}r&ocirc;me\n1 < 2 &unterminated"
        );
    }
}
