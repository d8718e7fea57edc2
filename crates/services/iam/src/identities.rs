//! Directories read and changed. Every function that reads or changes one for a caller asks for permission first,
//! or on the state that the change commits on.

use std::sync::{Arc, OnceLock};

use strongroom_crypto::password::PasswordHasher;
use strongroom_identity::{AccountId, Action, RecordDraft, RequestContext};
use strongroom_journal::Reader;
use strongroom_policy::{Authority, Resource, Values};
use strongroom_runtime::Shutdown;
use strongroom_seal::{Purpose, Root as SealRoot, SealError, Sealer};
use strongroom_store::Tx;

use crate::access_keys::AccessKeys;
use crate::directories::Directories;
use crate::domain::directory::{Directory, Entry};
use crate::domain::edit::{Edit, RowChange};
use crate::domain::id::new_nonce;
use crate::domain::kind::Kind;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::repo::access_keys::AccessKeyRow;
use crate::repo::directories::Root;
use crate::repo::{self, access_keys, aliases, directories};
use crate::uses::{Quiet, Uses};

/// Why IAM does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seal does not give its subkeys.
    #[error("the seal does not give the keys that IAM needs")]
    Seal(#[from] SealError),
}

/// The IAM service over one store and one seal.
pub struct IdentityManagement {
    directories: Arc<Directories>,
    authority: Authority,
    pub(crate) sealer: Sealer,
    pub(crate) uses: Uses,
    passwords: OnceLock<Arc<PasswordHasher>>,
}

/// What a call acts on, as policies and records name it.
#[derive(Clone, Copy)]
pub(crate) enum Target<'t> {
    /// The entity of that name; of a policy or a device, the ARN.
    One(Kind, &'t str),
    /// One that is to be made, or to get another name.
    New(Kind, &'t str, &'t str),
    /// What lies below a path.
    Below(Kind, &'t str),
    /// What has no name of its own.
    Account,
}

/// A target as policies protect it.
struct Protected {
    account: AccountId,
    arn: String,
    entry: Option<Arc<Entry>>,
}

impl Protected {
    fn tags(&self) -> Option<&Tags> {
        self.entry.as_ref().and_then(|entry| entry.tags())
    }
}

/// The condition keys that tell of a resource's tags.
const TAG_KEYS: [&str; 2] = ["aws:resourcetag/", "iam:resourcetag/"];

impl Resource for Protected {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        let tag = TAG_KEYS.iter().find_map(|prefix| key.strip_prefix(prefix))?;
        self.tags()?.get(tag).map(Values::text)
    }
}

impl IdentityManagement {
    /// The service over the directories of `access_keys`. Passwords and seeds are sealed under `root`; `journal`
    /// tells when access keys were used.
    pub fn new(
        access_keys: &AccessKeys,
        root: &SealRoot,
        authority: Authority,
        journal: Reader,
    ) -> Result<Self, StartError> {
        let directories = access_keys.directories();
        let uses = Uses::new(directories.db.clone(), journal);
        let sealer = Sealer::new(root, Purpose::Secrets)?;
        Ok(Self { directories, authority, sealer, uses, passwords: OnceLock::new() })
    }

