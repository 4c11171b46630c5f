//! Conversions between plain text and HTML.

use html5gum::{DefaultEmitter, Token, Tokenizer};

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
#[cfg(feature = "sanitizer")]
pub(crate) fn sanitize(html: &str) -> String {
    // A remote picture reports to its server who reads the message, and when.
    ammonia::Builder::default()
        .rm_tags(["img", "map", "area"])
        .url_relative(ammonia::UrlRelative::Deny)
        .clean(html)
        .to_string()
}

/// The text of HTML, escaped: without the sanitizer no tag is safe.
#[cfg(not(feature = "sanitizer"))]
pub(crate) fn sanitize(html: &str) -> String {
    escape(&to_text(html))
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

/// The elements whose content is not text.
const CODE: [&str; 2] = ["script", "style"];

/// The plain text of HTML.
pub(crate) fn to_text(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    // The content of `script` and of `style` is not parsed for tags.
    emitter.naively_switch_states(true);
    let mut text = Text::default();
    let mut code = false;
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => match str::from_utf8(&tag.name) {
                Ok("br") => text.end_line(),
                Ok(name) if CODE.contains(&name) => code = true,
                Ok(name) if BLOCKS.contains(&name) => text.begin_line(),
                _ => {}
            },
            Token::EndTag(tag) => match str::from_utf8(&tag.name) {
                Ok("br") => text.end_line(),
                Ok(name) if CODE.contains(&name) => code = false,
                Ok(name) if BLOCKS.contains(&name) => text.begin_line(),
                _ => {}
            },
            Token::String(words) if !code => text.words(&String::from_utf8_lossy(&words)),
            _ => {}
        }
    }
    text.finish()
}

/// Builds text. A run of white space becomes one blank; blanks at the ends of a line are dropped.
#[derive(Default)]
struct Text {
    done: String,
    blank: bool,
}

impl Text {
    fn words(&mut self, words: &str) {
        for character in words.chars() {
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
            (
                "one</br>two &hearts;&#8364;&unknown;",
                "one\ntwo ♥€&unknown;",
            ),
            ("a<!-- <b>comment</b> -->b<script>never closed", "ab"),
            ("<SCRIPT>if (a < b) x('</p>')</SCRIPT>c", "c"),
            ("", ""),
        ];
        for (html, text) in cases {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    proptest::proptest! {
        #[test]
        fn escaped_text_is_decoded_again(text in "[\\PC \n]{0,40}") {
            let lines = text.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            let lines: Vec<_> = lines.collect();
            let expected = lines.join("\n").trim_end().to_owned();
            proptest::prop_assert_eq!(to_text(&escape(&text)), expected);
        }

        #[test]
        fn any_html_can_be_read(html in "(<|>|/|!|-|&|;|\"|'|=|p|br|script|style|title|svg|\\PC|\n){0,60}") {
            to_text(&html);
            sanitize(&html);
        }
    }

    #[test]
    #[cfg(not(feature = "sanitizer"))]
    fn without_a_sanitizer_html_becomes_escaped_text() {
        let html = "<p>1 &lt; 2</p><b onclick='x()'>\"bold\"</b><script>x()</script>";
        assert_eq!(sanitize(html), "1 &lt; 2<br>&quot;bold&quot;");
    }

    #[test]
    #[cfg(feature = "sanitizer")]
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
