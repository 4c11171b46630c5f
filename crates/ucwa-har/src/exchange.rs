//! The exchanges of a recording in the order of sending.

use bytes::Bytes;
use conv_transport::{Entry, Har, HarBodyError, HarError, Lane};
use http::Uri;
use jiff::Timestamp;

/// An entry of a recording.
#[derive(Clone, Copy)]
pub struct Exchange<'h> {
    /// The number of the entry in the file, counted from 1.
    pub number: usize,
    /// The entry.
    pub entry: &'h Entry,
}

/// Hides the contents of the messages.
impl std::fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Exchange<'_> {
    /// The bodies of the request and of the response, decoded.
    ///
    /// # Errors
    ///
    /// [`HarError::Entry`] if a body cannot be decoded.
    pub fn bodies(&self) -> Result<[Bytes; 2], HarError> {
        let failed = |member| {
            move |error: HarBodyError| HarError::Entry {
                number: self.number,
                member,
                reason: error.to_string(),
            }
        };
        let request = self.entry.request.body();
        let response = self.entry.response.body();
        Ok([
            request.map_err(failed("request.postData"))?,
            response.map_err(failed("response.content"))?,
        ])
    }

    /// The path of the request with its query.
    #[must_use]
    pub fn path(&self) -> String {
        path_and_query(&self.entry.request.url)
    }

    /// `events` or `commands`, or `-` in files of programs that do not record the lane.
    #[must_use]
    pub fn lane(&self) -> &'static str {
        match self.entry.lane {
            Some(Lane::Events) => "events",
            Some(Lane::Commands) => "commands",
            None => "-",
        }
    }

    /// The status of the response, or the reason why there is none.
    #[must_use]
    pub fn status(&self) -> String {
        match (&self.entry.error, self.entry.response.status) {
            (Some(error), _) => error.kind.to_string(),
            (None, 0) if self.entry.aborted => "aborted".to_owned(),
            (None, 0) => "no response".to_owned(),
            (None, status) => status.to_string(),
        }
    }

    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.entry.started_date_time.parse().ok()
    }
}

/// The exchanges in the order of sending. Files of other programs are ordered by their dates.
#[must_use]
pub fn exchanges(har: &Har) -> Vec<Exchange<'_>> {
    let entries = har.log.entries.iter().enumerate();
    let mut exchanges: Vec<Exchange<'_>> = entries
        .map(|(index, entry)| Exchange {
            number: index + 1,
            entry,
        })
        .collect();
    if exchanges.iter().all(|it| it.entry.sent.is_some()) {
        exchanges.sort_by_key(|it| it.entry.sent);
    } else {
        exchanges.sort_by_key(Exchange::started);
    }
    exchanges
}

/// The path of a URL or of a reference, with its query.
pub(crate) fn path_and_query(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(uri) => uri
            .path_and_query()
            .map_or("/", |it| it.as_str())
            .to_owned(),
        Err(_) => url.to_owned(),
    }
}
