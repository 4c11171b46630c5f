//! Archived conversations as a Markdown document (CommonMark).

use super::{archive::Archived, text::time};
use crate::timeline::printable;

/// The lines of the document: a section for each conversation, a quotation for each message.
pub(super) fn document(found: &[Archived]) -> Vec<String> {
    let mut lines = Vec::new();
    for conversation in found {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("## {}", escape(&conversation.people())));
        if let Some(subject) = &conversation.subject {
            lines.extend([String::new(), format!("Subject: {}", escape(subject))]);
        }
        for message in &conversation.messages {
            let author = escape(&message.author.name);
            let time = time(message.sent_at);
            lines.extend([
                String::new(),
                format!("**{author}**, {time}"),
                String::new(),
            ]);
            lines.extend(quotation(&message.text));
        }
    }
    lines
}

/// A text as a quotation, in which each line stays a line.
fn quotation(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| format!("> {}", escape_line(line)))
        .collect();
    let count = lines.len();
    for line in lines.iter_mut().take(count.saturating_sub(1)) {
        if line.len() > 2 {
            // A hard line break.
            line.push('\\');
        }
    }
    lines
}

/// Escapes one line of a text, whose beginning could also be a list, a heading or code.
fn escape_line(line: &str) -> String {
    let content = line.trim_start();
    let indent = line.chars().count() - content.chars().count();
    let digits = content.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = content.split_at(digits);
    let starts_a_list = digits > 0 && rest.starts_with(['.', ')']);
    let starts_a_block = digits == 0 && rest.starts_with(['-', '+', '=']);
    let slash = if starts_a_list || starts_a_block {
        "\\"
    } else {
        ""
    };
    format!("{}{number}{slash}{}", "&nbsp;".repeat(indent), escape(rest))
}

/// Escapes the characters with a meaning in Markdown, in one line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            escaped.push_str(&printable(&c.to_string()).replace('\\', "\\\\"));
            continue;
        }
        if "\\`*_[]<>&#|~!$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_message_is_markup() {
        for (text, expected) in [
            ("*bold* _it_ `code`", r"> \*bold\* \_it\_ \`code\`"),
            ("<script>&amp;", r"> \<script\>\&amp;"),
            ("# heading", r"> \# heading"),
            ("- item", r"> \- item"),
            ("12. item", r"> 12\. item"),
            ("=== rule", r"> \=== rule"),
            ("    code", "> &nbsp;&nbsp;&nbsp;&nbsp;code"),
            (
                "![x](http://evil.example)",
                r"> \!\[x\](http://evil.example)",
            ),
            ("\u{1b}[2J", r"> \\u{1b}\[2J"),
        ] {
            assert_eq!(quotation(text), [expected], "{text:?}");
        }
    }

    #[test]
    fn lines_and_paragraphs_stay() {
        assert_eq!(
            quotation("one\ntwo\n\nthree"),
            ["> one\\", "> two\\", "> ", "> three"]
        );
    }
}
