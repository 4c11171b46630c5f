//! What came of a request: each answer is read in one way, whoever asked.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use ucwa_proto::Resource;

use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, Stage};
use crate::io::Sent;

/// What came of a request that changes something at the server.
pub(crate) enum Effect {
    /// The server did it.
    Done(Response<Bytes>),
    /// What it was addressed to does not exist any more.
    Gone(Failure),
    /// It had no effect: the server refused it, or it never got there.
    Refused(Failure),
    /// It may have had its effect: the answer was lost, or the server, or something before it, failed after it may have
    /// begun.
    Unclear(Failure),
}

impl Effect {
    /// For those who only want to know whether it was done.
    pub(crate) fn done(self) -> Result<(), Failure> {
        match self {
            Self::Done(_) => Ok(()),
            Self::Gone(failure) | Self::Refused(failure) | Self::Unclear(failure) => Err(failure),
        }
    }
}

impl Core {
    /// What came of a request that changes something.
    pub(crate) fn effect(
        &self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) -> Effect {
        match result {
            Ok(response) if response.status().is_success() => Effect::Done(response),
            Ok(response) => {
                let failure = self.refusal(exchange, &response);
                match response.status() {
                    StatusCode::NOT_FOUND | StatusCode::GONE => Effect::Gone(failure),
                    status if status.is_server_error() => Effect::Unclear(failure),
                    _ => Effect::Refused(failure),
                }
            }
            Err(failure) if may_have_been_sent(&failure) => Effect::Unclear(failure),
            Err(failure) => Effect::Refused(failure),
        }
    }

    /// The resource that was asked for.
    pub(crate) fn fetched(
        &self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) -> Result<Resource<'static>, Failure> {
        let response = result?;
        Ok(self.resource(exchange, &response)?.into_owned())
    }
}

/// The address that the answer to a POST names.
pub(crate) fn location(response: &Response<Bytes>) -> Option<&str> {
    response.headers().get(header::LOCATION)?.to_str().ok()
}

/// Whether a request that failed may have had its effect. One that failed for want of a token had none.
fn may_have_been_sent(failure: &Failure) -> bool {
    failure.stage() != Stage::Authentication
        && failure
            .transport_failure()
            .is_some_and(|transport| transport.sent == Sent::Maybe)
}
