//! Signing in and out.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use js_sys::{Function, Promise};
use send_wrapper::SendWrapper;
use skype_p2p::{BearerToken, Credentials, Root, SignInError, TokenQuestion};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::{application::Application, command, reason, value::Value};

/// The lifetime of a token of a page, which does not say how long it lives. A server refuses an expired token earlier, and
/// the page is then asked again.
const TOKEN_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

#[wasm_bindgen]
impl Application {
    /// Sets the URL where the discovery of the server starts.
    #[wasm_bindgen(js_name = setRoot)]
    pub fn set_root(&self, url: &str) {
        let root = Root::Url(url.to_owned());
        self.application.sign_in_manager().set_root(root);
    }

    /// Sets the URL of the user's home server, which an earlier sign-in found.
    #[wasm_bindgen(js_name = setHome)]
    pub fn set_home(&self, url: &str) {
        let root = Root::User(url.to_owned());
        self.application.sign_in_manager().set_root(root);
    }

    /// Sends all requests through cross-domain frames.
    #[wasm_bindgen(js_name = useFrames)]
    pub fn use_frames(&self) {
        self.transport.use_frames();
    }

    /// Sets the function that returns tokens: it is called with a host, and returns a text or a promise of one.
    #[wasm_bindgen(js_name = setTokenSource)]
    pub fn set_token_source(&self, source: Function) {
        self.tokens.set(source);
    }

    /// Signs in with a password. `userName` is the name to authenticate with, if it differs from the address.
    #[wasm_bindgen(js_name = signInWithPassword)]
    pub fn sign_in_with_password(
        &self,
        address: &str,
        password: &str,
        user_name: Option<String>,
    ) -> Promise {
        let credentials = Credentials::password(address, password);
        self.sign_in(match user_name {
            Some(name) => credentials.with_user_name(name),
            None => credentials,
        })
    }

    /// Signs in with the Windows account of the browser.
    #[wasm_bindgen(js_name = signInWithWindows)]
    pub fn sign_in_with_windows(&self, address: &str) -> Promise {
        self.sign_in(Credentials::windows(address))
    }

    /// Signs in with tokens of the token source.
    #[wasm_bindgen(js_name = signInWithTokens)]
    pub fn sign_in_with_tokens(&self, address: &str) -> Promise {
        self.sign_in(Credentials::bearer(address))
    }

    /// Signs in as a guest of a conference.
    #[wasm_bindgen(js_name = signInAsGuest)]
    pub fn sign_in_as_guest(&self, uri: &str, display_name: &str, key: Option<String>) -> Promise {
        self.sign_in(Credentials::meeting_guest(uri, display_name, key))
    }

    /// Signs in without credentials, by the token of the snapshot.
    #[wasm_bindgen(js_name = signInAgain)]
    pub fn sign_in_again(&self, address: &str) -> Promise {
        self.sign_in(Credentials::none(address))
    }

    /// Signs out.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self) -> Promise {
        let signed_out = self.application.sign_in_manager().sign_out();
        command::promise(command::map(Box::pin(signed_out), Value::from))
    }
}

impl Application {
    fn sign_in(&self, credentials: Credentials) -> Promise {
        let signed_in = self.application.sign_in_manager().sign_in(credentials);
        future_to_promise(async move {
            let result: Result<(), SignInError> = signed_in.await;
            result
                .map(|()| JsValue::UNDEFINED)
                .map_err(|error| reason::of_sign_in(&error).to_js())
        })
    }
}

/// The function of the page that returns tokens.
#[derive(Clone, Default)]
pub(crate) struct TokenSource(Arc<Mutex<Option<SendWrapper<Function>>>>);

impl TokenSource {
    fn set(&self, source: Function) {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *own = Some(SendWrapper::new(source));
    }

    /// The callback for the builder of an application.
    pub(crate) fn callback(
        &self,
    ) -> impl Fn(TokenQuestion) -> SendWrapper<TokenFuture> + Send + Sync + 'static {
        let source = self.clone();
        move |question| SendWrapper::new(Box::pin(source.clone().token(question.host)))
    }

    async fn token(self, host: String) -> Option<BearerToken> {
        let source = {
            let source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            source.as_ref()?.clone()
        };
        let answer = source.call1(&JsValue::NULL, &JsValue::from_str(&host));
        let token = JsFuture::from(Promise::resolve(&answer.ok()?)).await.ok()?;
        let token = token.as_string()?;
        // A page may give the value of the header instead of the token.
        let token = token.strip_prefix("Bearer ").unwrap_or(&token);
        Some(BearerToken::new(token, TOKEN_LIFETIME))
    }
}

type TokenFuture = std::pin::Pin<Box<dyn Future<Output = Option<BearerToken>>>>;

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}
