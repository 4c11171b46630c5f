//! The reasons for failures, as plain data: code, text, cause, and the response of the server.

use skype_p2p::{Reason, ReasonCode, SignInError, SignInErrorKind};

use crate::value::Value;

/// The reason for a state. `Undefined` if there is none.
pub(crate) fn optional(reason: Option<&Reason>) -> Value {
    reason.map_or(Value::Undefined, of)
}

/// The members `code`, `message`, `reason` (the cause) and `response`.
pub(crate) fn of(reason: &Reason) -> Value {
    let details = reason.details();
    let message = reason
        .message()
        .map(str::to_owned)
        .or_else(|| details.and_then(|details| details.message.clone()));
    record(
        reason.code().as_str(),
        message.unwrap_or_else(|| reason.to_string()),
        reason.cause().map(of),
        details,
    )
}

/// The members of the error of a sign-in. Its code is the name of its kind.
pub(crate) fn of_sign_in(error: &SignInError) -> Value {
    let kind = match error.kind() {
        SignInErrorKind::InvalidArgument => "InvalidArgument",
        SignInErrorKind::Spent => "Spent",
        SignInErrorKind::InvalidCredentials => "InvalidCredentials",
        SignInErrorKind::NoCredentials => "NoCredentials",
        SignInErrorKind::GrantNotOffered { .. } => "GrantNotOffered",
        SignInErrorKind::Untrusted => "Untrusted",
        SignInErrorKind::PlainHttp => "PlainHttp",
        SignInErrorKind::HomedOnline => "HomedOnline",
        SignInErrorKind::Unreachable { .. } => "Unreachable",
        SignInErrorKind::UnexpectedAnswer => "UnexpectedAnswer",
        SignInErrorKind::Interrupted => "Interrupted",
        SignInErrorKind::Cancelled => "Cancelled",
        _ => "Refused",
    };
    record(kind, error.to_string(), None, Some(error.details()))
}

fn record(
    code: &str,
    message: String,
    cause: Option<Value>,
    details: Option<&skype_p2p::ErrorDetails>,
) -> Value {
    let mut members = vec![("code", code.into()), ("message", message.into())];
    if let Some(cause) = cause {
        members.push(("reason", cause));
    }
    if let Some(details) = details {
        let response = Value::Record(vec![
            ("status", details.status.into()),
            ("code", details.code.clone().into()),
            ("subcode", details.subcode.clone().into()),
        ]);
        members.push(("response", response));
        members.push(("stage", details.stage.clone().into()));
        members.push(("host", details.host.clone().into()));
        members.push(("diagnostics", details.diagnostics.clone().into()));
        members.push(("correlationId", details.correlation_id.clone().into()));
    }
    Value::Record(members)
}

pub(crate) fn not_supported(message: &'static str) -> Reason {
    Reason::new(ReasonCode::NotSupported).with_message(message)
}

pub(crate) fn invalid(message: &'static str) -> Reason {
    Reason::new(ReasonCode::InvalidArgument).with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
        let Value::Record(members) = value else {
            return None;
        };
        members
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, it)| it)
    }

    #[test]
    fn a_reason_has_its_code_its_cause_and_the_response_of_the_server() {
        let mut details = skype_p2p_details();
        details.status = Some(409);
        details.subcode = Some("Exists".to_owned());
        let cause = Reason::new(ReasonCode::RequestFailed).with_details(details);
        let value = of(&Reason::new(ReasonCode::CommandDisabled).with_cause(cause));
        assert!(member(&value, "code") == Some(&"CommandDisabled".into()));
        let cause = member(&value, "reason").unwrap();
        assert!(member(cause, "code") == Some(&"RequestFailed".into()));
        let response = member(cause, "response").unwrap();
        assert!(member(response, "status") == Some(&Value::Number(409.0)));
        assert!(member(response, "subcode") == Some(&"Exists".into()));
    }

    fn skype_p2p_details() -> skype_p2p::ErrorDetails {
        skype_p2p::ErrorDetails::default()
    }
}
