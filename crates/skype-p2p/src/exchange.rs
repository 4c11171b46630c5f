//! Conversion of HTTP exchanges between the types of the session and those of the transport.

use std::{error::Error, fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError, TransportErrorKind};
use ucwa_session::{ConnectionAuth, Lane, Sent, TransportFailure, TransportFailureKind};

/// Performs one exchange of the session on the transport.
pub(crate) async fn exchange(
    transport: Arc<dyn HttpTransport>,
    request: http::Request<Bytes>,
    lane: Lane,
    deadline: Duration,
    authentication: Option<ConnectionAuth>,
) -> Result<http::Response<Bytes>, TransportFailure> {
    let lane = match lane {
        Lane::Events => conv_transport::Lane::Events,
        Lane::Commands => conv_transport::Lane::Commands,
    };
    let mut options = SendOptions::new(lane, deadline);
    options.authentication =
        authentication.map(|ConnectionAuth::Windows| conv_transport::ConnectionAuth::Windows);
    transport
        .send(request, options)
        .await
        .map_err(|error| failure(&error))
}

/// The failure of an exchange whose transport panicked. The request may have been sent.
pub(crate) fn panicked() -> TransportFailure {
    TransportFailure::new(
        TransportFailureKind::Broken,
        "send",
        "",
        Sent::Maybe,
        "the transport panicked",
    )
}

fn failure(error: &TransportError) -> TransportFailure {
    let sent = match error.sent() {
        conv_transport::Sent::No => Sent::No,
        conv_transport::Sent::Maybe => Sent::Maybe,
    };
    TransportFailure::new(
        kind(error.kind()),
        stage(error.stage()),
        error.host(),
        sent,
        message(error),
    )
}

fn kind(kind: TransportErrorKind) -> TransportFailureKind {
    match kind {
        TransportErrorKind::Resolve | TransportErrorKind::Connect | TransportErrorKind::Proxy => {
            TransportFailureKind::Unreachable
        }
        TransportErrorKind::Tls => TransportFailureKind::Tls,
        TransportErrorKind::Timeout => TransportFailureKind::Timeout,
        TransportErrorKind::InvalidRequest
        | TransportErrorKind::BodyTooLarge
        | TransportErrorKind::Unsupported => TransportFailureKind::Refused,
        // Closed, Protocol, and kinds added later: there was a connection, and it broke.
        _ => TransportFailureKind::Broken,
    }
}

fn stage(stage: conv_transport::Stage) -> &'static str {
    match stage {
        conv_transport::Stage::Resolve => "resolve",
        conv_transport::Stage::Connect => "connect",
        conv_transport::Stage::Tls => "tls",
        conv_transport::Stage::Send => "send",
        conv_transport::Stage::Wait => "wait",
        conv_transport::Stage::Body => "body",
    }
}

/// The error with its causes, without stage and host, which have their own fields.
fn message(error: &TransportError) -> String {
    let mut message = error.kind().to_string();
    if let Some(detail) = error.detail() {
        let _ = write!(message, ": {detail}");
    }
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(message, ": {error}");
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_kind_stage_host_effect_and_causes() {
        let error = TransportError::new(
            TransportErrorKind::Connect,
            conv_transport::Stage::Connect,
            "pool:443",
        )
        .with_detail("tried 2 addresses")
        .with_source(std::io::Error::other("refused"));
        let expected = TransportFailure::new(
            TransportFailureKind::Unreachable,
            "connect",
            "pool:443",
            Sent::No,
            "cannot connect: tried 2 addresses: refused",
        );
        assert_eq!(failure(&error), expected);
    }

    #[test]
    fn a_failure_reports_whether_the_request_may_have_been_sent() {
        let error = TransportError::new(
            TransportErrorKind::Closed,
            conv_transport::Stage::Wait,
            "pool:443",
        );
        assert_eq!(failure(&error).sent, Sent::Maybe);
        assert_eq!(failure(&error.never_sent()).sent, Sent::No);
    }

    #[test]
    fn every_kind_has_its_counterpart() {
        use TransportErrorKind as Transport;
        use TransportFailureKind as Session;
        for (transport, session) in [
            (Transport::InvalidRequest, Session::Refused),
            (Transport::Resolve, Session::Unreachable),
            (Transport::Connect, Session::Unreachable),
            (Transport::Proxy, Session::Unreachable),
            (Transport::Tls, Session::Tls),
            (Transport::Timeout, Session::Timeout),
            (Transport::Closed, Session::Broken),
            (Transport::Protocol, Session::Broken),
            (Transport::BodyTooLarge, Session::Refused),
            (Transport::Unsupported, Session::Refused),
        ] {
            assert_eq!(kind(transport), session, "{transport:?}");
        }
    }
}
