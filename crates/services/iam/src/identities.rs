//! Directories read and changed. Every function that reads or changes one for a caller asks for permission first,
//! or on the state that the change commits on.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_identity::{AccountId, Action, RecordDraft, RequestContext};
use strongroom_journal::{Position, Reader};
use strongroom_policy::Authority;
use strongroom_runtime::Shutdown;
use strongroom_seal::{Purpose, Root as SealRoot, Sealer};
use strongroom_store::{StoreError, Tx};

use crate::access_keys::AccessKeys;
use crate::attempts::Attempts;
use crate::directories::Directories;
use crate::domain::directory::Directory;
use crate::domain::edit::{Edit, RowChange};
use crate::domain::id::new_nonce;
use crate::domain::root_user::GivenKey;
use crate::domain::tags::Tags;
use crate::domain::trust;
use crate::domain::user::AccessKey;
use crate::error::Refusal;
use crate::passwords::{Passwords, Turn};
use crate::repo::access_keys::AccessKeyRow;
use crate::repo::directories::Root;
use crate::repo::{self, access_keys, accounts, aliases, directories};
use crate::sts::ProviderDocuments;
use crate::sts::sessions::Sessions;
use crate::sts::web_identity::Providers;
use crate::targets::{Protected, Target};
use crate::uses::{Quiet, Uses};

/// The IAM service over one store and one seal.
pub struct IdentityManagement {
    pub(crate) directories: Arc<Directories>,
    pub(crate) authority: Authority,
    pub(crate) sealer: Sealer,
    pub(crate) sessions: Arc<Sessions>,
    /// Attempts at codes of MFA devices, by their serial numbers.
    pub(crate) codes: Attempts,
    pub(crate) uses: Uses,
    pub(crate) providers: Providers,
    pub(crate) passwords: Passwords,
}

impl IdentityManagement {
    /// The service over the directories of `access_keys`. Passwords and seeds are sealed under `root`; `journal`
    /// tells when access keys were used.
    pub fn new(access_keys: &AccessKeys, root: &SealRoot, authority: Authority, journal: Reader) -> Self {
        let (directories, sessions) = (access_keys.directories(), access_keys.sessions());
        let uses = Uses::new(directories.db.clone(), journal);
        let sealer = Sealer::new(root, Purpose::Secrets);
        let codes = Attempts::default();
        let providers = Providers::out_of_reach(sessions.clocks().clone());
        let passwords = Passwords::default();
        Self { directories, authority, sealer, sessions, codes, uses, providers, passwords }
    }

    /// The same with identity providers that can be asked for their keys. Without, nobody gets a role on a provider's
    /// word.
    #[must_use]
    pub fn with_providers(self, documents: Arc<dyn ProviderDocuments>) -> Self {
        Self { providers: self.providers.read_by(documents), ..self }
    }

