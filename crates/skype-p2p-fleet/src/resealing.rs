//! The replacement of a key: every sealed value is opened, and sealed by the first key.

use secrecy::ExposeSecret as _;

use crate::{
    sealing::{Keyring, Purpose, SealingError},
    store::{IdentityId, Replacement, Sealed, SealedValues, Store, StoreError},
};

/// The identities of one statement.
const PAGE: usize = 200;

/// The result of [`reseal`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// The values that were sealed anew.
    pub resealed: u64,
    /// The values that the first key had sealed before.
    pub current: u64,
    /// The values that a worker has stored meanwhile.
    pub changed: u64,
    /// The values that the keyring cannot open, by SIP URI.
    pub failed: Vec<(String, Purpose, SealingError)>,
}

impl Resealed {
    /// Whether nothing was to be done: every value is sealed by the first key, so the others can be removed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.resealed == 0 && self.changed == 0 && self.failed.is_empty()
    }
}

/// Seals every password and checkpoint of the store by the first key of a keyring, while workers run. Every worker must have the first
/// key already.
///
/// Each page of values is a transaction, and a value that the first key has sealed is left as it is, so a call that was interrupted
/// can be repeated. A value that a worker stores meanwhile is not overwritten. When a call [was
/// complete](Resealed::is_complete), and all workers seal by the first key, no value needs the other keys.
///
/// # Errors
///
/// If the store fails, or if the system has no random numbers. What was sealed before remains.
pub async fn reseal(store: &dyn Store, keyring: &Keyring) -> Result<Resealed, StoreError> {
    let mut result = Resealed::default();
    let mut after = IdentityId(i64::MIN);
    loop {
        let page = store.sealed_values(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(result);
        };
        after = last.identity;
        let mut replacements = Vec::new();
        for values in &page {
            for (purpose, sealed) in [
                (Purpose::Credential, &values.credential),
                (Purpose::Checkpoint, &values.checkpoint),
            ] {
                let Some(sealed) = sealed else {
                    continue;
                };
                if keyring.is_current(sealed) {
                    result.current += 1;
                    continue;
                }
                match replacement(keyring, values, purpose, sealed) {
                    Ok(replacement) => replacements.push(replacement),
                    Err(error) => {
                        let failed = (values.sip_uri.clone(), purpose, error);
                        result.failed.push(failed);
                    }
                }
            }
        }
        if replacements.is_empty() {
            continue;
        }
        for is_replaced in store.replace_sealed(&replacements).await? {
            match is_replaced {
                true => result.resealed += 1,
                false => result.changed += 1,
            }
        }
    }
}

fn replacement(
    keyring: &Keyring,
    values: &SealedValues,
    purpose: Purpose,
    sealed: &Sealed,
) -> Result<Replacement, SealingError> {
    let opened = keyring.open(&values.sip_uri, purpose, sealed)?;
    Ok(Replacement {
        identity: values.identity,
        purpose,
        old: sealed.clone(),
        new: keyring.seal(&values.sip_uri, purpose, opened.expose_secret())?,
    })
}
