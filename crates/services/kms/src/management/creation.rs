//! New keys.

#[cfg(feature = "bulk-load")]
mod bulk;

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_policy::{Authorized, Everything};
use strongroom_secret::{Key256, SecretBytes};
use strongroom_store::Tx;

use super::{KeyManagement, random_id};
use crate::backend::{NotMade, Wanted};
use crate::domain::access::KeyPolicy;
use crate::domain::alias::{Alias, AliasNames};
use crate::domain::grant::Holdings;
use crate::domain::identifier::Home;
use crate::domain::import::Import;
use crate::domain::key::{Key, KeyState, Manager, Material, SharedKey};
use crate::domain::managed;
use crate::domain::multi_region::{ID_PREFIX, MultiRegion};
use crate::domain::origin::Origin;
use crate::domain::rotation::Schedule;
use crate::domain::spec::{KeySpec, KeyUsage};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::{events, repo};

/// The proof that the caller may make keys in the account.
type MayCreateKeys = Authorized<actions::CreateKey, Everything>;

/// What a caller says of the key that shall be made.
pub(crate) struct NewKey {
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    /// Where its materials come from.
    pub(crate) origin: Origin,
    /// The custom key store whose cluster holds it.
    pub(crate) store: Option<String>,
    /// Whether it is a primary key that can be replicated into other Regions.
    pub(crate) is_multi_region: bool,
    pub(crate) description: String,
    pub(crate) policy: KeyPolicy,
    pub(crate) tags: Tags,
    /// Its id, if the caller may choose.
    pub(crate) id: Option<String>,
    /// Its first material, if the caller may choose.
    pub(crate) material: Option<Key256>,
}

impl Default for NewKey {
    /// A symmetric key, of which nothing is said.
    fn default() -> Self {
        Self {
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            store: None,
            is_multi_region: false,
            description: String::new(),
            policy: KeyPolicy::default(),
            tags: Tags::default(),
            id: None,
            material: None,
        }
    }
}

impl KeyManagement {
    /// Whether callers may choose ids and materials of keys.
    pub(crate) fn lets_choose_keys(&self) -> bool {
        self.settings.chosen_keys
    }

    /// The id that a new key gets unless its maker has chosen one.
    pub(crate) fn new_key_id() -> Result<String, Refusal> {
        Ok(uuid::Builder::from_random_bytes(random_id()?).into_uuid().to_string())
    }

    /// The same for a multi-Region key.
    pub(crate) fn new_multi_region_id() -> Result<String, Refusal> {
        let id = uuid::Builder::from_random_bytes(random_id()?).into_uuid();
        Ok(format!("{ID_PREFIX}{}", id.simple()))
    }

    /// Makes a key with its first material, or without one if its owner brings it.
    pub(crate) async fn create_key(
        &self,
        may: &MayCreateKeys,
        context: &RequestContext,
        key_id: &str,
        new: NewKey,
    ) -> Result<SharedKey, Refusal> {
        let home = Home::owned_by(may.resource().0, context);
        let wanted = Wanted {
            home: &home,
            key_id,
            spec: new.spec,
            usage: new.usage,
            material_id: random_id()?,
            now_ms: context.now_ms,
        };
        if new.is_multi_region {
            self.linked_role.ensure(context).await?;
        }
        let region = home.region;
        let store = new.store.as_deref();
        let backend = self.backend_in(&home, store).await?;
        backend.expect_room(context).await.map_err(Refusal::of_key_store)?;
        if !backend.offers(new.spec, new.usage) {
            return Err(match store {
                None => Refusal::internal("a KeySpec that no Region here has was not refused"),
                Some(_) => Refusal::Unsupported(Some(format!(
                    "KeySpec {} is not supported in custom key stores",
                    new.spec.as_str()
                ))),
            });
        }
        self.expect_room_for_keys(&home).await?;
        let first = match (new.origin, &new.material) {
            (Origin::External, None) => {
                awaiting_import(home.clone(), key_id.to_owned(), Manager::Customer, context.now_ms)
            }
            (Origin::External, Some(_)) => {
                return Err(Refusal::Validation(
                    "Key material cannot be chosen for a key of Origin EXTERNAL, for which it is imported"
                        .to_owned(),
                ));
            }
            (_, None) => {
                let made = self.make_material(&*backend, store, &wanted).await;
                with_first(&home, key_id, made.map_err(Refusal::of_key_store)?)
            }
            (_, Some(chosen)) => {
                let taken_in = backend.take_in(&wanted, &bytes_of(chosen)).await;
                let material = taken_in.map_err(|refusal| match refusal {
                    Refusal::InvalidCiphertext => Refusal::Validation(format!(
                        "Key material of 32 bytes cannot be chosen for KeySpec {}",
                        new.spec.as_str()
                    )),
                    other => other,
                })?;
                with_first(&home, key_id, material)
            }
        };
        let key = Key {
            description: new.description,
            policy: new.policy,
            tags: new.tags,
            store: new.store,
            multi_region: new.is_multi_region.then(|| MultiRegion::alone(region)),
            spec: new.spec,
            usage: new.usage,
            ..first
        };
        let inserted = self.insert(&key, None, context.draft()).await;
        if !matches!(inserted, Ok(true)) {
            for material in &key.materials {
                self.discard(&key.home, key.store.as_deref(), &material.id).await;
            }
        }
        if !inserted? {
            return Err(Refusal::KeyExists(key.arn));
        }
        // Who looked for a chosen id just before has learnt that it was not there.
        self.forget_key(&key.home, &key.id);
        Ok(SharedKey::new(Arc::new(key), Holdings::new()))
    }