    /// Waits until nobody reads the journal for uses of access keys, and keeps it so while the answer is held.
    pub async fn quiet(&self) -> Quiet<'_> {
        self.uses.quiet().await
    }

    /// Forgets how far the journal has been read, after the store has been emptied and another stream begun.
    pub fn start_over(&self, quiet: Quiet<'_>, journal: Reader) {
        self.directories.start_over();
        self.providers.start_over();
        self.uses.start_over(quiet, journal);
    }

    /// The record up to which a server's journal has been read for uses of access keys and roles: what comes after it is
    /// still needed.
    pub async fn uses_read_to(&self, chain: &str) -> Result<Option<Position>, StoreError> {
        self.uses.read_to(chain).await
    }

    /// Reads the journal on for uses of access keys, until the shutdown begins.
    pub async fn follow_uses(self: Arc<Self>, shutdown: Shutdown) {
        self.uses.follow(shutdown).await;
    }

    /// A turn for a call that hashes passwords.
    pub(crate) fn turn(&self) -> Result<Turn<'_>, Refusal> {
        self.passwords.turn(&self.sealer)
    }

    /// The caller's directory, for an operation that only reads it, once permission to do `A` is given.
    pub(crate) async fn read<A: Action>(
        &self,
        context: &RequestContext,
        targets: &[Target<'_>],
    ) -> Result<Arc<Directory>, Refusal> {
        let directory = self.unread(context).await?;
        self.permit::<A>(context, &directory, targets)?;
        Ok(directory)
    }

    /// The caller's directory where what a call is about must be found out before permission can be asked for.
    pub(crate) async fn unread(&self, context: &RequestContext) -> Result<Arc<Directory>, Refusal> {
        Ok(self.directories.current(context.account()).await?)
    }

    /// Changes the caller's directory. Permission to do `A` is asked for on the very state that the change
    /// commits on; `act` may run more than once, on another state each time.
    pub(crate) async fn change<A: Action, T: Send>(
        &self,
        context: &RequestContext,
        targets: &[Target<'_>],
        act: impl Fn(&mut Edit) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(T, Arc<Directory>), Refusal> {
        let permit = |directory: &Directory| self.permit::<A>(context, directory, targets);
        self.change_if(context, permit, act).await
    }

    /// The same where something is made, with tags: whoever may not do `T`, which gives it tags, may not make it
    /// with any.
    pub(crate) async fn make<A: Action, T: Action, R: Send>(
        &self,
        context: &RequestContext,
        target: Target<'_>,
        tags: &Tags,
        act: impl Fn(&mut Edit) -> Result<R, Refusal> + Send + Sync,
    ) -> Result<(R, Arc<Directory>), Refusal> {
        let permit = |directory: &Directory| {
            self.permit::<A>(context, directory, &[target])?;
            if tags.is_empty() { Ok(()) } else { self.permit::<T>(context, directory, &[target]) }
        };
        self.change_if(context, permit, act).await
    }

    /// The access keys that an account's root user was given.
    pub(crate) async fn given_to_root(&self, account: AccountId) -> Result<Vec<GivenKey>, Refusal> {
        let Directories { db, mac, .. } = &*self.directories;
        Ok(access_keys::given_to_root(db, mac, account).await?)
    }

    /// All access keys of an account's root user.
    pub(crate) async fn access_keys_of_root(&self, directory: &Directory) -> Result<Vec<AccessKey>, Refusal> {
        let given = self.given_to_root(directory.account).await?;
        Ok(directory.settings().root.access_keys(&given))
    }

    /// The ids of those of other accounts whom the trust policy of a role of this one names, by their ARNs or by
    /// these ids, as far as they are there.
    pub(crate) async fn named_elsewhere(
        &self,
        account: AccountId,
        text: &str,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let mut found = BTreeMap::new();
        for account in trust::accounts_elsewhere(account, text)? {
            let directory = self.directories.current(account).await?;
            found.extend(trust::named_elsewhere(&directory, text)?);
        }
        for id in trust::ids_elsewhere(&*self.directories.current(account).await?, text)? {
            if directories::is_known(&self.directories.db, &id).await? {
                found.insert(id.clone(), id);
            }
        }
        Ok(found)
    }

    async fn change_if<T: Send>(
        &self,
        context: &RequestContext,
        permit: impl Fn(&Directory) -> Result<(), Refusal> + Send + Sync,
        act: impl Fn(&mut Edit) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(T, Arc<Directory>), Refusal> {
        let account = context.account();
        // Who may not is told so before anything is locked.
        permit(&*self.directories.current(account).await?)?;
        self.commit(account, context.draft(), permit, act).await
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
            RowChange::AddKey { access_key_id, holder_id, sealed_secret, created_ms } => {
                let user_id = Some(holder_id);
                let row =
                    AccessKeyRow { access_key_id, account, sealed_secret, version: 1, created_ms, user_id };
                self.add_key(tx, &row).await?;
            }
            RowChange::GiveKey { access_key_id, sealed_secret, created_ms } => {
                let user_id = None;
                let row =
                    AccessKeyRow { access_key_id, account, sealed_secret, version: 1, created_ms, user_id };
                self.add_key(tx, &row).await?;
            }
            RowChange::AddAccount(account) => {
                if !accounts::add(tx, mac, &account).await? {
                    return Err(Refusal::exists(format!("Account {} already exists.", account.id)));
                }
            }
            RowChange::DropUses(id) => {
                repo::uses::delete_of_role(tx, &id).await?;
                repo::service_uses::delete(tx, &id).await?;
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

    async fn add_key(&self, tx: &mut Tx<'_>, row: &AccessKeyRow) -> Result<(), Refusal> {
        if access_keys::add(tx, &self.directories.mac, row).await? {
            return Ok(());
        }
        Err(Refusal::internal("a new access key has the id of another"))
    }

    /// Permission to do `A` to all of the targets, as they are in `directory`.
    pub(crate) fn permit<A: Action>(
        &self,
        context: &RequestContext,
        directory: &Directory,
        targets: &[Target<'_>],
    ) -> Result<(), Refusal> {
        for target in targets {
            let protected = Protected::by::<A>(context, directory, *target);
            self.authority.authorize::<A, _>(context, protected)?;
        }
        Ok(())
    }
}
