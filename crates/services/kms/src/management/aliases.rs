//! Aliases made, pointed at other keys, and removed. Permission is needed on the alias and on every key that
//! gains or loses it (KMS Developer Guide, "Controlling access to aliases").

use strongroom_api_kms::actions;
use strongroom_identity::{Action, RequestContext};
use strongroom_store::Tx;

use super::{ALIAS_RESOURCE, KeyManagement};
use crate::domain::alias::{Alias, AliasName, AliasResource};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::repo;

impl KeyManagement {
    /// Makes an alias of a key, and answers the key.
    pub(crate) async fn create_alias(
        &self,
        context: &RequestContext,
        name: &AliasName,
        target: &str,
    ) -> Result<Key, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, target)?;
        let (home, key_id) = (&home, key_id.as_str());
        let alias = &Alias {
            home: Home::of(context),
            name: name.as_str().to_owned(),
            key_id: key_id.to_owned(),
            created_ms: context.now_ms,
            updated_ms: context.now_ms,
        };
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                let mut key = self.new_target::<actions::CreateAlias>(tx, context, home, key_id).await?;
                self.permit_alias::<actions::CreateAlias>(context, name)?;
                expect_same_home(&key, &alias.home)?;
                key.expect_staying()?;
                key.aliases.add(name.as_str());
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                if !repo::aliases::insert(tx, &self.mac, alias).await? {
                    return Err(Refusal::AliasExists(alias.arn()));
                }
                expect_room(tx, &key, self.settings.quotas.aliases_per_key).await?;
                repo::post(tx, context.draft()).await?;
                Ok(key)
            })
        });
        let made = made.await;
        self.forget_key(home, key_id);
        self.forget_alias(&alias.home, &alias.name);
        made
    }

    /// Points an alias at another key, and answers that key.
    pub(crate) async fn update_alias(
        &self,
        context: &RequestContext,
        name: &AliasName,
        target: &str,
    ) -> Result<Key, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, target)?;
        let (home, key_id) = (&home, key_id.as_str());
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let mut alias = self.alias_to_change::<actions::UpdateAlias>(tx, context, name).await?;
                let mut key = self.new_target::<actions::UpdateAlias>(tx, context, home, key_id).await?;
                expect_same_home(&key, &alias.home)?;
                key.expect_staying()?;
                if alias.key_id != key.id {
                    let mut former = self.target_of::<actions::UpdateAlias>(tx, context, &alias).await?;
                    key.expect_kind_of(&former)?;
                    former.aliases.remove(name.as_str());
                    repo::keys::replace(tx, &self.mac, &mut former).await?;
                }
                key.aliases.add(name.as_str());
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                let former = std::mem::replace(&mut alias.key_id, key.id.clone());
                alias.updated_ms = context.now_ms;
                repo::aliases::replace(tx, &self.mac, &alias).await?;
                expect_room(tx, &key, self.settings.quotas.aliases_per_key).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>((key, former))
            })
        });
        let changed = changed.await;
        self.forget_alias(&Home::of(context), name.as_str());
        self.forget_key(home, key_id);
        self.forget_former(&changed, |(key, former)| (&key.home, former));
        changed.map(|(key, _)| key)
    }

    /// Removes an alias, and answers the key that it was of.
    pub(crate) async fn delete_alias(
        &self,
        context: &RequestContext,
        name: &AliasName,
    ) -> Result<Key, Refusal> {
        let removed = self.db.transaction(|tx| {
            Box::pin(async move {
                let alias = self.alias_to_change::<actions::DeleteAlias>(tx, context, name).await?;
                let mut key = self.target_of::<actions::DeleteAlias>(tx, context, &alias).await?;
                key.aliases.remove(name.as_str());
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                repo::aliases::delete(tx, &alias).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(key)
            })
        });
        let removed = removed.await;
        self.forget_alias(&Home::of(context), name.as_str());
        self.forget_former(&removed, |key| (&key.home, &key.id));
        removed
    }

    /// Drops what is in memory of the key that an alias was of: policies may speak of a key's aliases.
    fn forget_former<T>(&self, outcome: &Result<T, Refusal>, former: impl FnOnce(&T) -> (&Home, &str)) {
        match outcome {
            Ok(changed) => {
                let (home, key_id) = former(changed);
                self.forget_key(home, key_id);
            }
            // Which key has lost the alias is not known.
            Err(refusal) if refusal.leaves_doubt() => self.keys.clear(),
            Err(_) => {}
        }
    }

    /// The caller's alias of that name, with permission to do `A` to it.
    async fn alias_to_change<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        name: &AliasName,
    ) -> Result<Alias, Refusal> {
        let home = Home::of(context);
        let alias = repo::aliases::load(tx, &self.mac, &home, name.as_str()).await?;
        let alias = alias.ok_or_else(|| Refusal::no_such_alias(&home.arn(name.as_str())))?;
        self.permit_alias::<A>(context, name)?;
        Ok(alias)
    }

    /// The key that an alias is to be of, with permission to do `A` to it.
    async fn new_target<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        home: &Home,
        key_id: &str,
    ) -> Result<Key, Refusal> {
        let key = repo::keys::load(tx, &self.mac, home, key_id).await?;
        let key = key.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))?;
        self.permit_change::<A>(context, key)
    }

    /// The key that an alias is of, with permission to do `A` to it.
    async fn target_of<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        alias: &Alias,
    ) -> Result<Key, Refusal> {
        let key = repo::keys::load(tx, &self.mac, &alias.home, &alias.key_id).await?;
        let key = key.ok_or_else(|| Refusal::internal("an alias is of a key that is not there"))?;
        self.permit_change::<A>(context, key)
    }

    fn permit_alias<A: Action>(&self, context: &RequestContext, name: &AliasName) -> Result<(), Refusal> {
        let alias = AliasResource { home: Home::of(context), name: name.clone() };
        context.touched(ALIAS_RESOURCE, alias.home.account, alias.home.arn(name.as_str()));
        self.authority.authorize::<A, _>(context, alias)?;
        Ok(())
    }
}

/// Aliases and their keys are of one account and Region.
fn expect_same_home(key: &Key, home: &Home) -> Result<(), Refusal> {
    if key.home == *home {
        Ok(())
    } else {
        Err(Refusal::NotFound(format!("Invalid arn {}", key.home.region)))
    }
}

/// Refuses the alias too many, which this transaction has given to the key.
pub(super) async fn expect_room(tx: &mut Tx<'_>, key: &Key, most: u32) -> Result<(), Refusal> {
    if repo::aliases::count_of_key(tx, &key.home, &key.id).await? > i64::from(most) {
        return Err(Refusal::LimitExceeded(format!("A key can have at most {most} aliases.")));
    }
    Ok(())
}
