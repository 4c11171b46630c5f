//! Parses the parameters in the value of a header, such as the charset and the boundary of a content type.

use super::parameters::decoded;
use crate::redact::names;

/// Returns a parameter of a content type, such as `boundary` or `charset`.
pub(crate) fn type_parameter(content_type: &str, wanted: &str) -> Option<String> {
    let mut all = quoted_parameters(content_type).into_iter();
    let found = all.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value)
}

/// Returns the name of the form field with this `Content-Disposition`. Empty if the header has no name.
///
/// The name may be in `name`, in the extended `name*` (RFC 8187), or in pieces (`name*0`, `name*1*`; RFC 2231). Readers disagree on
/// the precedence, so the name of a secret takes precedence here.
pub(super) fn field_name(disposition: &str) -> String {
    let mut found = Vec::new();
    for parameters in [
        quoted_parameters(disposition),
        split_parameters(disposition),
    ] {
        let mut extended = String::new();
        for (name, value) in &parameters {
            match name.strip_prefix("name") {
                Some("") => found.extend([value.clone(), decoded(value, false)]),
                Some(rest) if rest.starts_with('*') => extended += &piece(rest, value),
                _ => {}
            }
        }
        found.push(extended);
    }
    found.retain(|name| !name.is_empty());
    let secret = found.iter().position(|name| names::marks_sign_in(name));
    found
        .into_iter()
        .nth(secret.unwrap_or(0))
        .unwrap_or_default()
}

/// Decodes the value of an extended parameter, such as `UTF-8'en'p%61ss`.
fn piece(rest: &str, value: &str) -> String {
    if !rest.ends_with('*') {
        return value.to_owned();
    }
    let encoded = value.splitn(3, '\'').nth(2).unwrap_or(value);
    decoded(encoded, false)
}

/// Returns the parameters, with their names in lower case and their values without quotes and escapes (RFC 9110, 5.6.6).
fn quoted_parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut current = String::new();
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in header.chars() {
        match c {
            _ if is_escaped => {
                current.push(c);
                is_escaped = false;
            }
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => parameters.push(std::mem::take(&mut current)),
            _ => current.push(c),
        }
    }
    parameters.push(current);
    parameters
        .iter()
        .skip(1)
        .filter_map(|it| pair(it))
        .collect()
}

/// Returns the parameters as a reader finds them that does not support quoted strings.
fn split_parameters(header: &str) -> Vec<(String, String)> {
    header.split(';').skip(1).filter_map(pair).collect()
}

fn pair(parameter: &str) -> Option<(String, String)> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim().trim_matches('"');
    Some((name.trim().to_ascii_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_a_type_is_read_with_and_without_quotes() {
        for content_type in [
            "multipart/mixed; boundary=a.b",
            "multipart/mixed;Boundary = \"a.b\" ; x=y",
            r#"multipart/mixed; x="; boundary=z"; boundary="a\.b""#,
        ] {
            let boundary = type_parameter(content_type, "boundary");
            assert_eq!(boundary.as_deref(), Some("a.b"), "{content_type}");
        }
        assert_eq!(type_parameter("boundary=a", "boundary"), None);
    }

    #[test]
    fn the_name_of_a_field_is_read_in_every_form() {
        for (disposition, name) in [
            ("form-data; name=subject", "subject"),
            (r#"form-data; name="a;b\"c""#, "a;b\"c"),
            ("form-data; name*=UTF-8''p%61ssword", "password"),
            ("form-data; name*=iso-8859-1'de'sch%e4rfe", "sch\u{e4}rfe"),
            (
                "form-data; name=x; name*=utf-8''pass%77ord; filename=y",
                "password",
            ),
            ("form-data; name=password; name*=utf-8''x", "password"),
            ("form-data; name*0=pass; name*1*=w%6Frd", "password"),
            (r#"form-data; name="p%61ssword""#, "password"),
            (
                r#"form-data; filename="C:\a\"; name="password""#,
                "password",
            ),
            ("form-data; filename=password", ""),
            ("form-data", ""),
        ] {
            assert_eq!(field_name(disposition), name, "{disposition}");
        }
    }
}
