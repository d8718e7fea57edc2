//! Access keys: made once, their secrets sealed at once, opened when a signature is verified.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::{AccountId, Credential, Credentials, NoCredential, Permissions, Principal};
use strongroom_policy::MessageSealer;
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root, SealError, Sealer};
use strongroom_secret::{SecretBytes, SecretString};
use strongroom_store::{Db, News, RowMac, StoreError};

use crate::directories::Directories;
use crate::domain::id::is_temporary;
use crate::domain::root_user::root_id;
use crate::opened::{OpenedKey, OpenedKeys};
use crate::repo::access_keys::{self as rows, AccessKeyRow};
use crate::repo::topics::ACCESS_KEYS;
use crate::sts::sessions::Sessions;

/// The most characters of an access key id (IAM API Reference, "AccessKey").
const LONGEST_ID: usize = 128;

/// The secret of every root user whose 12-digit account id stands for an access key, in dev mode.
const DEV_SECRET: &str = "test";

/// Why an access key was not found or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessKeyError {
    /// The store did not answer, or what it holds is damaged.
    #[error("access keys cannot be read from the store")]
    Store(#[from] StoreError),
    /// The stored secret does not open under this seal.
    #[error("the secret of an access key does not open under this seal")]
    Seal(#[from] SealError),
    /// What the seal holds is no secret access key.
    #[error("the secret of an access key is damaged")]
    Damaged,
}

/// The access keys of every account, and who has them.
pub struct AccessKeys {
    directories: Arc<Directories>,
    sessions: Arc<Sessions>,
    sealer: Sealer,
    dev_accounts: bool,
    opened: Arc<OpenedKeys>,
}

impl AccessKeys {
    /// The access keys in `db`, whose secrets are sealed under `root`, as are the tokens of temporary ones, which end
    /// by real time.
    pub fn new(db: Db, root: &Root, clocks: Clocks) -> Self {
        let mac = RowMac::new(root);
        let sealer = Sealer::new(root, Purpose::Secrets);
        let directories = Arc::new(Directories::new(db, mac));
        let sessions = Arc::new(Sessions::new(root, clocks));
        let opened = Arc::new(OpenedKeys::default());
        let held = opened.clone();
        directories.db.feed().on(ACCESS_KEYS, move |news| match news {
            News::Changed(access_key_id) => held.forget(access_key_id),
            News::Anything => held.forget_all(),
        });
        Self { directories, sessions, sealer, dev_accounts: false, opened }
    }

    /// The same, with every 12-digit access key id standing for the root user of that account, its secret
    /// `test`. For development only: these are real credentials that everyone knows.
    #[must_use]
    pub fn with_dev_accounts(self) -> Self {
        Self { dev_accounts: true, ..self }
    }

    /// Makes the access key of an account's root user, unless a key of that id is there already, and answers
    /// the account that the key now belongs to.
    pub async fn ensure_root_key(
        &self,
        account: AccountId,
        access_key_id: &str,
        secret: &SecretString,
        now_ms: i64,
    ) -> Result<AccountId, AccessKeyError> {
        let row = AccessKeyRow {
            access_key_id: access_key_id.to_owned(),
            account,
            sealed_secret: seal(&self.sealer, access_key_id, secret)?,
            version: 1,
            created_ms: now_ms,
            user_id: None,
        };
        let Directories { db, mac, .. } = &*self.directories;
        rows::insert_if_absent(db, mac, &row).await?;
        let kept = rows::find(db, mac, access_key_id).await?;
        Ok(kept.ok_or(AccessKeyError::Damaged)?.account)
    }

    /// Forgets everything that is in memory, after the store has been emptied.
    pub fn forget_all(&self) {
        self.opened.forget_all();
        self.sessions.forget_all();
        self.directories.start_over();
    }

    /// The directories that say whose keys count.
    pub(crate) fn directories(&self) -> Arc<Directories> {
        self.directories.clone()
    }

    /// What seals the messages of refusals, for [`Authority`](strongroom_policy::Authority); STS decodes them.
    pub fn message_sealer(&self) -> Arc<dyn MessageSealer> {
        self.sessions.clone()
    }

    /// What makes temporary credentials.
    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }

    /// The key of that id out of the store, which is in memory from now on.
    async fn load(&self, access_key_id: &str) -> Result<Option<Arc<OpenedKey>>, AccessKeyError> {
        let ticket = self.opened.ticket();
        let Directories { db, mac, .. } = &*self.directories;
        let Some(row) = rows::find(db, mac, access_key_id).await? else {
            return Ok(None);
        };
        let secret = unseal(&self.sealer, access_key_id, &row.sealed_secret)?;
        let secret = std::str::from_utf8(secret.expose()).map_err(|_| AccessKeyError::Damaged)?;
        let secret = Arc::new(SecretString::new(secret.to_owned()));
        let key = OpenedKey { account: row.account, user_id: row.user_id, secret, version: row.version };
        let key = Arc::new(key);
        self.opened.hold(ticket, access_key_id, &key);
        Ok(Some(key))
    }

    /// Who has the access key of that id, if it counts now.
    pub async fn holder(&self, access_key_id: &str) -> Result<Option<Principal>, AccessKeyError> {
        Ok(self.open(access_key_id).await?.map(|(_, holder, _)| holder))
    }

    /// The key of that id, out of memory or of the store, with who has it and what policies let him do, if it counts
    /// now.
    async fn open(
        &self,
        access_key_id: &str,
    ) -> Result<Option<(Arc<OpenedKey>, Principal, Permissions)>, AccessKeyError> {
        if let Some(key) = self.opened.get(access_key_id)
            && let Some((holder, permissions)) = self.holder_of(access_key_id, &key).await?
        {
            return Ok(Some((key, holder, permissions)));
        }
        // One in memory that does not count may be gone, and its id another's now: seeds choose the ids.
        if !can_exist(access_key_id) {
            return Ok(None);
        }
        // Boxed: few calls have to carry what reading takes.
        let Some(key) = Box::pin(self.load(access_key_id)).await? else {
            return Ok(None);
        };
        let held = self.holder_of(access_key_id, &key).await?;
        Ok(held.map(|(holder, permissions)| (key, holder, permissions)))
    }

    /// Who has the key, if it counts now, and what policies let him do.
    async fn holder_of(
        &self,
        access_key_id: &str,
        key: &OpenedKey,
    ) -> Result<Option<(Principal, Permissions)>, AccessKeyError> {
        let directory = self.directories.current(key.account).await?;
        let root = |is_given| {
            let counts = directory.lets_root(access_key_id, is_given);
            Ok(counts.then(|| (Principal::Root(key.account), Permissions::none())))
        };
        let Some(user_id) = &key.user_id else { return root(true) };
        if *user_id == root_id(key.account) {
            return root(false);
        }
        let user = directory.user_of_id(user_id);
        let user = user.filter(|user| user.access_key(access_key_id).is_ok_and(|key| key.active));
        Ok(user.map(|user| {
            let policies = self.directories.compiled.of_user(&directory, user);
            (Principal::User(user.entity(key.account)), Permissions::new(policies))
        }))
    }
}

