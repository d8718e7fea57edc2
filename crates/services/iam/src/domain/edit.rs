//! A directory that one call changes.

use std::collections::BTreeSet;
use std::ops::Deref;

use super::directory::{Directory, Entry};
use super::group::Group;
use super::kind::Kind;
use super::mfa::Device;
use super::policy::Policy;
use super::provider::Provider;
use super::role::Role;
use super::root_user::RootUser;
use super::settings::Settings;
use super::user::User;
use crate::accounts::Account;
use crate::error::Refusal;

/// What a call changes. What is put and removed is noted, so that only that is written.
pub(crate) struct Edit {
    directory: Directory,
    changed: BTreeSet<String>,
    rows: Vec<RowChange>,
}

/// A change to a row beside the entities, made in the same transaction.
#[derive(Clone, Debug)]
pub(crate) enum RowChange {
    /// An access key of a user, or of the root user, by his id, with its secret, sealed.
    AddKey { access_key_id: String, holder_id: String, sealed_secret: Vec<u8>, created_ms: i64 },
    /// An access key that the operator gives the root user, with its secret, sealed.
    GiveKey { access_key_id: String, sealed_secret: Vec<u8>, created_ms: i64 },
    /// The account is one of the installation's from now on.
    AddAccount(Account),
    /// What is known of the uses of the user or role of that id goes with it.
    DropUses(String),
    /// The access key of that id goes.
    DropKey(String),
    /// An alias is the account's from now on, unless another has it.
    TakeAlias(String),
    /// An alias is free again.
    FreeAlias(String),
}

impl Deref for Edit {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl Edit {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, changed: BTreeSet::new(), rows: Vec::new() }
    }

    /// Adds an entity, unless its name is taken or there are too many.
    pub(crate) fn add(&mut self, kind: Kind, path: &str, name: &str, entry: Entry) -> Result<(), Refusal> {
        if self.is_taken(kind, path, name) {
            return Err(kind.taken(name));
        }
        let (quota, limit) = kind.quota();
        if self.count(kind) >= limit {
            return Err(Refusal::quota(quota, limit));
        }
        self.put(entry);
        Ok(())
    }

    /// Puts an entity in place of the one with its id.
    pub(crate) fn put(&mut self, entry: Entry) {
        self.changed.insert(entry.id().to_owned());
        self.directory.insert(entry);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.changed.insert(id.to_owned());
        self.directory.remove(id);
    }

    /// Changes a row beside the entities.
    pub(crate) fn row(&mut self, change: RowChange) {
        self.rows.push(change);
    }

    /// Changes the user of that name; so do the next ones.
    pub(crate) fn user_mut<T>(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut User) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut user = self.user(name)?.clone();
        let answer = act(&mut user)?;
        self.put(Entry::User(user));
        Ok(answer)
    }

    pub(crate) fn group_mut<T>(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Group) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut group = self.group(name)?.clone();
        let answer = act(&mut group)?;
        self.put(Entry::Group(group));
        Ok(answer)
    }

    /// Roles that belong to services are refused.
    pub(crate) fn role_mut<T>(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Role) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.role(name)?.expect_own()?;
        self.any_role_mut(name, act)
    }

    /// Also a role that belongs to a service.
    pub(crate) fn any_role_mut<T>(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut Role) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut role = self.role(name)?.clone();
        let answer = act(&mut role)?;
        self.put(Entry::Role(role));
        Ok(answer)
    }

    pub(crate) fn policy_mut<T>(
        &mut self,
        arn: &str,
        act: impl FnOnce(&mut Policy) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut policy = self.policy(arn)?.clone();
        let answer = act(&mut policy)?;
        self.put(Entry::Policy(policy));
        Ok(answer)
    }

    pub(crate) fn device_mut<T>(
        &mut self,
        serial: &str,
        act: impl FnOnce(&mut Device) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut device = self.device(serial)?.clone();
        let answer = act(&mut device)?;
        self.put(Entry::Device(device));
        Ok(answer)
    }

    pub(crate) fn provider_mut<T>(
        &mut self,
        arn: &str,
        act: impl FnOnce(&mut Provider) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut provider = self.provider(arn)?.clone();
        let answer = act(&mut provider)?;
        self.put(Entry::Provider(provider));
        Ok(answer)
    }

    pub(crate) fn settings_mut<T>(
        &mut self,
        act: impl FnOnce(&mut Settings) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut settings = self.settings();
        let answer = act(&mut settings)?;
        self.put(Entry::Settings(settings));
        Ok(answer)
    }

    pub(crate) fn root_mut<T>(
        &mut self,
        act: impl FnOnce(&mut RootUser) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.settings_mut(|settings| act(&mut settings.root))
    }

    /// The directory as it is now, the ids of what has changed, and the rows beside it.
    pub(crate) fn finish(self, version: i64) -> (Directory, BTreeSet<String>, Vec<RowChange>) {
        let mut directory = self.directory;
        directory.version = version;
        (directory, self.changed, self.rows)
    }
}
