//! Finding keys and aliases, by whatever name.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::{Authorized, Everything};

use super::{KEY_RESOURCE, KeyManagement};
use crate::backend::Standing;
use crate::domain::alias::{self, Alias};
use crate::domain::identifier::{Home, Name, Named};
use crate::domain::key::{Key, SharedKey};
use crate::domain::managed::{self, ManagedAlias};
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::repo;

impl KeyManagement {
    /// The key that any form of `KeyId` names, for a caller who wants to do `A` to it.
    pub(crate) async fn find<A: Action>(
        &self,
        context: &RequestContext,
        key_id: &str,
    ) -> Result<SharedKey, Refusal> {
        let Named { home, name } = Named::parse(context, key_id)?;
        let name = match name {
            Name::Key(key_id) => return self.find_key(context, &home, &key_id).await,
            Name::Alias(name) => name,
        };
        if let Some(alias) = self.load_alias(&home, &name).await? {
            return self.find_key(context, &home, &alias.key_id).await;
        }
        match managed::service_of(&name) {
            // A service's key comes into being when its alias is first used, by someone who may.
            Some(service) if home == Home::of(context) => {
                let resource = ManagedAlias::new(home.clone(), service);
                self.authority().authorize::<A, _>(context, resource)?;
                let key_id = Box::pin(self.ensure_managed_key(&home, service, context.now_ms)).await?;
                self.find_key(context, &home, &key_id).await
            }
            _ => Err(Refusal::no_such_alias(&home.arn(&name))),
        }
    }

    /// The key that any form of `KeyId` names, if there is one.
    pub(crate) async fn named(
        &self,
        context: &RequestContext,
        key_id: &str,
    ) -> Result<Option<SharedKey>, Refusal> {
        let Ok(Named { home, name }) = Named::parse(context, key_id) else { return Ok(None) };
        let name = match name {
            Name::Key(key_id) => return self.load_key(context, &home, &key_id).await,
            Name::Alias(name) => name,
        };
        match self.load_alias(&home, &name).await? {
            Some(alias) => self.load_key(context, &home, &alias.key_id).await,
            None => Ok(None),
        }
    }

    /// The key of that id.
    pub(crate) async fn find_key(
        &self,
        context: &RequestContext,
        home: &Home,
        key_id: &str,
    ) -> Result<SharedKey, Refusal> {
        let key = self.load_key(context, home, key_id).await?;
        // AWS's text names the caller's account and Region, whatever the request named.
        key.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))
    }

    /// The key that a ciphertext names, which may be another account's. A caller who named none is not told whether
    /// it exists.
    pub(crate) async fn find_key_of_ciphertext(
        &self,
        context: &RequestContext,
        key_id: &str,
    ) -> Result<SharedKey, Refusal> {
        let own = Home::of(context);
        let name = (own.clone(), key_id.to_owned());
        let found = self.foreign_keys.get(&name);
        if let Ok(home) = &found
            && let Some(key) = self.load_key(context, home, key_id).await?
        {
            return Ok(key);
        }
        if let Some(key) = self.load_key(context, &own, key_id).await? {
            return Ok(key);
        }
        let owner = Box::pin(repo::keys::find_owner(&self.db, own.region, key_id)).await?;
        let home = Home::owned_by(owner.ok_or(Refusal::CiphertextOfUnknownKey)?, context);
        let key = self.load_key(context, &home, key_id).await?.ok_or(Refusal::CiphertextOfUnknownKey)?;
        if let Err(ticket) = found {
            self.foreign_keys.keep(ticket, name, Arc::new(home));
        }
        Ok(key)
    }

    /// The key that a key id or key ARN names, with permission to do `A`; for operations that take no alias.
    pub(crate) async fn permitted<A: Action>(
        &self,
        context: &RequestContext,
        key_id: &str,
    ) -> Result<Authorized<A, SharedKey>, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let key = self.find_key(context, &home, &key_id).await?;
        context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
        Ok(self.authority().authorize(context, key)?)
    }

    /// How a key stands where its materials are.
    pub(crate) async fn standing(&self, key: &Key) -> Result<Standing, Refusal> {
        self.backend(key).standing(key).await
    }

    /// What a dry run answers that has got as far as the cryptography: that the call would have succeeded, unless
    /// the key's material cannot be used now.
    pub(crate) async fn dry_run(&self, key: &Key) -> Refusal {
        if let Err(refusal) = self.usable(key) {
            return refusal;
        }
        match self.standing(key).await {
            Err(refusal) => refusal,
            Ok(standing) if standing.available => Refusal::DryRun,
            Ok(_) => key.unavailable(),
        }
    }

    /// The key with the grants that the caller has on it.
    pub(super) async fn load_key(
        &self,
        context: &RequestContext,
        home: &Home,
        key_id: &str,
    ) -> Result<Option<SharedKey>, Refusal> {
        let name = (home.clone(), key_id.to_owned());
        let key = match self.keys.get(&name) {
            Ok(key) => key,
            Err(ticket) => {
                // Boxed, as all that waits for the store on the way of every call: few calls have to carry it.
                let found = Box::pin(repo::keys::find(&self.db, &self.mac, home, key_id)).await?;
                let Some(key) = found.map(Arc::new) else { return Ok(None) };
                self.keys.keep(ticket, name, key.clone());
                key
            }
        };
        let holdings = self.holdings(context, &key).await?;
        Ok(Some(SharedKey::new(key, holdings)))
    }

    async fn load_alias(&self, home: &Home, alias: &str) -> Result<Option<Arc<Alias>>, Refusal> {
        if !alias::can_exist(alias) {
            return Ok(None);
        }
        let name = (home.clone(), alias.to_owned());
        let ticket = match self.aliases.get(&name) {
            Ok(alias) => return Ok(Some(alias)),
            Err(ticket) => ticket,
        };
        let Some(alias) = Box::pin(repo::aliases::find(&self.db, &self.mac, home, alias)).await? else {
            return Ok(None);
        };
        let alias = Arc::new(alias);
        self.aliases.keep(ticket, name, alias.clone());
        Ok(Some(alias))
    }

    /// The ids of an account's keys, one more than the page holds if there are more.
    pub(crate) async fn list_key_ids(
        &self,
        may: &Authorized<actions::ListKeys, Everything>,
        context: &RequestContext,
        page: &Page,
    ) -> Result<Vec<String>, Refusal> {
        let home = Home::owned_by(may.resource().0, context);
        Ok(repo::keys::list_ids(&self.db, &home, &page.after, page.limit + 1).await?)
    }

    /// Aliases of an account, or of one of its keys; one more than the page holds if there are more.
    pub(crate) async fn list_aliases(
        &self,
        may: &Authorized<actions::ListAliases, Everything>,
        context: &RequestContext,
        key_id: Option<&str>,
        page: &Page,
    ) -> Result<Vec<Alias>, Refusal> {
        let home = Home::owned_by(may.resource().0, context);
        Ok(repo::aliases::list(&self.db, &self.mac, &home, key_id, &page.after, page.limit + 1).await?)
    }
}
