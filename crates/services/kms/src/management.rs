//! Key management proper: keys found, made, changed and used. Every function that reads or changes a key for
//! a caller demands the proof that the caller may, or asks for it on the state that the change commits on.

mod agenda;
mod aliases;
mod changes;
mod creation;
mod cryptography;
mod faults;
mod following;
mod grants;
mod importing;
mod key_stores;
mod leftovers;
mod lookup;
mod multi_region;
mod pairs;
mod parts;
mod planting;
mod principals;
mod resting;
mod rotation;
mod signatures;
mod usage;

use std::sync::{Arc, OnceLock};

use strongroom_identity::Principals;
use strongroom_journal::Reader;
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, Waker};
use strongroom_store::{Db, RowMac};

use crate::backend::{Backends, BuiltIn, KeyBackend};
use crate::cache::Cache;
use crate::domain::alias::Alias;
use crate::domain::grant::HeldGrants;
use crate::domain::identifier::Home;
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::faults::CallFaults;
use crate::long_work::LongWork;
use crate::throttling::Throttling;

pub(crate) use self::creation::NewKey;
pub(crate) use self::cryptography::{Decrypts, Encrypts, ReEncryptFrom, ReEncryptTo};
pub use self::grants::GrantSeedling;
use self::grants::Tokens;
pub(crate) use self::grants::{GrantFilter, Grantee, NewGrant, WhichGrant};
pub use self::importing::ExpiringKey;
use self::importing::ImportTokens;
use self::key_stores::StoresAtRest;
pub(crate) use self::key_stores::{KeyStoreChange, NewKeyStore, WhichKeyStores};
pub(crate) use self::key_stores::{KeyStores, key_store_context};
use self::multi_region::LinkedRole;
pub(crate) use self::multi_region::{NewReplica, elsewhere};
pub use self::parts::{Parts, Settings};
pub use self::planting::KeySeedling;
use self::resting::Resting;
use self::usage::{Usage, UsageAtRest};

/// The CloudFormation types under which records list keys and aliases.
pub(crate) const KEY_RESOURCE: &str = "AWS::KMS::Key";
pub(crate) const ALIAS_RESOURCE: &str = "AWS::KMS::Alias";

/// Keys and aliases kept in memory, each, and how many bytes of aliases.
const KEPT: usize = 100_000;
const KEPT_BYTES: usize = 128 << 20;

/// How many bytes of keys, with what they have open. A symmetric key takes about 1 KB, one of RSA-4096 15 KB, one of
/// ML-DSA-87 28 KB, a policy of the greatest length 33 KB more.
const KEPT_KEY_BYTES: usize = 256 << 20;

/// Pairs of a key and a caller's identity whose grants are kept in memory, and how many bytes of them. A grant takes less
/// than 300 bytes, so that all that one identity can have on one key are kept.
const KEPT_GRANTS: usize = 200_000;
const KEPT_GRANT_BYTES: usize = 256 << 20;

/// How many bytes of one pair are kept.
#[cfg(test)]
pub(crate) const KEPT_GRANTS_BYTES_EACH: usize = KEPT_GRANT_BYTES / crate::cache::SHARDS;

type Keys = Cache<(Home, String), Key>;
type Aliases = Cache<(Home, String), Alias>;
type ForeignKeys = Cache<(Home, String), Home>;
type Grants = Cache<(Home, String, String), HeldGrants>;

/// While it is held, KMS does nothing by itself.
pub struct Quiet<'k> {
    usage: UsageAtRest<'k>,
    _stores: StoresAtRest<'k>,
}

/// The KMS service over one store and one seal.
pub struct KeyManagement {
    db: Db,
    mac: RowMac,
    authority: Authority,
    outbox: Arc<Outbox>,
    backends: Backends,
    keys: Arc<Keys>,
    aliases: Arc<Aliases>,
    /// Whose keys are those that the caller's account and Region have no key for: by these and the key's id.
    foreign_keys: Arc<ForeignKeys>,
    /// By key and by whom they are to.
    grants: Arc<Grants>,
    tokens: Tokens,
    import_tokens: ImportTokens,
    principals: Arc<dyn Principals>,
    usage: Usage,
    waker: OnceLock<Waker>,
    clocks: Clocks,
    resting: Resting,
    throttling: Arc<Throttling>,
    call_faults: CallFaults,
    /// Where RSA keys are made: data key pairs, those that wrap, and the built-in backend's.
    long_work: LongWork,
    linked_role: LinkedRole,
    pub(crate) stores: Arc<KeyStores>,
    pub(crate) settings: Settings,
}

