//! Reads response bodies within their limits, and removes their content codings.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use crate::coding::{Coding, MOST_CODINGS};

/// The reason why a body cannot be returned.
pub(super) enum BodyError {
    TooLarge,
    Silent,
    Broken(hyper::Error),
    Coding(io::Error),
    UnknownCoding(String),
}

/// Reads a body of at most `limit` bytes. `silence` is the longest time between two parts of the body.
pub(super) async fn collect(
    mut body: Incoming,
    limit: usize,
    silence: Duration,
) -> Result<Bytes, BodyError> {
    let stated = body.size_hint().lower();
    if stated > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut collected = BytesMut::new();
    while let Some(frame) = timeout(silence, body.frame())
        .await
        .map_err(|_| BodyError::Silent)?
    {
        if let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() {
            if data.len() > limit - collected.len() {
                return Err(BodyError::TooLarge);
            }
            collected.extend_from_slice(&data);
        }
    }
    Ok(collected.freeze())
}

/// Removes the content codings of a response, the last one first.
pub(super) fn decode(response: &mut Response<Bytes>, limit: usize) -> Result<(), BodyError> {
    if !response.headers().contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    // A response to HEAD and a 304 have no body, but may name a coding.
    if !response.body().is_empty() {
        let values = response.headers().get_all(CONTENT_ENCODING).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let names = values.iter().flat_map(|value| value.split(','));
        let names = names.map(str::trim);
        let names: Vec<_> = names
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
            .collect();
        if names.len() > MOST_CODINGS {
            let message = format!("the body has more than {MOST_CODINGS} content codings");
            return Err(BodyError::UnknownCoding(message));
        }
        let mut body = response.body().clone();
        for name in names.iter().rev() {
            let coding = Coding::named(name).ok_or_else(|| {
                let message = format!("the content coding {name:?} is not supported");
                BodyError::UnknownCoding(message)
            })?;
            let decoded = coding.decode(&body, limit).map_err(BodyError::Coding)?;
            body = decoded.ok_or(BodyError::TooLarge)?.into();
        }
        *response.body_mut() = body;
    }
    response.headers_mut().remove(CONTENT_ENCODING);
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(())
}
