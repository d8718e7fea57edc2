//! Accounts, as the operator of an installation makes them: each with a root user, whose access key is shown once.
//!
//! AWS makes accounts through Organizations and gives root users back through their e-mail; here whoever runs the machine
//! does both. Each leaves a record, of events that are ours.

use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_crypto::random;
use strongroom_identity::AccountId;
use strongroom_outbox::Outbox;
use strongroom_secret::SecretString;
use strongroom_service::ApiError;

use crate::IdentityManagement;
use crate::access_keys::seal;
use crate::directories::Directories;
use crate::domain::directory::{Directory, Entry};
use crate::domain::edit::{Edit, RowChange};
use crate::domain::id::{new_access_key_id, new_secret};
use crate::domain::root_user::root_id;
use crate::error::Refusal;
use crate::events;
use crate::repo::{accounts as rows, directories};

/// Characters of an account's name (Organizations API Reference, "CreateAccount").
const LONGEST_NAME: usize = 50;

/// How often an id is drawn before it is given up that one is free.
const DRAWS: usize = 100;

/// How often a reset is tried anew because the account has changed meanwhile.
const TRIES: usize = 20;

/// An account of this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What the operator calls it.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
}

/// The access key of a root user. The secret is kept sealed, and shown to nobody again.
#[derive(Debug)]
pub struct RootCredential {
    /// Whose root user it is.
    pub account: AccountId,
    /// The id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret: SecretString,
}

/// Why an account was not made, or its root user given no new access key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// A name that accounts cannot have.
    #[error("an account's name has 1 to 50 characters of ASCII, from space to ~")]
    Name,
    /// The id is another account's.
    #[error("account {0} is there already; choose another id, or leave it out")]
    Exists(AccountId),
    /// There is no account of that id.
    #[error("there is no account {0}; `strongroom account list` names those that there are")]
    Unknown(AccountId),
    /// No id is free, or the random numbers are not random.
    #[error("no account id was found that is free")]
    NoFreeId,
    /// The store or the seal.
    #[error("the change could not be made")]
    Failed(#[source] ApiError),
}

impl From<Refusal> for AccountError {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.into())
    }
}

impl IdentityManagement {
    /// Makes an account of that name, with that id or one of its own choice, and gives its root user an access key.
    /// `now_ms` is domain time, in milliseconds since 1970.
    pub async fn create_account(
        &self,
        outbox: &Outbox,
        id: Option<AccountId>,
        name: &str,
        now_ms: i64,
    ) -> Result<RootCredential, AccountError> {
        let is_letter = |byte: u8| (0x20..=0x7e).contains(&byte);
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(is_letter) {
            return Err(AccountError::Name);
        }
        let id = match id {
            Some(id) if self.account(id).await?.is_some() => return Err(AccountError::Exists(id)),
            Some(id) => id,
            None => self.free_id().await?,
        };
        let account = Account { id, name: name.to_owned(), created_ms: now_ms };
        let (credential, give) = self.new_root_credential(id, now_ms)?;
        let act = |edit: &mut Edit| {
            edit.row(RowChange::AddAccount(account.clone()));
            edit.row(give.clone());
            Ok(())
        };
        self.operate(outbox, id, "CreateAccount", now_ms, act).await?;
        Ok(credential)
    }

    /// The accounts that follow `after`, some of them, by id. An empty answer is the end.
    pub async fn accounts(&self, after: Option<AccountId>) -> Result<Vec<Account>, AccountError> {
        let directories = &self.directories;
        rows::list(&directories.db, &directories.mac, after)
            .await
            .map_err(|error| Refusal::from(error).into())
    }

    /// The ids alone, also of accounts whose rows were altered: for what is told to everybody.
    pub async fn account_ids(&self, after: Option<AccountId>) -> Result<Vec<AccountId>, AccountError> {
        let ids = rows::list_ids(&self.directories.db, after).await;
        ids.map_err(|error| Refusal::from(error).into())
    }