    /// The id of the key that a service keeps for an account, which is made if it is not there.
    pub(super) async fn ensure_managed_key(
        &self,
        home: &Home,
        service: &str,
        now_ms: i64,
    ) -> Result<String, Refusal> {
        let key_id = Self::new_key_id()?;
        let material = self.built_in_material(home, &key_id, now_ms).await?;
        let mut key = Key {
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
        key.aliases.add(&alias.name);
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

    /// The first material of a symmetric key in a built-in partition.
    async fn built_in_material(&self, home: &Home, key_id: &str, now_ms: i64) -> Result<Material, Refusal> {
        let wanted = Wanted {
            home,
            key_id,
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            material_id: random_id()?,
            now_ms,
        };
        self.backends.of(home, None).generate(&wanted).await.map_err(NotMade::into_refusal)
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
                if let Some(store_id) = &key.store {
                    // It may have been disconnected since, and deleted: it seemed to hold no key.
                    let store = repo::key_stores::load(tx, &self.mac, &key.home, store_id).await?;
                    store.ok_or_else(|| Refusal::NoSuchKeyStore(store_id.clone()))?.expect_connected()?;
                }
                self.expect_room_for_key(tx, key).await?;
                if !repo::keys::insert(tx, &self.mac, key).await? {
                    return Err(Taken::Taken);
                }
                for material in &key.materials {
                    self.settle(tx, key, &material.id).await?;
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
            Err(Taken::Refused(refusal)) => Err(refusal),
        }
    }
}

impl KeyManagement {
    /// Refuses a customer's key that is one too many in its account and Region, where there is a limit.
    pub(super) async fn expect_room_for_key(&self, tx: &mut Tx<'_>, key: &Key) -> Result<(), Refusal> {
        let quotas = self.settings.quotas;
        if quotas.keys.is_none() || key.manager != Manager::Customer {
            return Ok(());
        }
        quotas.expect_room_for_key(repo::keys::count_own(tx, &key.home).await?)
    }
}

impl KeyManagement {
    /// The same before a key is made, which may take long and fill HSMs. Whether there is room still shows when it is added.
    async fn expect_room_for_keys(&self, home: &Home) -> Result<(), Refusal> {
        let quotas = self.settings.quotas;
        if quotas.keys.is_none() {
            return Ok(());
        }
        let counted = self.db.transaction(|tx| {
            Box::pin(async move { repo::keys::count_own(tx, home).await.map_err(Refusal::from) })
        });
        quotas.expect_room_for_key(counted.await?)
    }
}

/// Why a key was not added; the transaction is rolled back either way.
enum Taken {
    Taken,
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for Taken {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// A chosen material as backends take it in.
pub(super) fn bytes_of(chosen: &Key256) -> SecretBytes {
    SecretBytes::new(chosen.expose().to_vec())
}

/// A customer's key as it is when it is made with its first material.
fn with_first(home: &Home, key_id: &str, material: Material) -> Key {
    first_state(home.clone(), key_id.to_owned(), Manager::Customer, material)
}

/// A key as it is when it is made for materials that its owner brings.
fn awaiting_import(home: Home, id: String, manager: Manager, now_ms: i64) -> Key {
    Key {
        state: KeyState::PendingImport,
        import: Some(Import::AWAITED),
        ..without_material(home, id, manager, now_ms)
    }
}

/// A key as it is when it is made with its first material.
pub(super) fn first_state(home: Home, id: String, manager: Manager, material: Material) -> Key {
    let bare = without_material(home, id, manager, material.created_ms);
    Key { current_material: Some(material.id), materials: vec![material], ..bare }
}

fn without_material(home: Home, id: String, manager: Manager, created_ms: i64) -> Key {
    Key {
        arn: home.key_arn(&id),
        home,
        id,
        version: 1,
        manager,
        store: None,
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        state: KeyState::Enabled,
        multi_region: None,
        description: String::new(),
        created_ms,
        policy: KeyPolicy::default(),
        tags: Tags::default(),
        aliases: AliasNames::none(),
        rotation: None,
        on_demand_rotations: 0,
        grants: 0,
        import: None,
        current_material: None,
        materials: Vec::new(),
    }
}
