//! Which keys are trusted, for whom they sign and when.

use super::Fault;
use crate::evidence::signing::PublicKey;
use crate::timestamp::Timestamp;

/// A public key with what the policy says of it.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    /// Its name for people.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// The builder id that it signs for; without one the key is a builder by itself.
    pub builder: Option<String>,
    /// Begin of its time.
    pub valid_from: Option<Timestamp>,
    /// End of its time.
    pub valid_until: Option<Timestamp>,
    /// Why it counts for nothing any more.
    pub revoked: Option<String>,
}

impl TrustedKey {
    /// A key without conditions.
    pub fn plain(name: &str, key: PublicKey) -> Self {
        let name = name.to_owned();
        Self { name, key, builder: None, valid_from: None, valid_until: None, revoked: None }
    }

    /// Who signs with it: keys of one builder count once.
    pub(super) fn signer(&self) -> String {
        match &self.builder {
            Some(builder) => builder.clone(),
            None => self.key.fingerprint(),
        }
    }

    /// Fails where the key counts for nothing at `moment`.
    pub(super) fn usable(&self, moment: Timestamp) -> Result<(), Fault> {
        let key = || self.name.clone();
        if let Some(reason) = &self.revoked {
            return Err(Fault::Revoked { key: key(), reason: reason.clone() });
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), _) if moment < from => Err(Fault::NotYet { key: key(), from, moment }),
            (_, Some(until)) if moment >= until => Err(Fault::Expired { key: key(), until, moment }),
            _ => Ok(()),
        }
    }
}

/// `given` and the keys of a policy as one list. A key that is in both keeps what the policy says of it.
pub(super) fn joined(given: &[TrustedKey], policy: &[TrustedKey]) -> Vec<TrustedKey> {
    let mut all = policy.to_vec();
    for key in given {
        if all.iter().all(|there| there.key != key.key) {
            all.push(key.clone());
        }
    }
    all
}
