//! Access keys: made once, their secrets sealed at once, opened when a signature is verified.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use strongroom_identity::{AccountId, Credential, Credentials, Principal};
use strongroom_seal::{Epoch, Purpose, Root, SealError, Sealer};
use strongroom_secret::SecretString;
use strongroom_store::{Db, RowMac, StoreError};

use crate::repo::{self, AccessKeyRow};

/// How many opened access keys are kept in memory. Beyond it one is dropped and opened again when needed.
const MOST_OPENED: usize = 10_000;

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

/// The access keys of every account.
pub struct AccessKeys {
    db: Db,
    mac: RowMac,
    sealer: Sealer,
    dev_accounts: bool,
    opened: RwLock<HashMap<String, Credential>>,
}

impl AccessKeys {
    /// The access keys in `db`, whose secrets are sealed under `root`.
    pub fn new(db: Db, root: &Root) -> Result<Self, AccessKeyError> {
        let mac = RowMac::new(&root.subkey(Purpose::RowMac, Epoch::CURRENT)?);
        let sealer = Sealer::new(root, Purpose::Secrets)?;
        Ok(Self { db, mac, sealer, dev_accounts: false, opened: RwLock::default() })
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
        let sealed = self.sealer.seal(&sealing_context(access_key_id), secret.expose().as_bytes())?;
        let row = AccessKeyRow {
            access_key_id: access_key_id.to_owned(),
            account,
            sealed_secret: sealed,
            version: 1,
            created_ms: now_ms,
        };
        repo::insert_if_absent(&self.db, &self.mac, &row).await?;
        let kept = repo::find(&self.db, &self.mac, access_key_id).await?;
        Ok(kept.ok_or(AccessKeyError::Damaged)?.account)
    }

    /// Forgets every key that is in memory, after the store has been emptied.
    pub fn forget_all(&self) {
        self.opened.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn load(&self, access_key_id: &str) -> Result<Option<Credential>, AccessKeyError> {
        if !can_exist(access_key_id) {
            return Ok(None);
        }
        let Some(row) = repo::find(&self.db, &self.mac, access_key_id).await? else {
            return Ok(None);
        };
        let secret = self.sealer.open(&sealing_context(access_key_id), &row.sealed_secret)?;
        let secret = std::str::from_utf8(secret.expose()).map_err(|_| AccessKeyError::Damaged)?;
        Ok(Some(Credential {
            principal: Principal::Root(row.account),
            secret: SecretString::new(secret.to_owned()),
            version: row.version.into(),
        }))
    }

    fn remember(&self, access_key_id: &str, credential: &Credential) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= MOST_OPENED
            && let Some(any) = opened.keys().next().cloned()
        {
            opened.remove(&any);
        }
        opened.insert(access_key_id.to_owned(), credential.clone());
    }
}

#[async_trait]
impl Credentials for AccessKeys {
    async fn find(&self, access_key_id: &str) -> Result<Option<Credential>, Box<dyn Error + Send + Sync>> {
        if let Some(found) =
            self.opened.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
        {
            return Ok(Some(found));
        }
        if self.dev_accounts
            && let Ok(account) = access_key_id.parse()
        {
            let secret = SecretString::new(DEV_SECRET.to_owned());
            return Ok(Some(Credential { principal: Principal::Root(account), secret, version: 0 }));
        }
        if !can_exist(access_key_id) {
            return Ok(None);
        }
        let credential = self.load(access_key_id).await?;
        if let Some(credential) = &credential {
            self.remember(access_key_id, credential);
        }
        Ok(credential)
    }
}

/// Whether any access key can have that id (IAM API Reference, "AccessKey"). Requests may name anything, and the
/// store takes not everything.
fn can_exist(access_key_id: &str) -> bool {
    access_key_id.len() <= LONGEST_ID
        && access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What a sealed secret is bound to: moved to another access key, it does not open.
fn sealing_context(access_key_id: &str) -> Vec<u8> {
    format!("access-key/{access_key_id}").into_bytes()
}
