//! Key management proper: keys found, made, changed and used. Every function that reads or changes a key for
//! a caller demands the proof that the caller may, or asks for it on the state that the change commits on.

mod agenda;
mod aliases;
mod changes;
mod creation;
mod cryptography;
mod lookup;
mod rotation;
mod usage;

use std::sync::{Arc, OnceLock};

use strongroom_journal::Reader;
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::Waker;
use strongroom_seal::{Epoch, Purpose, Root, SealError};
use strongroom_store::{Db, RowMac};

use crate::backend::{BuiltIn, KeyBackend};
use crate::cache::Cache;
use crate::domain::alias::Alias;
use crate::domain::identifier::Home;
use crate::domain::key::Key;
use crate::error::Refusal;

pub(crate) use self::creation::NewKey;
pub(crate) use self::cryptography::{Encrypts, ReEncryptFrom, ReEncryptTo};
pub use self::usage::Quiet;
use self::usage::Usage;

/// The CloudFormation types under which records list keys and aliases.
pub(crate) const KEY_RESOURCE: &str = "AWS::KMS::Key";
pub(crate) const ALIAS_RESOURCE: &str = "AWS::KMS::Alias";

/// Keys and aliases kept in memory, each, and how many bytes of them. A key with a policy of the greatest
/// length takes 33 KB, one without about 1 KB.
const KEPT: usize = 100_000;
const KEPT_BYTES: usize = 128 << 20;

/// Why key management does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seal does not give its subkeys.
    #[error("the seal does not give the keys that KMS needs")]
    Seal(#[from] SealError),
}

/// The KMS service over one store and one seal.
pub struct KeyManagement {
    db: Db,
    mac: RowMac,
    authority: Authority,
    outbox: Arc<Outbox>,
    backend: Box<dyn KeyBackend>,
    keys: Cache<(Home, String), Key>,
    aliases: Cache<(Home, String), Alias>,
    usage: Usage,
    waker: OnceLock<Waker>,
    chosen_keys: bool,
}

impl KeyManagement {
    /// The service on `db`, with its own partitions sealed under `root`. What it does by itself is recorded
    /// through `outbox`; what its keys are used for is read in `journal`.
    pub fn new(
        db: Db,
        root: &Root,
        authority: Authority,
        outbox: Arc<Outbox>,
        journal: Reader,
    ) -> Result<Self, StartError> {
        let mac = RowMac::new(&root.subkey(Purpose::RowMac, Epoch::CURRENT)?);
        let backend = Box::new(BuiltIn::new(db.clone(), root)?);
        let usage = Usage::new(db.clone(), journal);
        let (keys, aliases) = (Cache::new(KEPT, KEPT_BYTES), Cache::new(KEPT, KEPT_BYTES));
        let waker = OnceLock::new();
        Ok(Self { db, mac, authority, outbox, backend, keys, aliases, usage, waker, chosen_keys: false })
    }

    /// The same service, whose callers may choose the id and the material of a new key by the tags
    /// `_custom_id_` and `_custom_key_material_`, as tools written for LocalStack do. For development only.
    #[must_use]
    pub fn with_chosen_keys(self) -> Self {
        Self { chosen_keys: true, ..self }
    }

    /// Waits until nothing is written that no caller asked for, and keeps it so while the guard is held. What
    /// is due is not meant: whoever does it is to be paused too.
    pub async fn quiet(&self) -> Quiet<'_> {
        self.usage.quiet().await
    }

    /// Forgets everything that is in memory, after the store has been emptied in the quiet. Uses of keys count
    /// from what `journal` reads.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        self.keys.clear();
        self.aliases.clear();
        self.backend.clear();
        self.usage.start_over(quiet, journal);
    }

    /// Has `waker` woken whenever a change may have brought the next due item forward. The first one stays.
    pub fn wake(&self, waker: Waker) {
        drop(self.waker.set(waker));
    }

    /// Tells whoever does what is due that something may be due earlier than before.
    fn agenda_changed(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Drops what is in memory of a key that has changed.
    fn forget_key(&self, home: &Home, key_id: &str) {
        self.keys.forget(&(home.clone(), key_id.to_owned()));
    }

    /// Drops what is in memory of an alias that has changed.
    fn forget_alias(&self, home: &Home, name: &str) {
        self.aliases.forget(&(home.clone(), name.to_owned()));
    }
}

/// Sixteen random bytes, for an id.
fn random_id() -> Result<[u8; 16], Refusal> {
    strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))
}
