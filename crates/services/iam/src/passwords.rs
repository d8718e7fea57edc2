//! Passwords hashed, and compared with hashes: slow, in much memory and one at a time, as is meant.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::password::PasswordHasher;
use strongroom_seal::Sealer;
use strongroom_secret::{SecretBytes, SecretString, constant_time_eq};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::attempts::Attempts;
use crate::error::Refusal;

/// Calls that are at passwords at the same time; one of them computes. Beyond it calls are told to come again: those that
/// wait hold a thread, and a place of the server's, which are everybody's. With the longest history that a policy
/// can remember the last of them waits some twenty seconds.
const MOST_CALLS: usize = 16;

/// What hashes passwords.
pub(crate) struct Passwords {
    /// Made when the first password comes: it takes much memory.
    hasher: OnceLock<Arc<PasswordHasher>>,
    calls: Semaphore,
    /// At the old passwords of users, by the users' ids.
    pub(crate) attempts: Attempts,
}

impl Default for Passwords {
    fn default() -> Self {
        let calls = Semaphore::new(MOST_CALLS);
        Self { hasher: OnceLock::new(), calls, attempts: Attempts::default() }
    }
}

impl Passwords {
    /// A turn for a call, for as long as the answer is held.
    pub(crate) fn turn<'p>(&'p self, sealer: &'p Sealer) -> Result<Turn<'p>, Refusal> {
        let place = self.calls.try_acquire().map_err(|_| Refusal::Busy)?;
        let hasher = self.hasher.get_or_init(|| Arc::new(PasswordHasher::new())).clone();
        Ok(Turn { hasher, sealer, _place: place })
    }
}

/// A call that may hash.
pub(crate) struct Turn<'p> {
    hasher: Arc<PasswordHasher>,
    sealer: &'p Sealer,
    _place: SemaphorePermit<'p>,
}

impl Turn<'_> {
    /// Hashes a user's password and seals the hash.
    pub(crate) async fn hash(&self, user_id: &str, password: SecretString) -> Result<String, Refusal> {
        let hasher = self.hasher.clone();
        let hashed = tokio::task::spawn_blocking(move || hasher.hash(password.expose().as_bytes())).await;
        let hashed = hashed.map_err(|error| Refusal::Internal(error.into()))??;
        Ok(STANDARD.encode(self.sealer.seal(&sealing_context(user_id), hashed.as_bytes())?))
    }

    /// Whether a password is one of a user's, whose sealed hashes are given.
    pub(crate) async fn fits(
        &self,
        user_id: &str,
        sealed: Vec<String>,
        password: &SecretString,
    ) -> Result<bool, Refusal> {
        let mut hashes = Vec::with_capacity(sealed.len());
        for sealed in sealed {
            let hash = open(self.sealer, user_id, &sealed)?;
            let hash = std::str::from_utf8(hash.expose()).map_err(|error| Refusal::Internal(error.into()))?;
            hashes.push(hash.to_owned());
        }
        let (hasher, password) = (self.hasher.clone(), password.clone());
        let any = move || hashes.iter().any(|hash| hasher.verify(password.expose().as_bytes(), hash).is_ok());
        tokio::task::spawn_blocking(any).await.map_err(|error| Refusal::Internal(error.into()))
    }
}

/// Whether two sealed hashes of a user are the same one. A rotation of the seal seals a hash afresh.
pub(crate) fn is_same_hash(sealer: &Sealer, user_id: &str, one: &str, other: &str) -> bool {
    let opened = || [one, other].map(|sealed| open(sealer, user_id, sealed));
    one == other || matches!(opened(), [Ok(one), Ok(other)] if constant_time_eq(one.expose(), other.expose()))
}

fn open(sealer: &Sealer, user_id: &str, sealed: &str) -> Result<SecretBytes, Refusal> {
    let sealed = STANDARD.decode(sealed).map_err(|error| Refusal::Internal(error.into()))?;
    Ok(sealer.open(&sealing_context(user_id), &sealed)?)
}

/// What a sealed hash is bound to: moved to another user, it does not open.
pub(crate) fn sealing_context(user_id: &str) -> Vec<u8> {
    format!("password/{user_id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use strongroom_seal::{Purpose, Root};
    use strongroom_secret::Key256;

    use super::*;

    #[test]
    fn a_hash_that_was_sealed_afresh_is_the_same() {
        let root = Root::from_key(Key256::new([7; 32])).unwrap();
        let sealer = Sealer::new(&root, Purpose::Secrets);
        let seal =
            |hash: &str| STANDARD.encode(sealer.seal(&sealing_context("AIDA"), hash.as_bytes()).unwrap());
        let (one, other) = (seal("hash"), seal("another"));
        root.select(root.prepare_next().unwrap()).unwrap();
        let afresh = sealer.reseal(&sealing_context("AIDA"), &STANDARD.decode(&one).unwrap()).unwrap();
        let afresh = STANDARD.encode(afresh.unwrap());
        assert!(is_same_hash(&sealer, "AIDA", &one, &afresh));
        assert!(!is_same_hash(&sealer, "AIDA", &one, &other));
        assert!(!is_same_hash(&sealer, "AIDB", &one, &afresh));
    }

    #[test]
    fn calls_beyond_the_bound_do_not_wait() {
        let root = Root::from_key(Key256::new([7; 32])).unwrap();
        let sealer = Sealer::new(&root, Purpose::Secrets);
        let passwords = Passwords::default();
        let mut turns: Vec<_> = (0..MOST_CALLS).map(|_| passwords.turn(&sealer).unwrap()).collect();
        assert!(matches!(passwords.turn(&sealer), Err(Refusal::Busy)));
        turns.pop();
        passwords.turn(&sealer).unwrap();
    }
}
