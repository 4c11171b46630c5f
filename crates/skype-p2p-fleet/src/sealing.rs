//! The encryption of credentials and checkpoints, with keys that only the workers have.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Prk, Salt},
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::store::Sealed;

/// The length of a key, in bytes.
const KEY_LENGTH: usize = 32;

/// The longest ID of a key, in bytes. Its length is stored in one byte.
const LONGEST_ID: usize = 64;

/// The version of the sealed form.
const VERSION: u8 = 1;

/// The keys that seal the credentials and the checkpoints of a fleet. `Debug` shows the IDs of the keys.
///
/// The first key seals. The others open what was sealed before the first one was added, so keys can be replaced: add a new
/// key to every worker, make it the first one, call [`reseal`](crate::reseal), and remove the old one.
///
/// Each identity and each [`Purpose`] has a key of its own, which is derived by HKDF-SHA256, and its name is the associated data
/// of ChaCha20-Poly1305. A sealed value that was copied to another row is therefore not accepted.
///
/// ```
/// use secrecy::{ExposeSecret as _, SecretString};
/// use skype_p2p_fleet::{Keyring, Purpose};
///
/// // Such as from `openssl rand -base64 32`.
/// let keys = SecretString::from("2026-11 q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=");
/// let keyring = Keyring::parse(&keys)?;
/// let sealed = keyring.seal("sip:alerts@contoso.com", Purpose::Credential, b"password")?;
/// let opened = keyring.open("sip:alerts@contoso.com", Purpose::Credential, &sealed)?;
/// assert_eq!(opened.expose_secret(), b"password");
/// assert!(keyring.open("sip:other@contoso.com", Purpose::Credential, &sealed).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keyring {
    keys: Vec<Key>,
    random: SystemRandom,
}

struct Key {
    id: String,
    secret: Prk,
}

/// The use of a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The password of an identity.
    Credential,
    /// The checkpoint of a session, which contains a token and cookies.
    Checkpoint,
}

/// The reason why a keyring cannot be read, or a value cannot be sealed or opened. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// A line of the keyring is not an ID and 32 bytes in Base64.
    #[error("line {0} of the keyring is not an ID, a space, and 32 bytes in Base64")]
    MalformedKey(usize),
    /// The keyring has no key.
    #[error("the keyring has no key")]
    NoKey,
    /// The value was sealed by a key that is not in the keyring.
    #[error("the keyring has no key with the ID {0}")]
    UnknownKey(String),
    /// The value is not sealed, was changed, or belongs to another identity or purpose.
    #[error("a sealed value was changed, or belongs to another identity")]
    NotAuthentic,
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomness,
}

impl Keyring {
    /// Reads the keys: each line is the ID of a key, a space, and 32 random bytes in Base64. Empty lines and lines that begin
    /// with `#` are skipped.
    ///
    /// # Errors
    ///
    /// If a line is malformed, or if there is no key.
    pub fn parse(text: &SecretString) -> Result<Self, SealingError> {
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(text.expose_secret().lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(Key::parse(line).ok_or(SealingError::MalformedKey(number))?);
            }
        }
        match keys.is_empty() {
            true => Err(SealingError::NoKey),
            false => Ok(Self {
                keys,
                random: SystemRandom::new(),
            }),
        }
    }

    /// Seals a value for an identity, by its SIP URI in any case.
    ///
    /// # Errors
    ///
    /// [`SealingError::NoRandomness`].
    pub fn seal(
        &self,
        sip_uri: &str,
        purpose: Purpose,
        value: &[u8],
    ) -> Result<Sealed, SealingError> {
        let key = self.keys.first().ok_or(SealingError::NoKey)?;
        let context = context(sip_uri, purpose);
        let mut nonce = [0; NONCE_LEN];
        let filled = self.random.fill(&mut nonce);
        filled.map_err(|Unspecified| SealingError::NoRandomness)?;
        let mut encrypted = value.to_vec();
        key.derive(&context)
            .and_then(|derived| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                derived.seal_in_place_append_tag(nonce, Aad::from(&context), &mut encrypted)
            })
            .map_err(|Unspecified| SealingError::NotAuthentic)?;
        let id_length = u8::try_from(key.id.len()).unwrap_or(u8::MAX);
        let mut sealed = vec![VERSION, id_length];
        sealed.extend_from_slice(key.id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut encrypted);
        Ok(Sealed::from_bytes(sealed))
    }

    /// Whether the first key has sealed a value.
    pub(crate) fn is_current(&self, sealed: &Sealed) -> bool {
        let first = self.keys.first().map(|key| key.id.as_bytes());
        first.is_some() && split(sealed).map(|(id, ..)| id) == first
    }

    /// Opens a value that was sealed for the same identity and purpose.
    ///
    /// # Errors
    ///
    /// If the keyring does not have the key, or if the value is not authentic.
    pub fn open(
        &self,
        sip_uri: &str,
        purpose: Purpose,
        sealed: &Sealed,
    ) -> Result<SecretSlice<u8>, SealingError> {
        let (id, nonce, encrypted) = split(sealed).ok_or(SealingError::NotAuthentic)?;
        let key = self.keys.iter().find(|key| key.id.as_bytes() == id);
        let unknown = || SealingError::UnknownKey(String::from_utf8_lossy(id).into_owned());
        let key = key.ok_or_else(unknown)?;
        let context = context(sip_uri, purpose);
        let mut value = encrypted.to_vec();
        let length = key
            .derive(&context)
            .and_then(|derived| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                derived.open_in_place(nonce, Aad::from(&context), &mut value)
            })
            .map(|value| value.len())
            .map_err(|Unspecified| SealingError::NotAuthentic)?;
        value.truncate(length);
        Ok(SecretSlice::from(value))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("Keyring").field("keys", &ids).finish()
    }
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let (id, key) = line.split_once(char::is_whitespace)?;
        let key = SecretSlice::from(STANDARD.decode(key.trim()).ok()?);
        let is_valid = id.len() <= LONGEST_ID && key.expose_secret().len() == KEY_LENGTH;
        let salt = Salt::new(HKDF_SHA256, b"skype-p2p-fleet");
        is_valid.then(|| Self {
            id: id.to_owned(),
            secret: salt.extract(key.expose_secret()),
        })
    }

    /// The key for one identity and purpose. Random nonces of 96 bits suffice for one identity, and not for a fleet.
    fn derive(&self, context: &[u8]) -> Result<LessSafeKey, Unspecified> {
        let context = [context];
        let derived = self.secret.expand(&context, &CHACHA20_POLY1305)?;
        Ok(LessSafeKey::new(UnboundKey::from(derived)))
    }
}

/// The identity and the purpose, which a sealed value belongs to.
fn context(sip_uri: &str, purpose: Purpose) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Credential => "credential",
        Purpose::Checkpoint => "checkpoint",
    };
    format!("{purpose} {}", sip_uri.to_ascii_lowercase()).into_bytes()
}

/// The ID of the key, the nonce and the encrypted bytes.
fn split(sealed: &Sealed) -> Option<(&[u8], [u8; NONCE_LEN], &[u8])> {
    let [VERSION, id_length, rest @ ..] = sealed.as_bytes() else {
        return None;
    };
    let (id, rest) = rest.split_at_checked(usize::from(*id_length))?;
    let (nonce, encrypted) = rest.split_first_chunk()?;
    Some((id, *nonce, encrypted))
}