impl KeyManagement {
    /// The service, which does nothing by itself before somebody runs what it offers for that.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, root, authority, outbox, journal, clocks, .. } = parts;
        let Parts { principals, iam, cloudhsm, ec2, anchors, dialer, settings, .. } = parts;
        let mac = RowMac::new(root);
        let throttling = Arc::new(Throttling::default());
        throttling.set(settings.request_quotas());
        let stores = Arc::new(KeyStores::new(key_stores::Ground {
            db: db.clone(),
            mac: mac.clone(),
            passwords: key_stores::Passwords::new(root),
            outbox: outbox.clone(),
            clocks: clocks.clone(),
            cloudhsm,
            ec2,
            anchors,
            dialer,
            deadline: settings.store_deadline,
            throttling: throttling.clone(),
        }));
        let long_work = LongWork::default();
        let built_in = BuiltIn::new(db.clone(), root, long_work.clone());
        let backends = Backends::new(built_in, stores.clone());
        let usage = Usage::new(db.clone(), mac.clone(), journal);
        let keys = Arc::new(Keys::new(KEPT, KEPT_KEY_BYTES));
        let aliases = Arc::new(Aliases::new(KEPT, KEPT_BYTES));
        let foreign_keys = Arc::new(ForeignKeys::new(KEPT, KEPT_BYTES));
        let grants = Arc::new(Grants::new(KEPT_GRANTS, KEPT_GRANT_BYTES));
        following::follow(&db, &keys, &foreign_keys, &aliases, &grants);
        let (tokens, import_tokens) = (Tokens::new(root), ImportTokens::new(root));
        let linked_role = LinkedRole::new(iam, outbox.clone(), clocks.clone());
        let (waker, resting) = (OnceLock::new(), Resting::default());
        Self {
            db,
            mac,
            authority,
            outbox,
            backends,
            keys,
            aliases,
            foreign_keys,
            grants,
            tokens,
            import_tokens,
            principals,
            usage,
            waker,
            clocks,
            resting,
            throttling,
            call_faults: CallFaults::default(),
            long_work,
            linked_role,
            stores,
            settings,
        }
    }

    /// Waits until nothing is written that no caller asked for, and keeps it so while the guard is held. What
    /// is due is not meant: whoever does it is to be paused too.
    pub async fn quiet(&self) -> Quiet<'_> {
        Quiet { usage: self.usage.rest().await, _stores: self.stores.rest().await }
    }

    /// Forgets everything that is in memory, after the store has been emptied in the quiet. Uses of keys count
    /// from what `journal` reads.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        self.keys.clear();
        self.aliases.clear();
        self.foreign_keys.clear();
        self.grants.clear();
        self.backends.clear();
        self.stores.clear();
        self.resting.clear();
        self.throttling.set(self.settings.request_quotas());
        self.call_faults.forget(|_| true);
        self.usage.start_over(quiet.usage, journal);
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

    /// Where the key's cryptography is done.
    fn backend(&self, key: &Key) -> Arc<dyn KeyBackend> {
        self.backends.of(&key.home, key.store.as_deref())
    }

    /// The backend of the custom key store that a caller names, if he names one.
    async fn backend_in(&self, home: &Home, store: Option<&str>) -> Result<Arc<dyn KeyBackend>, Refusal> {
        if let Some(store) = store {
            self.stores.find(home, store).await?;
        }
        Ok(self.backends.of(home, store))
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Drops what is in memory of a key that has changed.
    fn forget_key(&self, home: &Home, key_id: &str) {
        let name = (home.clone(), key_id.to_owned());
        self.keys.forget(&name);
        self.foreign_keys.forget(&name);
    }

    /// Drops what is in memory of an alias that has changed.
    fn forget_alias(&self, home: &Home, name: &str) {
        self.aliases.forget(&(home.clone(), name.to_owned()));
    }
}

/// Random bytes, for an id: sixteen for most.
fn random_id<const N: usize>() -> Result<[u8; N], Refusal> {
    strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))
}