    /// Gives an account's root user another access key, in place of all that it has, and takes its devices away: for
    /// whoever has lost them, or fears that somebody else has found them.
    pub async fn reset_root(
        &self,
        outbox: &Outbox,
        account: AccountId,
        now_ms: i64,
    ) -> Result<RootCredential, AccountError> {
        if self.account(account).await?.is_none() {
            return Err(AccountError::Unknown(account));
        }
        for _ in 0..TRIES {
            // In this order: keys that somebody gives after the first look show by the version.
            let version = self.version_of(account).await?;
            let given = self.given_to_root(account).await?;
            let (credential, give) = self.new_root_credential(account, now_ms)?;
            let is_overtaken = AtomicBool::new(false);
            let permit = |directory: &Directory| {
                let is_same = directory.version == version;
                is_overtaken.store(!is_same, Ordering::Relaxed);
                if is_same { Ok(()) } else { Err(Refusal::Busy) }
            };
            let act = |edit: &mut Edit| {
                let root = root_id(account);
                let devices: Vec<_> = edit.devices_of(&root).cloned().collect();
                for mut device in devices {
                    device.disable();
                    edit.put(Entry::Device(device));
                }
                for id in edit.root_mut(|root| Ok(root.lose_access_keys(&given)))? {
                    edit.row(RowChange::DropKey(id));
                }
                edit.row(give.clone());
                Ok(())
            };
            let changed = self.operate_if(outbox, account, "ResetRootCredential", now_ms, permit, act).await;
            if changed.is_err() && is_overtaken.load(Ordering::Relaxed) {
                continue;
            }
            return Ok(changed.map(|()| credential)?);
        }
        Err(Refusal::Busy.into())
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, Refusal> {
        let directories = &self.directories;
        Ok(rows::find(&directories.db, &directories.mac, id).await?)
    }

    /// An account id that nobody has. As AWS's, it begins with no zero.
    async fn free_id(&self) -> Result<AccountId, AccountError> {
        for _ in 0..DRAWS {
            let random = u64::from_be_bytes(random::bytes().map_err(Refusal::from)?);
            // 2^64 is so much larger that no id is noticeably likelier than another.
            let drawn = 100_000_000_000 + random % 900_000_000_000;
            if let Ok(id) = drawn.to_string().parse()
                && self.account(id).await?.is_none()
            {
                return Ok(id);
            }
        }
        Err(AccountError::NoFreeId)
    }

    fn new_root_credential(
        &self,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(RootCredential, RowChange), Refusal> {
        let (access_key_id, secret) = (new_access_key_id()?, new_secret()?);
        let sealed_secret = seal(&self.sealer, &access_key_id, &secret)?;
        let give =
            RowChange::GiveKey { access_key_id: access_key_id.clone(), sealed_secret, created_ms: now_ms };
        Ok((RootCredential { account, access_key_id, secret }, give))
    }

    /// The version of an account's directory; 0 if there is none yet.
    async fn version_of(&self, account: AccountId) -> Result<i64, Refusal> {
        let Directories { db, mac, .. } = &*self.directories;
        let root = directories::find_root(db, mac, account).await?;
        Ok(root.map_or(0, |root| root.version))
    }

    /// Makes a change that the operator has asked for, with its record.
    async fn operate(
        &self,
        outbox: &Outbox,
        account: AccountId,
        event: &str,
        now_ms: i64,
        act: impl Fn(&mut Edit) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        self.operate_if(outbox, account, event, now_ms, |_| Ok(()), act).await
    }

    /// The same, if the directory that it commits on is one that `permit` takes.
    async fn operate_if(
        &self,
        outbox: &Outbox,
        account: AccountId,
        event: &str,
        now_ms: i64,
        permit: impl Fn(&Directory) -> Result<(), Refusal> + Send + Sync,
        act: impl Fn(&mut Edit) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        let record = events::of_operator(account, event, now_ms, random::bytes()?);
        self.commit(account, Some(&outbox.draft(&record)), permit, act).await?;
        if let Err(error) = outbox.record(record, true).await {
            tracing::warn!(%error, "the record of what the operator has changed is still to be written");
        }
        Ok(())
    }
}
