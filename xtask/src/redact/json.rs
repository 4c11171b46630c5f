//! Changing strings in JSON, and nothing else of it.

use serde::de::IgnoredAny;

/// Gives each string value to `edit`, with the name of the member that it is the value of, or one of the values of, and puts what that
/// returns in its place. All other bytes stay.
pub(super) fn rewrite(
    text: &str,
    mut edit: impl FnMut(&str, &str) -> Option<String>,
) -> Result<String, serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text)?;
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    // The member that is being read, and those around it.
    let mut member = String::new();
    let mut around = Vec::new();
    while let Some(at) = rest.find(['"', '{', '[', '}', ']']) {
        let (before, found) = rest.split_at(at);
        result.push_str(before);
        if !found.starts_with('"') {
            let (bracket, after) = found.split_at(1);
            match bracket {
                "{" | "[" => around.push(member.clone()),
                _ => member = around.pop().unwrap_or_default(),
            }
            result.push_str(bracket);
            rest = after;
            continue;
        }
        let (token, after) = found.split_at(length_of_string(found));
        let value: String = serde_json::from_str(token)?;
        if after.trim_start().starts_with(':') {
            member = value;
            result.push_str(token);
        } else {
            match edit(&member, &value) {
                Some(edited) => result.push_str(&serde_json::to_string(&edited)?),
                None => result.push_str(token),
            }
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// Of the string that `text` begins with, in bytes, its quotes included.
fn length_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_changed_by_the_member_that_they_belong_to() {
        let text = r#" {"name" : "Le\"ne", "x":["name", {"name":"\u004cene"}, "é"], "o":{"a":1}, "name":["Tosh"],"n":null}"#;
        let mut seen = Vec::new();
        let edited = rewrite(text, |member, value| {
            seen.push(format!("{member}={value}"));
            (member == "name").then(|| "a \"b\"".to_owned())
        });
        assert_eq!(
            edited.unwrap(),
            r#" {"name" : "a \"b\"", "x":["name", {"name":"a \"b\""}, "é"], "o":{"a":1}, "name":["a \"b\""],"n":null}"#
        );
        assert_eq!(
            seen,
            ["name=Le\"ne", "x=name", "name=Lene", "x=é", "name=Tosh"]
        );
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for text in ["", "{\"a\":", "{\"a\":\"b}", "Hi \"Lene\""] {
            rewrite(text, |_, _| None).unwrap_err();
        }
    }
}
