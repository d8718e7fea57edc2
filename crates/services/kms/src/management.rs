//! Key management proper: keys found, made and used. Every function that reads or changes a key for a caller
//! demands the proof that the caller may.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_crypto::random;
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::{Authority, Authorized, Everything};
use strongroom_seal::{Epoch, Purpose, Root, SealError};
use strongroom_secret::SecretBytes;
use strongroom_store::{Db, RowMac};

use crate::backend::{BuiltIn, KeyBackend};
use crate::cache::Cache;
use crate::domain::alias::{self, Alias, AliasResource, MOST_PER_KEY};
use crate::domain::identifier::{Home, Name, Named};
use crate::domain::key::{Key, KeyState, MaterialId, SharedKey};
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::repo;

/// Keys and aliases kept in memory.
const KEPT: usize = 100_000;

/// Why key management does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The seal does not give its subkeys.
    #[error("the seal does not give the keys that KMS needs")]
    Seal(#[from] SealError),
}

/// The KMS service over one store and one seal.
pub struct KeyManagement {
    db: Db,
    mac: RowMac,
    authority: Authority,
    backend: Box<dyn KeyBackend>,
    keys: Cache<(Home, String), Key>,
    aliases: Cache<(Home, String), Alias>,
}

/// The actions under which a key encrypts.
pub(crate) trait Encrypts: Action {}

impl Encrypts for actions::Encrypt {}
impl Encrypts for actions::GenerateDataKey {}

/// The proof that the caller may make keys in the account.
type MayCreateKeys = Authorized<actions::CreateKey, Everything>;

impl KeyManagement {
    /// The service on `db`, with its own partitions sealed under `root`.
    pub fn new(db: Db, root: &Root, authority: Authority) -> Result<Self, StartError> {
        let mac = RowMac::new(&root.subkey(Purpose::RowMac, Epoch::CURRENT)?);
        let backend = Box::new(BuiltIn::new(db.clone(), root)?);
        Ok(Self { db, mac, authority, backend, keys: Cache::new(KEPT), aliases: Cache::new(KEPT) })
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The key that any form of `KeyId` names.
    pub(crate) async fn find(&self, context: &RequestContext, key_id: &str) -> Result<SharedKey, Refusal> {
        let named = Named::parse(context, key_id)?;
        match named.name {
            Name::Key(key_id) => self.find_key(context, &named.home, &key_id).await,
            Name::Alias(name) => {
                let missing = || Refusal::no_such_alias(&named.home.arn(&name));
                let alias = self.load_alias(&named.home, &name).await?.ok_or_else(missing)?;
                self.find_key(context, &named.home, &alias.key_id).await
            }
        }
    }

    /// The key of that id.
    pub(crate) async fn find_key(
        &self,
        context: &RequestContext,
        home: &Home,
        key_id: &str,
    ) -> Result<SharedKey, Refusal> {
        let key = self.load_key(home, key_id).await?;
        // AWS's text names the caller's account and Region, whatever the request named.
        key.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))
    }

    /// The key that a ciphertext names. A caller who named none is not told whether it exists.
    pub(crate) async fn find_key_of_ciphertext(
        &self,
        home: &Home,
        key_id: &str,
    ) -> Result<SharedKey, Refusal> {
        self.load_key(home, key_id).await?.ok_or(Refusal::CiphertextOfUnknownKey)
    }

    async fn load_key(&self, home: &Home, key_id: &str) -> Result<Option<SharedKey>, Refusal> {
        let name = (home.clone(), key_id.to_owned());
        let ticket = match self.keys.get(&name) {
            Ok(key) => return Ok(Some(key)),
            Err(ticket) => ticket,
        };
        let Some(key) = repo::keys::find(&self.db, &self.mac, home, key_id).await? else { return Ok(None) };
        let key = Arc::new(key);
        self.keys.keep(ticket, name, key.clone());
        Ok(Some(key))
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
        let Some(alias) = repo::aliases::find(&self.db, &self.mac, home, alias).await? else {
            return Ok(None);
        };
        let alias = Arc::new(alias);
        self.aliases.keep(ticket, name, alias.clone());
        Ok(Some(alias))
    }

    /// Makes a symmetric key with its first material.
    pub(crate) async fn create_key(
        &self,
        may: &MayCreateKeys,
        context: &RequestContext,
        description: String,
    ) -> Result<SharedKey, Refusal> {
        let home = Home::owned_by(may.resource().0, context);
        let id = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let key_id = uuid::Builder::from_random_bytes(id).into_uuid().to_string();
        let material = self.backend.generate(&home, &key_id, context.now_ms).await?;
        let key = Key {
            arn: home.key_arn(&key_id),
            home,
            id: key_id,
            version: 1,
            state: KeyState::Enabled,
            description,
            created_ms: context.now_ms,
            current_material: material.id,
            materials: vec![material],
        };
        repo::keys::insert(&self.db, &self.mac, context, &key).await?;
        Ok(Arc::new(key))
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

    /// Makes an alias of a key.
    pub(crate) async fn create_alias(
        &self,
        alias: &Authorized<actions::CreateAlias, AliasResource>,
        key: &Authorized<actions::CreateAlias, SharedKey>,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        let AliasResource { home, name } = alias.resource();
        let key = key.resource();
        if key.home != *home {
            return Err(Refusal::NotFound(format!("Invalid arn {}", key.home.region)));
        }
        let row = Alias {
            home: home.clone(),
            name: name.as_str().to_owned(),
            key_id: key.id.clone(),
            created_ms: context.now_ms,
            updated_ms: context.now_ms,
        };
        let outcome = repo::aliases::insert(&self.db, &self.mac, context, &row, MOST_PER_KEY).await;
        // The key's version has moved on with its aliases.
        self.keys.forget(&(home.clone(), key.id.clone()));
        self.aliases.forget(&(home.clone(), row.name.clone()));
        outcome
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

    /// Encrypts under the key's current material.
    pub(crate) async fn encrypt<A: Encrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        let material =
            key.current().ok_or_else(|| Refusal::internal("a key is without its current material"))?;
        self.backend.encrypt(key, material, context, plaintext).await
    }

    /// Decrypts with the material that the ciphertext names.
    pub(crate) async fn decrypt(
        &self,
        key: &Authorized<actions::Decrypt, SharedKey>,
        material_id: &MaterialId,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let key = key.resource();
        let material = key.material(material_id).ok_or(Refusal::InvalidCiphertext)?;
        self.backend.decrypt(key, material, context, blob).await
    }
}
