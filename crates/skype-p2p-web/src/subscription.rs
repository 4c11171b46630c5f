//! The registration of a listener, or the interest in a value on the server.

use wasm_bindgen::prelude::*;

/// A registration. Freeing the handle ends it; so does the collector of the page, for a handle that the page drops.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Subscription(
    #[expect(dead_code, reason = "dropping it ends the registration")] skype_p2p::Subscription,
);

impl From<skype_p2p::Subscription> for Subscription {
    fn from(subscription: skype_p2p::Subscription) -> Self {
        Self(subscription)
    }
}
