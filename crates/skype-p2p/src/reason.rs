//! The table that maps the session's failures to the model's reasons.

use conv_model::{ErrorDetails, Reason, ReasonCode};
use ucwa_session::{Failure, FailureKind};

/// The reason for a failure. Its details have everything that the server reported.
pub(crate) fn reason(failure: &Failure) -> Reason {
    let reason = Reason::new(code(failure))
        .with_details(details(failure))
        .with_protocol_error(failure.clone());
    match failure.kind() {
        FailureKind::GrantNotOffered { offered, .. } => reason.with_message(format!(
            "the server offers no usable grant, only {}",
            offered.join(", ")
        )),
        FailureKind::InvalidCredentials => match failure.message() {
            Some(message) => reason.with_message(message.to_owned()),
            None => reason.with_message("the user name or the password was refused"),
        },
        FailureKind::Untrusted | FailureKind::PlainHttp | FailureKind::NoCredentials => {
            reason.with_message(failure.kind().to_string())
        }
        FailureKind::HomedOnline => {
            reason.with_message("the user is homed at the retired online service")
        }
        FailureKind::Unreachable { tried, .. } => reason.with_message(format!(
            "no server could be reached; tried {}",
            tried.join("; ")
        )),
        FailureKind::UnexpectedAnswer => {
            reason.with_message("the response is not from a UCWA server")
        }
        FailureKind::Transport => reason.with_message("the connection failed"),
        FailureKind::Ended => reason.with_message("the conversation was ended"),
        FailureKind::NotSupported => match failure.message() {
            Some(message) => reason.with_message(message.to_owned()),
            None => reason,
        },
        FailureKind::Shutdown => reason.with_message("the application was shut down"),
        FailureKind::Detached => reason.with_message("the application was detached"),
        // The code is enough, or the server sent a message.
        _ => reason,
    }
}

fn code(failure: &Failure) -> ReasonCode {
    match failure.kind() {
        FailureKind::InvalidArgument => ReasonCode::InvalidArgument,
        FailureKind::NotSignedIn | FailureKind::Shutdown | FailureKind::Detached => {
            ReasonCode::SignedOut
        }
        FailureKind::WrongState => ReasonCode::InvalidState,
        FailureKind::NotSupported => ReasonCode::NotSupported,
        FailureKind::InvalidCredentials
        | FailureKind::NoCredentials
        | FailureKind::GrantNotOffered { .. }
        | FailureKind::Untrusted
        | FailureKind::PlainHttp
        | FailureKind::HomedOnline => ReasonCode::SignInFailed,
        FailureKind::Unreachable { .. } => ReasonCode::Unreachable,
        FailureKind::RequestFailed if failure.status() == Some(429) => ReasonCode::Throttled,
        FailureKind::Transport | FailureKind::UnexpectedAnswer | FailureKind::RequestFailed => {
            ReasonCode::RequestFailed
        }
        FailureKind::Remote => disconnection(failure.code(), failure.subcode()),
        FailureKind::Partial => ReasonCode::Partial,
        FailureKind::Timeout => ReasonCode::Timeout,
        FailureKind::DeliveryUnknown => ReasonCode::DeliveryUnknown,
        FailureKind::Ended => ReasonCode::Terminated,
        FailureKind::Gone => ReasonCode::Gone,
        FailureKind::ConnectionLost => ReasonCode::ConnectionLost,
        _ => ReasonCode::Failed,
    }
}

/// The Web SDK's `CallDisconnectionReason` for a code and subcode of UCWA (`ErrorSubcode_ref`). Some names occur in either
/// field (`GenericSynchronousErrors`). The subcode is the more specific one and is tried first.
fn disconnection(code: Option<&str>, subcode: Option<&str>) -> ReasonCode {
    subcode
        .and_then(named)
        .or_else(|| code.and_then(named))
        .unwrap_or(ReasonCode::Failed)
}

