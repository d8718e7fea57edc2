//! Signing keys that were derived before.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_secret::SecretString;

use crate::limits::MAX_SKEW_SECONDS;
use crate::{Claim, SigningKey};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A bounded store of signing keys, shared by all threads.
///
/// A key is found under the access key id, day, Region and service of a claim *and* the version of the
/// credential: a key that an older secret gave is never used. It dies with its day. When the store is full,
/// the keys that were used longest ago go: there are two generations, a key that is used moves to the young
/// one, and a full young generation becomes the old one.
pub struct SigningKeyCache {
    generation: usize,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    young: HashMap<Box<str>, Entry>,
    old: HashMap<Box<str>, Entry>,
    /// The day on which keys of past days were last thrown out.
    swept: i64,
}

#[derive(Clone)]
struct Entry {
    credential_version: u64,
    /// Seconds since the epoch from which no fresh request can need the key.
    dies_at: i64,
    key: Arc<SigningKey>,
}

impl SigningKeyCache {
    /// Makes a store of at most `capacity` keys, rounded up to an even number.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { generation: capacity.div_ceil(2), keys: Mutex::default() }
    }

    /// Gives the key that verifies `claim`, derived now if it is not here.
    ///
    /// `secret` and `credential_version` belong together: every secret that an access key id ever had has
    /// another version. Keys for presigned URLs of past days are derived each time and not kept.
    #[must_use]
    pub fn key(&self, claim: &Claim, credential_version: u64, secret: &SecretString) -> Arc<SigningKey> {
        let scope = claim.scope();
        let now = claim.checked_at();
        if let Some(key) = self.lock().find(scope.credential(), credential_version, now, self.generation) {
            return key;
        }
        let key = Arc::new(SigningKey::derive(secret, scope.date(), scope.region(), scope.service()));
        let day = claim.signed_at_ms().div_euclid(DAY_SECONDS * 1_000);
        let dies_at = (day + 1) * DAY_SECONDS + MAX_SKEW_SECONDS;
        if now < dies_at {
            let entry = Entry { credential_version, dies_at, key: Arc::clone(&key) };
            self.lock().keep(scope.credential().into(), entry, self.generation);
        }
        key
    }

    /// The number of keys held.
    pub fn len(&self) -> usize {
        let keys = self.lock();
        keys.young.len() + keys.old.len()
    }

    /// Tells whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A thread that panicked while it held the lock left whole entries only: the keys stay usable.
    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn find(
        &mut self,
        credential: &str,
        version: u64,
        now: i64,
        generation: usize,
    ) -> Option<Arc<SigningKey>> {
        self.sweep(now);
        let usable = |entry: &&Entry| entry.credential_version == version && now < entry.dies_at;
        if let Some(entry) = self.young.get(credential).filter(usable) {
            return Some(Arc::clone(&entry.key));
        }
        self.old.get(credential).filter(usable)?;
        let (credential, entry) = self.old.remove_entry(credential)?;
        let key = Arc::clone(&entry.key);
        self.keep(credential, entry, generation);
        Some(key)
    }

    fn keep(&mut self, credential: Box<str>, entry: Entry, generation: usize) {
        if generation == 0 {
            return;
        }
        self.old.remove(&credential);
        if self.young.len() >= generation && !self.young.contains_key(&credential) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(credential, entry);
    }

    /// Throws out the dead, once a day: while a day lasts, only [`Keys::find`]'s own check matters.
    fn sweep(&mut self, now: i64) {
        let day = (now - MAX_SKEW_SECONDS).div_euclid(DAY_SECONDS);
        if day != self.swept {
            self.swept = day;
            self.young.retain(|_, entry| now < entry.dies_at);
            self.old.retain(|_, entry| now < entry.dies_at);
        }
    }
}

impl fmt::Debug for SigningKeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyCache").field("len", &self.len()).finish_non_exhaustive()
    }
}
