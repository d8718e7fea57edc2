//! New keys.

#[cfg(feature = "bulk-load")]
mod bulk;

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_policy::{Authorized, Everything};
use strongroom_secret::Key256;

use super::{KeyManagement, random_id};
use crate::domain::access::KeyPolicy;
use crate::domain::alias::Alias;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, KeyState, Manager, Material, SharedKey};
use crate::domain::managed;
use crate::domain::rotation::Schedule;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::{events, repo};

/// The proof that the caller may make keys in the account.
type MayCreateKeys = Authorized<actions::CreateKey, Everything>;

/// What a caller says of the key that shall be made.
#[derive(Default)]
pub(crate) struct NewKey {
    pub(crate) description: String,
    /// `None` for the default policy.
    pub(crate) policy: Option<String>,
    pub(crate) tags: Tags,
    /// Its id, if the caller may choose.
    pub(crate) id: Option<String>,
    /// Its first material, if the caller may choose.
    pub(crate) material: Option<Key256>,
}

impl KeyManagement {
    /// Whether callers may choose ids and materials of keys.
    pub(crate) fn lets_choose_keys(&self) -> bool {
        self.chosen_keys
    }

    /// The id that a new key gets unless its maker has chosen one.
    pub(crate) fn new_key_id() -> Result<String, Refusal> {
        Ok(uuid::Builder::from_random_bytes(random_id()?).into_uuid().to_string())
    }

    /// Makes a symmetric key with its first material.
    pub(crate) async fn create_key(
        &self,
        may: &MayCreateKeys,
        context: &RequestContext,
        key_id: &str,
        new: NewKey,
    ) -> Result<SharedKey, Refusal> {
        let home = Home::owned_by(may.resource().0, context);
        let material = match &new.material {
            None => self.backend.generate(&home, key_id, context.now_ms).await?,
            Some(chosen) => self.backend.take_in(&home, key_id, chosen, context.now_ms).await?,
        };
        let key = Key {
            description: new.description,
            policy: KeyPolicy::new(new.policy),
            tags: new.tags,
            ..first_state(home, key_id.to_owned(), Manager::Customer, material)
        };
        if !self.insert(&key, None, context.draft()).await? {
            return Err(Refusal::KeyExists(key.arn));
        }
        // Who looked for a chosen id just before has learnt that it was not there.
        self.forget_key(&key.home, &key.id);
        Ok(Arc::new(key))
    }

    /// The id of the key that a service keeps for an account, which is made if it is not there.
    pub(super) async fn ensure_managed_key(
        &self,
        home: &Home,
        service: &str,
        now_ms: i64,
    ) -> Result<String, Refusal> {
        let key_id = Self::new_key_id()?;
        let material = self.backend.generate(home, &key_id, now_ms).await?;
        let key = Key {
            description: managed::description(service),
            rotation: Some(Schedule::yearly(now_ms)),
            ..first_state(home.clone(), key_id, Manager::Service(service.to_owned()), material)
        };
        let alias = Alias {
            home: home.clone(),
            name: managed::alias_of(service),
            key_id: key.id.clone(),
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        let record = events::created_by_service(&key, service, random_id()?);
        let made = self.insert(&key, Some(&alias), Some(&self.outbox.draft(&record))).await;
        self.forget_alias(home, &alias.name);
        if made? {
            self.publish(record).await;
            self.agenda_changed();
            return Ok(key.id);
        }
        // Another call was faster; its key is the one.
        let alias = repo::aliases::find(&self.db, &self.mac, home, &alias.name).await?;
        Ok(alias.ok_or_else(|| Refusal::internal("a service's alias is not in the store"))?.key_id)
    }

    /// Adds a key, with an alias if there is one. Answers whether it did: `false` if the key's id or the
    /// alias's name is taken, and nothing has happened then.
    async fn insert(
        &self,
        key: &Key,
        alias: Option<&Alias>,
        draft: Option<&RecordDraft>,
    ) -> Result<bool, Refusal> {
        let inserted = self.db.transaction(|tx| {
            Box::pin(async move {
                if !repo::keys::insert(tx, &self.mac, key).await? {
                    return Err(Taken::Taken);
                }
                if let Some(alias) = alias
                    && !repo::aliases::insert(tx, &self.mac, alias).await?
                {
                    return Err(Taken::Taken);
                }
                repo::post(tx, draft).await?;
                Ok(())
            })
        });
        match inserted.await {
            Ok(()) => Ok(true),
            Err(Taken::Taken) => Ok(false),
            Err(Taken::Store(error)) => Err(error.into()),
        }
    }
}

/// Why a key was not added; the transaction is rolled back either way.
enum Taken {
    Taken,
    Store(strongroom_store::StoreError),
}

impl From<strongroom_store::StoreError> for Taken {
    fn from(error: strongroom_store::StoreError) -> Self {
        Self::Store(error)
    }
}

/// A key as it is when it is made.
fn first_state(home: Home, id: String, manager: Manager, material: Material) -> Key {
    Key {
        arn: home.key_arn(&id),
        home,
        id,
        version: 1,
        manager,
        state: KeyState::Enabled,
        description: String::new(),
        created_ms: material.created_ms,
        policy: KeyPolicy::default(),
        tags: Tags::default(),
        rotation: None,
        on_demand_rotations: 0,
        current_material: material.id,
        materials: vec![material],
    }
}
