//! A path of the discovery: from one URL over the redirects to the user resource, which demands a sign-in.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::Uri;
use skype_p2p::{
    Application, Credentials, HyperTransport, Root, ServerCertificate, SignInError,
    SignInErrorKind, TransportErrorKind,
};
use tokio::time::timeout;

use super::observed_transport::{Hop, ObservedTransport};
use crate::failure::Failure;

/// The name of a user who need not exist: no credentials are sent.
const NOBODY: &str = "discovery";

/// A path, and where it led.
pub(crate) struct Path {
    /// The URL where the path begins.
    pub(crate) start: String,
    pub(crate) hops: Vec<Hop>,
    /// The certificates of the hosts, by URL of the first hop there.
    pub(crate) certificates: BTreeMap<String, ServerCertificate>,
    pub(crate) end: PathEnd,
}

/// The end of a path.
pub(crate) enum PathEnd {
    /// The last hop is the user resource, which demands a sign-in.
    Challenge {
        /// The grants of the server's token service, or else the schemes of the challenges.
        grants: Vec<String>,
        /// Whether the server accepts tokens of another issuer.
        bearer: bool,
    },
    /// The sign-in would fail.
    Failed(Box<SignInError>),
    /// The time limit passed.
    TimedOut,
}

impl Path {
    /// Follows the links as a sign-in does, and ends it when the server demands credentials: the sign-in is one with tokens, and
    /// there is no token.
    ///
    /// # Errors
    ///
    /// If the application cannot be built.
    pub(crate) async fn follow(
        start: String,
        domain: &str,
        observed: Arc<ObservedTransport>,
        certificate_reader: &HyperTransport,
        trust: &[String],
        limit: Duration,
    ) -> Result<Self, Failure> {
        let token_wanted = Arc::new(AtomicBool::new(false));
        let wanted = Arc::clone(&token_wanted);
        let mut builder = Application::builder()
            .root(Root::Url(start.clone()))
            .transport(observed.clone())
            .on_token(move |_| {
                wanted.store(true, Ordering::Relaxed);
                async { None }
            });
        for suffix in trust {
            builder = builder.trust_suffix(suffix);
        }
        let application = builder
            .build()
            .map_err(|error| Failure::other(error.to_string()))?;
        let credentials = Credentials::bearer(format!("{NOBODY}@{domain}"));
        let sign_in = application.sign_in_manager().sign_in(credentials);
        let signed_in = timeout(limit, sign_in).await;
        let hops = observed.take_hops();
        let certificates = certificates(&hops, certificate_reader).await;
        let end = match signed_in {
            Err(_) => PathEnd::TimedOut,
            // A server that demands no credentials.
            Ok(Ok(())) => PathEnd::Challenge {
                grants: Vec::new(),
                bearer: false,
            },
            Ok(Err(_)) if token_wanted.load(Ordering::Relaxed) => PathEnd::Challenge {
                grants: hops.last().map(Hop::grants).unwrap_or_default(),
                bearer: true,
            },
            Ok(Err(error)) => match error.kind() {
                SignInErrorKind::GrantNotOffered { offered, .. } => PathEnd::Challenge {
                    grants: offered.clone(),
                    bearer: false,
                },
                _ => PathEnd::Failed(Box::new(error)),
            },
        };
        Ok(Self {
            start,
            hops,
            certificates,
            end,
        })
    }

    /// Whether a client that begins here can sign in, as far as that is known without credentials.
    pub(crate) fn is_found(&self) -> bool {
        matches!(self.end, PathEnd::Challenge { .. })
    }

    /// The host of the user resource, if a client can sign in there.
    pub(crate) fn user_host(&self) -> Option<String> {
        let user = self.hops.last().filter(|_| self.is_found())?;
        user.url.parse::<Uri>().ok()?.host().map(str::to_owned)
    }

    /// Why the discovery failed at this request, in the words of the library.
    pub(crate) fn note(&self, hop: &Hop) -> Option<&str> {
        let PathEnd::Failed(error) = &self.end else {
            return None;
        };
        let mut tried = error.details().tried.iter();
        tried.find_map(|it| it.strip_prefix(&hop.url)?.strip_prefix(": "))
    }
}

/// The certificates of the hosts that can be reached.
async fn certificates(
    hops: &[Hop],
    transport: &HyperTransport,
) -> BTreeMap<String, ServerCertificate> {
    let mut hosts = Vec::new();
    let mut certificates = BTreeMap::new();
    for hop in hops {
        let reached = match &hop.result {
            Ok(_) => true,
            Err(broken) => broken.kind == TransportErrorKind::Tls,
        };
        let Ok(uri) = hop.url.parse::<Uri>() else {
            continue;
        };
        let host = uri.authority().cloned();
        if !reached || uri.scheme_str() != Some("https") || hosts.contains(&host) {
            continue;
        }
        hosts.push(host);
        // The hop itself shows the reason if the host can no longer be reached.
        if let Ok(certificate) = transport.server_certificate(&uri).await {
            certificates.insert(hop.url.clone(), certificate);
        }
    }
    certificates
}