#[async_trait]
impl Credentials for AccessKeys {
    async fn find(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Result<Credential, NoCredential>, Box<dyn Error + Send + Sync>> {
        if is_temporary(access_key_id) {
            return Ok(self.sessions.find(&self.directories, access_key_id, session_token).await?);
        }
        let found = if self.dev_accounts
            && let Ok(account) = access_key_id.parse()
            && self.opened.get(access_key_id).is_none()
        {
            let secret = SecretString::new(DEV_SECRET.to_owned());
            Credential::new(Principal::Root(account), secret, 0)
        } else {
            let Some((key, holder, permissions)) = self.open(access_key_id).await? else {
                return Ok(Err(NoCredential::UnknownKey));
            };
            Credential { permissions, ..Credential::new(holder, key.secret.clone(), key.version.into()) }
        };
        // Long-term credentials have no session, so no token can belong to them.
        Ok(if session_token.is_some() { Err(NoCredential::InvalidToken) } else { Ok(found) })
    }
}

/// Whether any access key can have that id (IAM API Reference, "AccessKey"). Requests may name anything, and the
/// store takes not everything.
fn can_exist(access_key_id: &str) -> bool {
    access_key_id.len() <= LONGEST_ID
        && access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Seals the secret of an access key.
pub(crate) fn seal(
    sealer: &Sealer,
    access_key_id: &str,
    secret: &SecretString,
) -> Result<Vec<u8>, SealError> {
    sealer.seal(&sealing_context(access_key_id), secret.expose().as_bytes())
}

/// Opens the secret of an access key.
pub(crate) fn unseal(sealer: &Sealer, access_key_id: &str, sealed: &[u8]) -> Result<SecretBytes, SealError> {
    sealer.open(&sealing_context(access_key_id), sealed)
}

/// What a sealed secret is bound to: moved to another access key, it does not open.
pub(crate) fn sealing_context(access_key_id: &str) -> Vec<u8> {
    format!("access-key/{access_key_id}").into_bytes()
}
