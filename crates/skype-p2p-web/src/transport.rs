//! The choice between the transports, which the options of a sign-in make.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Request, Response};

use crate::{fetch::Fetch, xframe::XFrame};

/// Sends each request with the chosen transport. An application sends no request before its sign-in.
#[derive(Debug, Default)]
pub(crate) struct ChosenTransport {
    frames: XFrame,
    uses_frames: AtomicBool,
}

impl ChosenTransport {
    pub(crate) fn use_frames(&self) {
        self.uses_frames.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl HttpTransport for ChosenTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if self.uses_frames.load(Ordering::Relaxed) {
            self.frames.send(request, options).await
        } else {
            Fetch.send(request, options).await
        }
    }
}
