//! Windows authentication: NTLM, directly or inside Negotiate. It authenticates a connection.

use std::{fmt, panic::AssertUnwindSafe, pin::pin};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use ring::digest;
use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialUse, Credentials,
    CredentialsBuffers, DataRepresentation, Negotiate, NegotiateConfig, NegotiatedProtocol, Ntlm,
    SecurityBuffer, Sspi, SspiImpl, Username, negotiate::ProtocolConfig,
};
use tracing::subscriber::NoSubscriber;

use super::{
    HyperTransport,
    challenge::challenges,
    connect::{Opened, Way},
    der,
    progress::Progress,
    target::{Target, prepare},
};
use crate::{Lane, Stage, TransportError, TransportErrorKind};

/// The Windows account of a transport, for servers that request Windows authentication.
#[derive(Clone)]
pub struct WindowsCredentials(AuthIdentity);

/// The name cannot be the name of a Windows account.
#[derive(Debug, thiserror::Error)]
#[error(
    "an account is a user and a domain without a backslash in either, or user@domain and no domain"
)]
#[non_exhaustive]
pub struct WindowsCredentialsError;

impl WindowsCredentials {
    /// The account `user` of `domain` (`CONTOSO`), or the user principal name `user` (`toshm@contoso.com`) if `domain` is empty.
    ///
    /// # Errors
    ///
    /// If these cannot be the name of an account.
    pub fn new(user: &str, domain: &str, password: &str) -> Result<Self, WindowsCredentialsError> {
        let username = Username::new(user, Some(domain)).map_err(|_| WindowsCredentialsError)?;
        if user.is_empty() {
            return Err(WindowsCredentialsError);
        }
        Ok(Self(AuthIdentity {
            username,
            password: password.to_owned().into(),
        }))
    }
}

/// Hides the account, which is a part of the credentials.
impl fmt::Debug for WindowsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowsCredentials").finish_non_exhaustive()
    }
}

/// The scheme of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ntlm,
    Negotiate,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::Negotiate => "Negotiate",
        }
    }

    /// The token that the server sent for the scheme, empty if it only offers the scheme, `None` if it does not offer it.
    ///
    /// A server may offer a scheme and send a token of it in the same response.
    fn offered(self, headers: &HeaderMap) -> Option<&str> {
        challenges(headers, &WWW_AUTHENTICATE)
            .filter(|challenge| challenge.scheme.eq_ignore_ascii_case(self.name()))
            .map(|challenge| challenge.token)
            .max_by_key(|token| !token.is_empty())
    }
}

/// A handshake on one connection.
pub(super) struct Handshake<'a> {
    credentials: &'a WindowsCredentials,
    binding: Option<Vec<u8>>,
    package: Package,
    /// The last token has been sent.
    answered: bool,
}

/// The generator of the tokens of a scheme, with the credentials in its form.
enum Package {
    Ntlm(Box<Ntlm>, Option<AuthIdentityBuffers>),
    /// SPNEGO (RFC 4178) with NTLM as the only mechanism.
    Negotiate(Box<Negotiate>, Option<CredentialsBuffers>),
}

impl Package {
    fn of(
        scheme: Scheme,
        credentials: &WindowsCredentials,
        binding: Option<&Vec<u8>>,
    ) -> sspi::Result<Self> {
        let bound = BoundNtlm(binding.cloned());
        Ok(match scheme {
            Scheme::Ntlm => {
                let mut ntlm = bound.ntlm();
                let handle = acquire(&mut ntlm, &credentials.0)?;
                Self::Ntlm(Box::new(ntlm), handle)
            }
            Scheme::Negotiate => {
                let only = Some("ntlm".to_owned());
                let config = NegotiateConfig::new(Box::new(bound), only, String::new());
                let mut negotiate = Negotiate::new_client(config)?;
                let identity = Credentials::AuthIdentity(credentials.0.clone());
                let handle = acquire(&mut negotiate, &identity)?;
                Self::Negotiate(Box::new(negotiate), handle)
            }
        })
    }

