//! The application of a session: the checkpoint and the password of the claim, opened, and the doubtful messages.

use std::{future::ready, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use skype_p2p::{Application, Checkpoint, Credentials, DoubtfulMessage as Doubtful, Events, Root};

use super::{End, FAILURE_PAUSE, Session, is_html};
use crate::{
    sealing::{Purpose, SealingError},
    store::{OperationId, Sealed},
    worker::fenced_transport::FencedTransport,
};

impl Session {
    /// Builds the application, which continues the checkpoint of the claim.
    pub(super) async fn build(&mut self) -> Result<(Application, Events, Credentials), End> {
        let claim = &self.claim;
        let (checkpoint, password) = match (self.open_checkpoint(), self.open_password()) {
            (Ok(checkpoint), Ok(password)) => (checkpoint, password),
            (Err(error), _) | (_, Err(error)) => {
                let identity = claim.lease.identity.0;
                tracing::error!(identity, %error, "the keys of this worker do not fit");
                return Err(End::Release(FAILURE_PAUSE));
            }
        };
        let credentials = match password {
            Some(password) => Credentials::password(&claim.sip_uri, password.expose_secret()),
            None => Credentials::none(&claim.sip_uri),
        };
        let config = &self.registration.shared.config;
        let transport = self.registration.shared.transport.clone();
        let transport = FencedTransport::new(transport, self.permit.clone(), self.password.clone());
        let permit = self.permit.clone();
        let mut builder = Application::builder()
            .root(claim.root.clone().map_or(Root::Domain, Root::Url))
            .endpoint_id(&claim.endpoint_id)
            .user_agent(&claim.user_agent)
            .transport(Arc::new(transport))
            .on_take_back(move || ready(permit.is_valid()));
        for domain in &config.trusted_domains {
            builder = builder.trust_suffix(domain);
        }
        if let Some(runtime) = &config.runtime {
            builder = builder.runtime(runtime.clone());
        }
        let (builder, lost) = match checkpoint {
            Some(mut checkpoint) => {
                let lost = self.add_doubtful(&mut checkpoint);
                (builder.resume(checkpoint), lost)
            }
            None => {
                let doubtful = claim.doubtful.iter();
                (builder, doubtful.map(|it| it.operation.clone()).collect())
            }
        };
        if !lost.is_empty() {
            let batch = self
                .builder
                .unknown(lost, &self.registration.shared.metrics);
            self.commit(batch).await?;
        }
        let (application, events) = builder.build_with_events().map_err(|error| {
            tracing::error!(%error, "no application");
            End::Release(FAILURE_PAUSE)
        })?;
        Ok((application, events, credentials))
    }

    /// Adds the messages that a former owner may have sent. Returns those whose results cannot be found out.
    fn add_doubtful(&mut self, checkpoint: &mut Checkpoint) -> Vec<OperationId> {
        let mut lost = Vec::new();
        for message in &self.claim.doubtful {
            let (id, peer) = (message.operation.as_str(), message.peer.as_str());
            let text = message.content.text.as_str();
            let mut doubtful = match is_html(&message.content) {
                true => Doubtful::html(id, peer, text),
                false => Doubtful::text(id, peer, text),
            };
            if let Some(href) = &message.href {
                doubtful = doubtful.with_remote_id(href);
            }
            match checkpoint.add_doubtful_message(doubtful) {
                true => self.builder.add_doubtful(&message.operation, peer),
                false => lost.push(message.operation.clone()),
            }
        }
        lost
    }

    fn open_checkpoint(&self) -> Result<Option<Checkpoint>, SealingError> {
        let Some(sealed) = &self.claim.checkpoint else {
            return Ok(None);
        };
        let opened = self.open(Purpose::Checkpoint, sealed)?;
        match Checkpoint::decode(opened.expose_secret()) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) => {
                let identity = self.claim.lease.identity.0;
                tracing::warn!(identity, %error, "the checkpoint cannot be continued");
                Ok(None)
            }
        }
    }

    fn open_password(&self) -> Result<Option<SecretString>, SealingError> {
        let sealed = self.claim.credential.as_ref();
        sealed
            .map(|it| self.open(Purpose::Credential, it))
            .transpose()
    }

    fn open(&self, purpose: Purpose, sealed: &Sealed) -> Result<SecretString, SealingError> {
        let keyring = &self.registration.shared.keyring;
        let opened = keyring.open(&self.claim.sip_uri, purpose, sealed)?;
        let text = std::str::from_utf8(opened.expose_secret());
        let text = text.map_err(|_| SealingError::NotAuthentic)?;
        Ok(SecretString::from(text))
    }
}
