//! The names of fields, parameters, elements and headers whose values are secrets.
//!
//! A comparison of names ignores case and separators: `accessToken`, `Access-Token` and `access_token` are equal.

/// The kind of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// A password or a key: the client has it before the first request.
    Password,
    /// A token: a server grants it, and the client sends it back.
    Token,
}

/// Parts of names. A name that contains one of them is the name of a password.
const PASSWORDS: [&str; 8] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "credential",
    "privatekey",
];

/// Parts of names. A name that contains one of them is the name of a token.
const TOKENS: [&str; 16] = [
    "token",
    "assertion",
    "cookie",
    "bearer",
    "authorization",
    "apikey",
    "accesskey",
    "sessionid",
    "sessid",
    "sessionkey",
    "samlresponse",
    "samlrequest",
    "wresult",
    "authcode",
    "ciphervalue",
    "signaturevalue",
];

/// Complete names of passwords.
const WHOLE_PASSWORDS: [&str; 6] = ["pass", "pin", "otp", "passkey", "userinfo", "mfacode"];

/// Complete names of tokens.
const WHOLE_TOKENS: [&str; 16] = [
    "auth",
    "canary",
    "csrf",
    "flowctx",
    "jwt",
    "otc",
    "saml",
    "sft",
    "sid",
    "sig",
    "signature",
    "ticket",
    "webticket",
    "xauth",
    "xsrf",
    "viewstate",
];

/// Complete names of tokens in forms and queries. In other places these names are common words: UCWA has a `code` in its errors.
const WHOLE_PARAMETERS: [&str; 4] = ["code", "devicecode", "usercode", "samlart"];

/// Endings of names that describe a secret, such as `token_type`, `passwordExpires` and `token_endpoint`. Their values are not secret.
const DESCRIPTIVE_ENDINGS: [&str; 17] = [
    "type",
    "types",
    "endpoint",
    "url",
    "uri",
    "expires",
    "expiresin",
    "expireson",
    "expired",
    "lifetime",
    "length",
    "method",
    "methods",
    "policy",
    "hint",
    "issuer",
    "supported",
];

/// Names of fields whose values are kept in sign-in forms, in responses of token services, and in SOAP. All other values are dropped
/// there.
const PUBLIC: [&str; 63] = [
    "a",
    "action",
    "address",
    "appliesto",
    "audience",
    "authmethod",
    "clientid",
    "clientrequestid",
    "code",
    "codechallengemethod",
    "created",
    "culture",
    "detail",
    "display",
    "domain",
    "email",
    "error",
    "errorcode",
    "errorcodes",
    "errordescription",
    "errorsubcode",
    "errorreasons",
    "errorsuri",
    "erroruri",
    "expires",
    "expiresin",
    "expireson",
    "extexpiresin",
    "faultcode",
    "faultstring",
    "granttype",
    "href",
    "kmsi",
    "lc",
    "login",
    "loginfmt",
    "loginhint",
    "messageid",
    "msrtcconferenceuri",
    "msrtcidentityscope",
    "msrtcpassiveauthuri",
    "mkt",
    "notbefore",
    // A parameter of the SIP URI of a conference.
    "opaque",
    "prompt",
    "reason",
    "realm",
    "redirecturi",
    "relatesto",
    "requesttype",
    "resource",
    "responsemode",
    "responsetype",
    "scope",
    "subcode",
    "text",
    "timestamp",
    "tokentype",
    "to",
    "user",
    "username",
    "value",
    "wa",
];

/// Beginnings of names that SOAP uses for namespaces and schemas. Their values are kept.
const PUBLIC_PREFIXES: [&str; 3] = ["xmlns", "xsi", "mustunderstand"];

/// Returns a name in lower case and without separators.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Returns the kind of secret that a field with this name contains. `is_parameter` is true for fields of forms and queries.
pub(crate) fn secret(name: &str, is_parameter: bool) -> Option<Secret> {
    let name = plain(name);
    if name.is_empty() || DESCRIPTIVE_ENDINGS.iter().any(|end| name.ends_with(end)) {
        return None;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&PASSWORDS) || WHOLE_PASSWORDS.contains(&&*name) {
        return Some(Secret::Password);
    }
    let is_token = has(&TOKENS)
        || WHOLE_TOKENS.contains(&&*name)
        || (is_parameter && WHOLE_PARAMETERS.contains(&&*name));
    is_token.then_some(Secret::Token)
}

/// Whether the value of a field with this name is kept in a sign-in form, in a response of a token service, and in SOAP.
pub(crate) fn is_public(name: &str) -> bool {
    let name = plain(name);
    name.is_empty()
        || PUBLIC.contains(&&*name)
        || PUBLIC_PREFIXES.iter().any(|start| name.starts_with(start))
}

/// Whether this is the name of the field for the grant type. Every request for a token has such a field.
pub(crate) fn is_grant_type(name: &str) -> bool {
    plain(name) == "granttype"
}

/// Whether a form that has a field with this name is a sign-in form or a request for a token.
pub(crate) fn marks_sign_in(name: &str) -> bool {
    is_grant_type(name) || plain(name) == "wa" || secret(name, true).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        for name in [
            "password",
            "Password",
            "PASSWD",
            "old_password",
            "client-secret",
            "ice-pwd",
        ] {
            assert_eq!(secret(name, false), Some(Secret::Password), "{name}");
        }
        for name in [
            "access_token",
            "Access_Token",
            "accessToken",
            "X-Auth-Token",
            "x-ms-token",
            "id_token",
            "client_assertion",
            "wresult",
            "SAMLResponse",
            "__RequestVerificationToken",
            "sig",
            "saml:Assertion",
            "__VIEWSTATE",
            "ASP.NET_SessionId",
        ] {
            assert_eq!(secret(name, false), Some(Secret::Token), "{name}");
        }
        assert_eq!(secret("code", true), Some(Secret::Token));
    }

    #[test]
    fn names_that_describe_a_secret_and_names_of_ucwa_are_not_secret() {
        for name in [
            "token_type",
            "client_assertion_type",
            "tokenEndpoint",
            "passwordExpires",
            "expires_in",
            "code",
            "subcode",
            "operationId",
            "endpointId",
            "threadId",
            "sessionContext",
            "author",
            "message",
            "href",
            "name",
            "etag",
            "ack",
            "",
        ] {
            assert_eq!(secret(name, false), None, "{name}");
        }
    }

    #[test]
    fn sign_in_values_that_a_replay_needs_are_public() {
        for name in [
            "grant_type",
            "UserName",
            "ms_rtc_identityscope",
            "opaque",
            "error",
            "xmlns:wst",
        ] {
            assert!(is_public(name), "{name}");
        }
        for name in ["wctx", "Context", "state"] {
            assert!(!is_public(name), "{name}");
        }
    }
}