    fn scheme(&self) -> Scheme {
        match self {
            Self::Ntlm(..) => Scheme::Ntlm,
            Self::Negotiate(..) => Scheme::Negotiate,
        }
    }

    /// The next token, in response to the server's token. The first token responds to none.
    fn step(&mut self, token: Option<Vec<u8>>) -> sspi::Result<Vec<u8>> {
        match self {
            Self::Ntlm(ntlm, handle) => step(&mut **ntlm, handle, token),
            Self::Negotiate(negotiate, handle) => step(&mut **negotiate, handle, token),
        }
    }
}

fn acquire<P: Sspi + SspiImpl>(
    package: &mut P,
    identity: &P::AuthenticationData,
) -> sspi::Result<P::CredentialsHandle> {
    let acquired = package
        .acquire_credentials_handle()
        .with_credential_use(CredentialUse::Outbound)
        .with_auth_data(identity)
        .execute(package)?;
    Ok(acquired.credentials_handle)
}

fn step<P: Sspi + SspiImpl>(
    package: &mut P,
    handle: &mut P::CredentialsHandle,
    token: Option<Vec<u8>>,
) -> sspi::Result<Vec<u8>> {
    let mut input = token.map(|token| [SecurityBuffer::new(token, BufferType::Token)]);
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let mut builder = package
        .initialize_security_context()
        .with_credentials_handle(handle)
        .with_context_requirements(ClientRequestFlags::INTEGRITY)
        .with_target_data_representation(DataRepresentation::Native)
        .with_output(&mut output);
    if let Some(input) = &mut input {
        builder = builder.with_input(input);
    }
    package
        .initialize_security_context_impl(&mut builder)?
        .resolve_to_result()?;
    let [SecurityBuffer { buffer, .. }] = output;
    Ok(buffer)
}

/// NTLM, bound to the server's certificate if there is one.
#[derive(Debug, Clone)]
struct BoundNtlm(Option<Vec<u8>>);

impl BoundNtlm {
    fn ntlm(&self) -> Ntlm {
        let mut ntlm = Ntlm::new();
        if let Some(binding) = &self.0 {
            ntlm.set_channel_bindings(binding);
        }
        ntlm
    }
}

impl ProtocolConfig for BoundNtlm {
    fn new_instance(&self) -> sspi::Result<NegotiatedProtocol> {
        Ok(NegotiatedProtocol::Ntlm(self.ntlm()))
    }

    fn box_clone(&self) -> Box<dyn ProtocolConfig> {
        Box::new(self.clone())
    }
}

/// The reason why a handshake cannot continue.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("Windows authentication: {0}")]
    Refused(sspi::Error),
    #[error("Windows authentication: the server's token cannot be read")]
    Token,
}

impl<'a> Handshake<'a> {
    /// A handshake on a connection to a server with this certificate in DER. `None` means without TLS.
    pub(super) fn new(
        credentials: &'a WindowsCredentials,
        certificate: Option<&[u8]>,
    ) -> Result<Self, HandshakeError> {
        Self::with(credentials, certificate.and_then(binding), Scheme::Ntlm)
    }

    fn with(
        credentials: &'a WindowsCredentials,
        binding: Option<Vec<u8>>,
        scheme: Scheme,
    ) -> Result<Self, HandshakeError> {
        let package = quietly(|| Package::of(scheme, credentials, binding.as_ref()))?;
        Ok(Self {
            credentials,
            binding,
            package,
            answered: false,
        })
    }

    /// The first value of `Authorization`.
    pub(super) fn begin(&mut self) -> Result<HeaderValue, HandshakeError> {
        self.step(None)
    }

