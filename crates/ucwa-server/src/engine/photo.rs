//! The photos of users (`contactPhoto_ref`, `photo_ref`).

use std::time::Duration;

use http::StatusCode;
use http::header::{CACHE_CONTROL, ETAG, EXPIRES};

use super::Engine;
use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::reply::{Refusal, Reply, checksum, set};
use super::routes;

/// How long a client may cache a photo.
const GOOD_FOR: Duration = Duration::from_secs(3600);

impl Engine {
    /// The href of a user's photo. It exists for a user without a photo as well. Guests get only the URLs of photos at other servers.
    pub(super) fn photo_href(&self, id: ApplicationId, address: &str) -> Option<String> {
        let elsewhere = self.user_at(address)?.card.photo.clone();
        let is_guest = self.is_guest(&self.application(id).ok()?.address);
        elsewhere.or_else(|| (!is_guest).then(|| routes::contact_photo(id, address)))
    }

    /// GET contactPhoto. Checks the requested size and then serves the photo in its only size.
    pub(super) fn photo(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
        address: &str,
    ) -> Result<Reply, Refusal> {
        self.refuse_guest(&self.application(id)?.address)?;
        if exchange.query("size").is_some_and(|size| !is_size(size)) {
            return Err(Refusal::parameter("The size isn't of the form HR48X48."));
        }
        let user = self.user_at(address).ok_or(Refusal::NOT_FOUND)?;
        let photo = user.photo.as_ref().ok_or(Refusal::NOT_FOUND)?;
        let mut response =
            self.with_content(StatusCode::OK, &photo.media_type, photo.image.clone());
        set(
            &mut response,
            ETAG,
            &format!("\"{}\"", checksum(&photo.image)),
        );
        set(&mut response, CACHE_CONTROL, "private");
        let expires = httpdate::fmt_http_date(self.wall() + GOOD_FOR);
        set(&mut response, EXPIRES, &expires);
        Ok(Reply::Ready(response))
    }
}

/// Whether the text is a height and a width in pixels, such as `HR96X96`.
fn is_size(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let sides = lower
        .strip_prefix("hr")
        .and_then(|sides| sides.split_once('x'));
    sides.is_some_and(|(height, width)| {
        [height, width]
            .iter()
            .all(|side| side.parse::<u16>().is_ok_and(|side| side > 0))
    })
}
