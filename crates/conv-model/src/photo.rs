//! The photos of persons.

use std::fmt;

use crate::contact_list_request::ContactsRequest;
use crate::model::Step;
use crate::observable::command::CommandFuture;
use crate::person::Person;
use crate::reason::{Reason, ReasonCode};
use crate::request::Outcome;
use crate::sync::Arc;

/// A photo. Cloning copies no image. Debug output does not show the image.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Photo {
    /// The media type, usually `image/jpeg`.
    pub media_type: String,
    /// The bytes of the image.
    pub image: Arc<[u8]>,
    /// The version of the photo at the server.
    pub version: Option<String>,
}

impl Photo {
    /// A photo.
    pub fn new(
        media_type: impl Into<String>,
        image: impl Into<Arc<[u8]>>,
        version: Option<String>,
    ) -> Self {
        Self {
            media_type: media_type.into(),
            image: image.into(),
            version,
        }
    }
}

impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Photo({}, {} bytes)", self.media_type, self.image.len())
    }
}

/// The size of a photo in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PhotoSize {
    /// The height.
    pub height: u16,
    /// The width.
    pub width: u16,
}

impl PhotoSize {
    /// A photo of this height and width.
    #[must_use]
    pub const fn new(height: u16, width: u16) -> Self {
        Self { height, width }
    }
}

impl Person {
    /// Loads the photo, in a size or a smaller one; without a size, in the usual one of the server. Resolves with `None` if the
    /// person has no photo, or if the user may not see it. `known` is the result of an earlier call with the same size: if the
    /// photo has not changed, the server does not send it again, and this resolves with `known`.
    ///
    /// # Errors
    /// [`InvalidState`](ReasonCode::InvalidState) if the address of the person is not known yet. Otherwise the reason that the
    /// protocol reports.
    pub fn fetch_photo(
        &self,
        size: Option<PhotoSize>,
        known: Option<Photo>,
    ) -> CommandFuture<Option<Photo>> {
        self.node.fixed.model.command(|transaction| {
            let address = self.address(transaction).to_owned();
            if address.is_empty() && !self.node.fixed.is_me {
                return Err(Reason::new(ReasonCode::InvalidState)
                    .with_message("the address of the person is not known yet"));
            }
            let request = ContactsRequest::FetchPhoto {
                address,
                size,
                version: known.as_ref().and_then(|photo| photo.version.clone()),
            };
            Ok(Step::request_then(request, move |_, result| {
                Ok(match result? {
                    Outcome::Photo(photo) => photo,
                    Outcome::PhotoUnchanged => known.clone(),
                    _ => None,
                })
            }))
        })
    }
}
