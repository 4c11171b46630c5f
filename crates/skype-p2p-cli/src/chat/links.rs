//! The addresses behind the links of an HTML message, which its text does not show.

/// The text of a message and the addresses that its links lead to, so that no link hides its target.
pub(crate) fn with_targets(text: &str, html: &str) -> String {
    let mut shown = text.to_owned();
    for target in targets(html) {
        if !shown.contains(&target) {
            shown.push_str("\n→ ");
            shown.push_str(&target);
        }
    }
    shown
}

/// The values of `href` in the tags of links.
fn targets(html: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (at, _) in html.match_indices('<') {
        let tag = html.get(at + 1..).unwrap_or_default();
        let Some(tag) = tag.strip_prefix(['a', 'A']) else {
            continue;
        };
        if !tag.starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        targets.extend(href(tag).map(decode).filter(|target| !target.is_empty()));
    }
    targets
}

/// The value of the attribute `href` at the beginning of this text, before the end of the tag.
fn href(mut tag: &str) -> Option<&str> {
    loop {
        tag = tag.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = tag.find(|c: char| c == '=' || c == '>' || c.is_ascii_whitespace())?;
        let (name, rest) = tag.split_at_checked(end)?;
        let rest = rest.trim_start();
        let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
            if rest.starts_with('>') {
                return None;
            }
            tag = rest;
            continue;
        };
        let (value, rest) = match value.strip_prefix(['"', '\'']) {
            Some(quoted) => {
                let quote = value.chars().next()?;
                quoted.split_once(quote)?
            }
            None => {
                let end = value.find(|c: char| c == '>' || c.is_ascii_whitespace())?;
                value.split_at_checked(end)?
            }
        };
        if name.eq_ignore_ascii_case("href") {
            return Some(value);
        }
        tag = rest;
    }
}

/// The value with the entities that addresses usually have.
fn decode(value: &str) -> String {
    value.trim().replace("&amp;", "&").replace("&quot;", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_link_is_shown_after_the_text() {
        let html = r#"<p>Go <A title="a>b" HREF='https://evil.example/?a=1&amp;b=2'>https://contoso.com</A></p>"#;
        assert_eq!(
            with_targets("Go https://contoso.com", html),
            "Go https://contoso.com\n→ https://evil.example/?a=1&b=2"
        );
    }

    #[test]
    fn a_target_that_the_text_has_is_not_repeated() {
        let html = "<a href=https://contoso.com>https://contoso.com</a><abbr href=x>y</abbr>";
        assert_eq!(
            with_targets("https://contoso.com y", html),
            "https://contoso.com y"
        );
    }

    #[test]
    fn broken_html_is_read_without_a_panic() {
        for html in [
            "<a",
            "<a ",
            "<a href",
            "<a href=",
            "<a href='x",
            "<a =x>",
            "<a b c>d",
            "<a é=é>",
        ] {
            assert_eq!(with_targets("text", html), "text");
        }
    }
}
