//! Conversions between plain text and HTML.

use std::collections::HashSet;

use ammonia::{Builder, UrlRelative};

/// Escapes plain text as HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        for character in line.strip_suffix('\r').unwrap_or(line).chars() {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                other => html.push(other),
            }
        }
        if lines.peek().is_some() {
            html.push_str("<br>");
        }
    }
    html
}

/// Removes everything from HTML that could run or load something or disguise its content.
pub(crate) fn sanitize(html: &str) -> String {
    // A remote picture reports to its server who reads the message, and when.
    Builder::default()
        .rm_tags(["img", "map", "area"])
        .url_relative(UrlRelative::Deny)
        .clean(html)
        .to_string()
}

/// The tags at which a line starts and ends.
const BLOCKS: [&str; 18] = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "blockquote",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "dt",
    "dd",
    "hr",
];

/// The plain text of HTML.
pub(crate) fn to_text(html: &str) -> String {
    let mut builder = Builder::default();
    builder
        .tags(BLOCKS.into_iter().chain(["br"]).collect())
        .tag_attributes(std::collections::HashMap::new())
        .generic_attributes(HashSet::new())
        .link_rel(None);
    // The result is well formed: only these tags, without attributes, and text with a few entities.
    let clean = builder.clean(html).to_string();
    let mut text = Text::default();
    let mut rest = clean.as_str();
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        text.words(before);
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        match tag.trim_start_matches(['<', '/']) {
            "br" => text.end_line(),
            _ => text.begin_line(),
        }
        rest = after;
    }
    text.words(rest);
    text.finish()
}

/// Builds text. A run of white space becomes one blank; blanks at the ends of a line are dropped.
#[derive(Default)]
struct Text {
    done: String,
    blank: bool,
}

impl Text {
    fn words(&mut self, encoded: &str) {
        for character in decode(encoded).chars() {
            if character.is_whitespace() {
                self.blank = true;
                continue;
            }
            if std::mem::take(&mut self.blank)
                && !self.done.is_empty()
                && !self.done.ends_with('\n')
            {
                self.done.push(' ');
            }
            self.done.push(character);
        }
    }

    fn begin_line(&mut self) {
        if !self.done.is_empty() && !self.done.ends_with('\n') {
            self.end_line();
        }
        self.blank = false;
    }

    fn end_line(&mut self) {
        self.done.push('\n');
        self.blank = false;
    }

    fn finish(mut self) -> String {
        self.done.truncate(self.done.trim_end().len());
        self.done
    }
}

/// Decodes the entities that the serializer writes. `&amp;` comes last, so that it does not make new entities.
fn decode(encoded: &str) -> String {
    encoded
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_converted_to_html() {
        assert_eq!(
            escape("a < b & \"c\" > 'd'\r\ne\n"),
            "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;<br>e<br>"
        );
        assert_eq!(escape(""), "");
    }

    #[test]
    fn html_is_converted_to_plain_text() {
        let cases = [
            ("<b>Hello</b>, <i>world</i>", "Hello, world"),
            ("one<br>two<br/><br>four", "one\ntwo\n\nfour"),
            ("<p>one</p>\n<p>two</p>", "one\ntwo"),
            (
                "<div style=\"font-family:Segoe UI\"><span>a&nbsp;&lt;b&gt; &amp;lt;</span></div>",
                "a <b> &lt;",
            ),
            ("<ul><li>one<li>two</ul>end", "one\ntwo\nend"),
            ("  many \n\t blanks  ", "many blanks"),
            ("a<script>alert(1)</script><style>p{}</style>b", "ab"),
            ("<a href=\"x>y\" title='<p>'>link</a>", "link"),
            ("a < b > c <not closed", "a < b > c"),
            ("", ""),
        ];
        for (html, text) in cases {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn untrusted_html_is_sanitized() {
        let cases = [
            ("<b>bold</b>", "<b>bold</b>"),
            ("<script>alert(1)</script>x", "x"),
            ("<b onclick=\"alert(1)\">x</b>", "<b>x</b>"),
            ("<img src=\"https://tracker.example/p.gif\">x", "x"),
            (
                "<a href=\"javascript:alert(1)\">x</a>",
                "<a rel=\"noopener noreferrer\">x</a>",
            ),
            (
                "<a href=\"https://contoso.com/\">x</a>",
                "<a href=\"https://contoso.com/\" rel=\"noopener noreferrer\">x</a>",
            ),
            (
                "<iframe src=\"https://contoso.com\"></iframe><object></object>x",
                "x",
            ),
            ("<svg><script>alert(1)</script></svg>x", "x"),
        ];
        for (html, safe) in cases {
            assert_eq!(sanitize(html), safe, "{html}");
        }
    }
}
