//! Character and entity references of XML.

/// Resolves the references to characters and predefined entities in a text. Other text stays as it is.
pub(super) fn resolve(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        resolved.push_str(before);
        let name = after.split(['&', ';']).next().filter(|name| {
            after
                .get(name.len()..)
                .is_some_and(|end| end.starts_with(';'))
        });
        match name.and_then(|name| Some((character(name)?, after.get(name.len() + 1..)?))) {
            Some((c, after)) => {
                resolved.push(c);
                rest = after;
            }
            None => {
                resolved.push('&');
                rest = after;
            }
        }
    }
    resolved.push_str(rest);
    resolved
}

/// The character of a reference, which is given without ampersand and semicolon. U+FFFD for a number that is no
/// character. Control characters are allowed, since servers send them. `None` for an unknown entity, which is never
/// expanded, and for a malformed reference.
pub(super) fn character(name: &str) -> Option<char> {
    let digits = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let c = char::from_u32(number).filter(|&c| c != '\0');
    Some(c.unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn references_to_characters_and_predefined_entities_are_resolved() {
        for (text, resolved) in [
            ("", ""),
            ("&lt;&gt;&amp;&quot;&apos;", "<>&\"'"),
            ("a&#65;&#x42;&#x1F600;b", "aAB\u{1f600}b"),
            ("&amp;lt;", "&lt;"),
            ("&#1;&#x1f;", "\u{1}\u{1f}"),
        ] {
            assert_eq!(resolve(text), resolved, "{text}");
        }
    }

    #[test]
    fn a_reference_to_no_character_is_a_replacement_character() {
        for reference in [
            "&#0;",
            "&#x0;",
            "&#xD83D;",
            "&#xdfff;",
            "&#x110000;",
            "&#99999999999;",
        ] {
            assert_eq!(resolve(reference), "\u{fffd}", "{reference}");
        }
    }

    #[test]
    fn unknown_references_are_kept_as_text() {
        for text in [
            "&nbsp;", "&", "&;", "&#;", "&#x;", "&#-1;", "&#+1;", "&#X41;", "a & b; c", "&lt",
            "&AMP;",
        ] {
            assert_eq!(resolve(text), text);
        }
        assert_eq!(resolve("&&lt;&"), "&<&");
    }
}
