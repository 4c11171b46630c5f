//! Archived conversations as an HTML page. The page loads nothing and runs nothing, whatever the messages contain.

use super::{
    archive::{Archived, Message},
    text::time,
};
use crate::timeline::printable;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Conversations</title>
<style>
body { font-family: sans-serif; max-width: 50em; margin: auto; }
time { color: #666; }
blockquote { margin: 0 0 1em 1em; overflow-wrap: anywhere; }
</style>
</head>
<body>"#;

/// The lines of the page: a section for each conversation.
pub(super) fn document(found: &[Archived]) -> Vec<String> {
    let mut lines: Vec<String> = HEAD.lines().map(str::to_owned).collect();
    for conversation in found {
        lines.push("<section>".to_owned());
        lines.push(format!("<h2>{}</h2>", escape(&conversation.people())));
        if let Some(subject) = &conversation.subject {
            lines.push(format!("<p>Subject: {}</p>", escape(subject)));
        }
        for message in &conversation.messages {
            lines.extend(self::message(message));
        }
        lines.push("</section>".to_owned());
    }
    lines.extend(["</body>", "</html>"].map(str::to_owned));
    lines
}

fn message(message: &Message) -> Vec<String> {
    let (author, time) = (escape(&message.author.name), time(message.sent_at));
    let mut lines = vec![format!(
        "<p><b>{author}</b> <time datetime=\"{time}\">{time}</time></p>"
    )];
    // The library has escaped or sanitized the body.
    let body = format!("<blockquote>{}</blockquote>", message.html);
    lines.extend(body.lines().map(printable));
    lines
}

/// Escapes a name or a subject.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
