//! Finds the end of a JSON value whose content is not well-formed.

/// The offset of the comma, or of the bracket `closing` of the container, that follows the value at `start`.
///
/// Only strings and brackets count; the rest may be malformed. A closing bracket closes the innermost open one of
/// its kind, and with it the brackets inside that were never closed. A closing bracket that matches no open one is
/// ignored.
///
/// `None` if the text ends before the value does. The time is linear in the length of the text that is skipped.
pub(super) fn end_of_value(text: &str, start: usize, closing: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    let mut at = start;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'"' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' => {
                open.push(b'}');
                braces += 1;
            }
            b'[' => {
                open.push(b']');
                brackets += 1;
            }
            b'}' | b']' => {
                let of_kind = if byte == b'}' { braces } else { brackets };
                if open.is_empty() && byte == closing {
                    return Some(at);
                }
                while of_kind > 0
                    && let Some(closed) = open.pop()
                {
                    let count = if closed == b'}' {
                        &mut braces
                    } else {
                        &mut brackets
                    };
                    *count -= 1;
                    if closed == byte {
                        break;
                    }
                }
            }
            b',' if open.is_empty() => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// The offset behind the string whose quote is at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::end_of_value;

    #[test]
    fn the_end_is_found_by_strings_and_brackets_alone() {
        for value in [
            "1",
            "tru",
            "\"a, ] } \\\" \\\\\"",
            "\"\\q \n\"",
            "[1, [2], {\"a\": [3, 4]}]",
            "{\"a\":}",
            "{\"a\" \"b\", ,}",
            "[{\"a\":1]",
            "[{}}, 1]",
            "{\"a\":[]], \"b\":1}",
            "}{}",
            "{]}",
            "",
        ] {
            for end in [",", "]"] {
                let text = format!("[{value}{end} \"next\"]");
                assert_eq!(
                    end_of_value(&text, 1, b']'),
                    Some(1 + value.len()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn an_unterminated_value_has_no_end() {
        for text in ["{\"a\":1", "\"a", "\"a\\", "\"a\\\"", "[", "1"] {
            assert_eq!(end_of_value(text, 0, b'}'), None, "{text}");
        }
    }

    #[test]
    fn hostile_nesting_takes_linear_time() {
        let text = format!("{}{}", "[".repeat(300_000), "}".repeat(300_000));
        assert_eq!(end_of_value(&text, 0, b']'), None);
    }
}