    /// Waits until nobody reads the journal for uses of access keys, and keeps it so while the answer is held.
    pub async fn quiet(&self) -> Quiet<'_> {
        self.uses.quiet().await
    }

    /// Forgets how far the journal has been read, after the store has been emptied and another stream begun.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        self.directories.start_over();
        self.uses.start_over(quiet, journal);
    }

    /// Reads the journal on for uses of access keys, until the shutdown begins.
    pub async fn follow_uses(self: Arc<Self>, shutdown: Shutdown) {
        self.uses.follow(shutdown).await;
    }

    /// What hashes passwords, made when the first one comes: it takes much memory.
    pub(crate) fn passwords(&self) -> Arc<PasswordHasher> {
        self.passwords.get_or_init(|| Arc::new(PasswordHasher::new())).clone()
    }

    /// The caller's directory, for an operation that only reads it, once permission to do `A` is given.
    pub(crate) async fn read<A: Action>(
        &self,
        context: &RequestContext,
        targets: &[Target<'_>],
    ) -> Result<Arc<Directory>, Refusal> {
        let directory = self.directories.current(context.account()).await?;
        self.permit::<A>(context, &directory, targets)?;
        Ok(directory)
    }

    /// Changes the caller's directory. Permission to do `A` is asked for on the very state that the change
    /// commits on; `act` may run more than once, on another state each time.
    pub(crate) async fn change<A: Action, T: Send>(
        &self,
        context: &RequestContext,
        targets: &[Target<'_>],
        act: impl Fn(&mut Edit) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(T, Arc<Directory>), Refusal> {
        // Who may not is told so before anything is locked.
        self.read::<A>(context, targets).await?;
        let permit = |directory: &Directory| self.permit::<A>(context, directory, targets);
        self.commit(context.account(), context.draft(), permit, act).await
    }

    /// Changes a directory and commits `draft` with the change.
    pub(crate) async fn commit<T: Send>(
        &self,
        account: AccountId,
        draft: Option<&RecordDraft>,
        permit: impl Fn(&Directory) -> Result<(), Refusal> + Send + Sync,
        act: impl Fn(&mut Edit) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(T, Arc<Directory>), Refusal> {
        let (doubt, ticket) = self.directories.change(account);
        let (permit, act, doubted, mac) = (&permit, &act, &doubt, &self.directories.mac);
        let fresh = &new_nonce()?;
        let changed = self.directories.db.transaction(|tx| {
            Box::pin(async move {
                let root = if let Some(root) = directories::load_root(tx, mac, account).await? {
                    root
                } else {
                    let root = Root::new(account, fresh.clone());
                    directories::insert_root(tx, mac, &root).await?;
                    root
                };
                let directory = match self.directories.kept_at(&root) {
                    Some(directory) => Directory::clone(&directory),
                    None => directories::load_entities(tx, mac, &root).await?,
                };
                permit(&directory)?;
                let mut edit = Edit::new(directory);
                let answer = act(&mut edit)?;
                let (mut directory, changed, rows) = edit.finish(root.version + 1);
                doubted.writes();
                directories::replace(tx, mac, &mut directory, &changed, root.version).await?;
                for row in &rows {
                    self.write_row(tx, account, row).await?;
                }
                repo::post(tx, draft).await?;
                Ok::<_, Refusal>((answer, Arc::new(directory)))
            })
        });
        let (answer, directory) = changed.await?;
        doubt.settle(ticket, &directory);
        Ok((answer, directory))
    }

    async fn write_row(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        change: &RowChange,
    ) -> Result<(), Refusal> {
        let mac = &self.directories.mac;
        match change.clone() {
            RowChange::AddKey { access_key_id, user_id, sealed_secret, created_ms } => {
                let row = AccessKeyRow {
                    access_key_id,
                    account,
                    sealed_secret,
                    version: 1,
                    created_ms,
                    user_id: Some(user_id),
                };
                if !access_keys::add(tx, mac, &row).await? {
                    return Err(Refusal::internal("a new access key has the id of another"));
                }
            }
            RowChange::DropKey(access_key_id) => {
                access_keys::delete(tx, account, &access_key_id).await?;
                repo::uses::delete(tx, &access_key_id).await?;
            }
            RowChange::TakeAlias(alias) => {
                if !aliases::take(tx, mac, account, &alias).await? {
                    return Err(Refusal::exists(format!("The account alias {alias} already exists.")));
                }
            }
            RowChange::FreeAlias(alias) => aliases::free(tx, account, &alias).await?,
        }
        Ok(())
    }

    /// Permission to do `A` to all of the targets, as they are in `directory`.
    fn permit<A: Action>(
        &self,
        context: &RequestContext,
        directory: &Directory,
        targets: &[Target<'_>],
    ) -> Result<(), Refusal> {
        for target in targets {
            let protected = protect(context, directory, *target);
            self.authority.authorize::<A, _>(context, protected)?;
        }
        Ok(())
    }
}

/// What policies protect where a call names `target`. What is not there is protected by its name.
fn protect(context: &RequestContext, directory: &Directory, target: Target<'_>) -> Protected {
    let account = directory.account;
    let new = |kind: Kind, path: &str, name: &str| Protected {
        account,
        arn: kind.arn(account, path, name),
        entry: None,
    };
    match target {
        Target::One(kind @ (Kind::Policy | Kind::Mfa), arn) => {
            let name = match kind {
                Kind::Policy => arn.rsplit('/').next(),
                _ => arn.strip_prefix(&kind.arn(account, "", "")),
            };
            let found = name.and_then(|name| directory.find(kind, name));
            let entry = found.filter(|entry| entry.arn(account) == arn).cloned();
            context.touched(kind.cloudformation(), account, arn);
            Protected { account, arn: arn.to_owned(), entry }
        }
        Target::One(kind, name) => {
            let entry = directory.find(kind, name).cloned();
            let arn = match &entry {
                Some(entry) => entry.arn(account),
                None => kind.arn(account, "/", name),
            };
            context.touched(kind.cloudformation(), account, arn.clone());
            Protected { account, arn, entry }
        }
        Target::New(kind, path, name) => new(kind, path, name),
        Target::Below(kind, path) => new(kind, path, ""),
        Target::Account => Protected { account, arn: "*".to_owned(), entry: None },
    }
}