    /// The next value of `Authorization` after this response. `None` if the handshake is over and the caller gets the response: the
    /// server accepted or refused the credentials, or requests another kind of authentication.
    pub(super) fn go_on(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<HeaderValue>, HandshakeError> {
        if status != StatusCode::UNAUTHORIZED || self.answered {
            return Ok(None);
        }
        let scheme = self.package.scheme();
        match scheme.offered(headers) {
            Some(token) if !token.is_empty() => {
                let token = BASE64_STANDARD.decode(token);
                let token = token.map_err(|_| HandshakeError::Token)?;
                self.answered = true;
                self.step(Some(token)).map(Some)
            }
            _ if scheme == Scheme::Ntlm && Scheme::Negotiate.offered(headers).is_some() => {
                let binding = self.binding.take();
                *self = Self::with(self.credentials, binding, Scheme::Negotiate)?;
                self.begin().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn step(&mut self, token: Option<Vec<u8>>) -> Result<HeaderValue, HandshakeError> {
        let token = quietly(|| self.package.step(token))?;
        let scheme = self.package.scheme().name();
        let value = format!("{scheme} {}", BASE64_STANDARD.encode(token));
        let mut value = HeaderValue::try_from(value).map_err(|_| HandshakeError::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl HyperTransport {
    /// Performs a handshake and the exchange on a new connection, and closes the connection.
    ///
    /// Each step of the handshake sends the whole request, because a server that needs no authentication answers the first one.
    pub(super) async fn authenticated(
        &self,
        mut request: Request<Bytes>,
        lane: Lane,
        target: &Target,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, TransportError> {
        let unsupported = |detail| {
            TransportError::new(
                TransportErrorKind::Unsupported,
                Stage::Send,
                target.to_string(),
            )
            .never_sent()
            .with_detail(detail)
        };
        let Some(credentials) = &self.config.windows else {
            return Err(unsupported("no Windows credentials are configured"));
        };
        let hop = self.config.proxy.hop(target)?;
        if hop.is_some() && !target.https {
            return Err(unsupported(
                "a proxy shares its connections, and Windows authentication binds to one",
            ));
        }
        prepare(&mut request, target, hop)?;
        let way = Way { target, hop };
        let Opened {
            mut connection,
            certificate,
        } = self.connect(&way, progress).await?;
        let failed = |progress: &Progress, source: HandshakeError| {
            progress
                .error(TransportErrorKind::Protocol, target)
                .with_source(source)
        };
        let mut handshake = Handshake::new(credentials, certificate.as_deref())
            .map_err(|source| failed(progress, source))?;
        let mut authorization = handshake
            .begin()
            .map_err(|source| failed(progress, source))?;
        loop {
            let mut attempt = request.clone().map(Full::new);
            attempt.headers_mut().insert(AUTHORIZATION, authorization);
            progress.begin(&connection);
            let response = pin!(connection.sender.try_send_request(attempt));
            let response = connection.drive(response);
            let response = self
                .within(lane, progress, target, response)
                .await?
                .map_err(|refused| progress.failure(target, refused.into_error()))?;
            let response = self
                .whole(response, &mut connection, target, progress)
                .await?;
            let next = handshake.go_on(response.status(), response.headers());
            match next.map_err(|source| failed(progress, source))? {
                Some(next) => authorization = next,
                None => return Ok(response),
            }
        }
    }
}

/// Runs a step of sspi without a subscriber of tracing, because sspi logs tokens at the trace level. A token that sspi does not accept
/// is an error of the server.
fn quietly<T>(step: impl FnOnce() -> sspi::Result<T>) -> Result<T, HandshakeError> {
    let step = || tracing::subscriber::with_default(NoSubscriber::default(), step);
    match std::panic::catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(HandshakeError::Refused),
        Err(_) => Err(HandshakeError::Token),
    }
}

/// The channel binding `tls-server-end-point` (RFC 5929), which binds the handshake to the server of the connection.
fn binding(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match der::signature_hash(certificate)? {
        der::Hash::Sha256 => &digest::SHA256,
        der::Hash::Sha384 => &digest::SHA384,
        der::Hash::Sha512 => &digest::SHA512,
    };
    let mut binding = b"tls-server-end-point:".to_vec();
    binding.extend_from_slice(digest::digest(algorithm, certificate).as_ref());
    Some(binding)
}