fn named(name: &str) -> Option<ReasonCode> {
    Some(match name {
        "Declined" | "Denied" | "NotAllowed" | "NotAcceptable" | "AttendeeNotAllowed" => {
            ReasonCode::Refused
        }
        "Busy" | "DoNotDisturb" | "RepliedWithOtherModality" => ReasonCode::Busy,
        "Timeout" | "Missed" | "Expired" => ReasonCode::Missed,
        "Canceled"
        | "Ended"
        | "ConversationNotFound"
        | "CallTerminated"
        | "Removed"
        | "Ejected"
        | "Replaced"
        | "ConnectedElsewhere"
        | "Forwarded"
        | "Transferred" => ReasonCode::Terminated,
        "TooManyParticipants"
        | "TooManyConversations"
        | "TooManyLobbyParticipants"
        | "LimitExceeded" => ReasonCode::FullSession,
        "Unreachable"
        | "TemporarilyUnavailable"
        | "Unavailable"
        | "CallbackUriUnreachable"
        | "MediaFailure" => ReasonCode::Dropped,
        "DialoutNotAllowed" => ReasonCode::ForbiddenNumber,
        "DestinationNotFound"
        | "NormalizationFailed"
        | "EscalationFailed"
        | "ModalityNotSupported"
        | "FederationRequired"
        | "AnonymousNotAllowed"
        | "ThreadIdAlreadyExists" => ReasonCode::Failed,
        _ => return None,
    })
}

/// The details of a failure. They have everything that the server reported.
pub(crate) fn details(failure: &Failure) -> ErrorDetails {
    let mut details = ErrorDetails::default();
    details.code = failure.code().map(str::to_owned);
    details.subcode = failure.subcode().map(str::to_owned);
    details.message = failure.message().map(str::to_owned);
    details.status = failure.status();
    details.attempts = failure.attempts();
    details.stage = Some(failure.stage().as_str().to_owned());
    details.host = failure.host().map(str::to_owned);
    details.operation_id = failure.operation_id().map(str::to_owned);
    details.correlation_id = failure.correlation_id().map(str::to_owned);
    details.diagnostics = failure.diagnostics().map(str::to_owned);
    details.tried = failure.tried().to_vec();
    details.failed_participants = failure.failed_participants().to_vec();
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subcodes_map_to_disconnection_reasons() {
        let table: [(ReasonCode, &[&str]); 7] = [
            (
                ReasonCode::Refused,
                &[
                    "Declined",
                    "Denied",
                    "NotAllowed",
                    "NotAcceptable",
                    "AttendeeNotAllowed",
                ],
            ),
            (
                ReasonCode::Busy,
                &["Busy", "DoNotDisturb", "RepliedWithOtherModality"],
            ),
            (ReasonCode::Missed, &["Timeout", "Missed", "Expired"]),
            (
                ReasonCode::Terminated,
                &[
                    "Canceled",
                    "Ended",
                    "ConversationNotFound",
                    "CallTerminated",
                    "Removed",
                    "Ejected",
                    "Replaced",
                    "ConnectedElsewhere",
                    "Forwarded",
                    "Transferred",
                ],
            ),
            (
                ReasonCode::FullSession,
                &[
                    "TooManyParticipants",
                    "TooManyConversations",
                    "TooManyLobbyParticipants",
                    "LimitExceeded",
                ],
            ),
            (
                ReasonCode::Dropped,
                &[
                    "Unreachable",
                    "TemporarilyUnavailable",
                    "Unavailable",
                    "CallbackUriUnreachable",
                    "MediaFailure",
                ],
            ),
            (
                ReasonCode::Failed,
                &[
                    "DestinationNotFound",
                    "NormalizationFailed",
                    "EscalationFailed",
                    "ModalityNotSupported",
                    "FederationRequired",
                    "AnonymousNotAllowed",
                    "ThreadIdAlreadyExists",
                    "SomethingNew",
                ],
            ),
        ];
        let dialout: (ReasonCode, &[&str]) = (ReasonCode::ForbiddenNumber, &["DialoutNotAllowed"]);
        for (expected, subcodes) in table.into_iter().chain([dialout]) {
            for subcode in subcodes {
                let found = disconnection(Some("RemoteFailure"), Some(subcode));
                assert_eq!(found, expected, "{subcode}");
            }
        }
    }

    #[test]
    fn a_name_is_found_in_either_field_and_the_subcode_takes_precedence() {
        assert_eq!(disconnection(Some("Timeout"), None), ReasonCode::Missed);
        assert_eq!(
            disconnection(Some("Timeout"), Some("Busy")),
            ReasonCode::Busy
        );
        assert_eq!(
            disconnection(Some("Timeout"), Some("SomethingNew")),
            ReasonCode::Missed
        );
        assert_eq!(disconnection(None, None), ReasonCode::Failed);
    }
}
