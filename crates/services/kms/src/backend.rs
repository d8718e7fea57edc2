//! Where a key's cryptography is done.

mod built_in;
mod cluster;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::RequestContext;
use strongroom_secret::SecretBytes;

pub(crate) use self::built_in::{BuiltIn, partition_context};
use self::cluster::InCluster;
use crate::cache::Cache;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material, MaterialId};
use crate::domain::spec::{
    EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, Peer, Signed, SigningAlgorithm,
};
use crate::error::Refusal;
use crate::management::KeyStores;

/// A material that shall be made, and the key that it is for.
pub(crate) struct Wanted<'w> {
    pub(crate) home: &'w Home,
    pub(crate) key_id: &'w str,
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    /// The id that the material gets, unless the backend derives one from the material itself.
    pub(crate) material_id: MaterialId,
    /// Now, in milliseconds since 1970.
    pub(crate) now_ms: i64,
}

/// Why a backend has not made a material.
pub(crate) enum NotMade {
    /// Nothing was made.
    Certainly(Refusal),
    /// Nobody knows whether it was made where it lives.
    Perhaps(Refusal),
}

impl NotMade {
    pub(crate) fn into_refusal(self) -> Refusal {
        match self {
            Self::Certainly(refusal) | Self::Perhaps(refusal) => refusal,
        }
    }
}

impl<E: Into<Refusal>> From<E> for NotMade {
    fn from(error: E) -> Self {
        Self::Certainly(error.into())
    }
}

/// A ciphertext that shall become one under another key, or for another context.
pub(crate) struct ReEncryption<'r> {
    pub(crate) from: (&'r Key, &'r Material),
    pub(crate) from_context: &'r EncryptionContext,
    pub(crate) blob: &'r [u8],
    pub(crate) to: (&'r Key, &'r Material),
    pub(crate) to_context: &'r EncryptionContext,
}

/// A data key, encrypted, and in the clear if that was asked for.
pub(crate) struct DataKey {
    pub(crate) plaintext: Option<SecretBytes>,
    pub(crate) blob: Vec<u8>,
}

/// A secret, and how it is sent to whoever has the private half.
pub(crate) struct Encapsulated {
    pub(crate) secret: SecretBytes,
    pub(crate) ciphertext: Vec<u8>,
}

/// What a backend says of keys that it does not make.
const NOT_HERE: Refusal = Refusal::NotYet("keys of that KeySpec in custom key stores");

/// How a key stands in its backend.
pub(crate) struct Standing {
    /// Its material can be used, as far as is known.
    pub(crate) available: bool,
    /// The CloudHSM cluster that holds its material.
    pub(crate) cluster_id: Option<String>,
}

/// A place that holds keys and computes with them. KMS asks it for every operation on a key's material and
/// never learns the material itself.
#[async_trait]
pub(crate) trait KeyBackend: Send + Sync {
    /// Whether it makes keys of that spec for that usage.
    fn offers(&self, spec: KeySpec, usage: KeyUsage) -> bool;

    /// Whether materials live outside the store, so that no transaction covers them.
    fn keeps_outside(&self) -> bool {
        false
    }

    /// Refuses a new key that the place cannot take now.
    async fn expect_room(&self, _context: &RequestContext) -> Result<(), Refusal> {
        Ok(())
    }

    /// Refuses work on materials while they are out of reach.
    async fn expect_reach(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// How a key stands.
    async fn standing(&self, _key: &Key) -> Result<Standing, Refusal> {
        Ok(Standing { available: true, cluster_id: None })
    }

    /// Makes a material.
    async fn generate(&self, wanted: &Wanted<'_>) -> Result<Material, NotMade>;

    /// Makes a material out of a key that was made elsewhere: secret bytes as they are, private halves as PKCS#8. What
    /// is no material of that spec is [`Refusal::InvalidCiphertext`], whatever is wrong with it.
    async fn take_in(&self, _wanted: &Wanted<'_>, _chosen: &SecretBytes) -> Result<Material, Refusal> {
        Err(Refusal::NotYet("chosen key material outside the built-in partitions"))
    }

    /// Makes the same material as that of another key of this backend, which may be in another Region.
    async fn adopt(&self, _wanted: &Wanted<'_>, _from: (&Key, &Material)) -> Result<Material, Refusal> {
        Err(Refusal::internal("materials are shared between built-in partitions alone"))
    }

    /// Deletes a material where it lives outside the store, and answers whether it was there.
    async fn destroy(&self, _material_id: &MaterialId) -> Result<bool, Refusal> {
        Ok(false)
    }

    /// Lets a deleted key go from memory.
    fn forget(&self, key: &Key);

    /// Lets everything go from memory.
    fn clear(&self);

    /// Encrypts under a material of the key: a key of its own for each message, and a commitment to it.
    async fn encrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal>;

    /// Decrypts what [`KeyBackend::encrypt`] made of the same key, material and context.
    async fn decrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal>;

    /// Makes `length` random bytes and encrypts them.
    async fn generate_data_key(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        length: usize,
        want_plaintext: bool,
    ) -> Result<DataKey, Refusal> {
        let plaintext = self.random(length).await?;
        let blob = self.encrypt(key, material, context, plaintext.expose()).await?;
        Ok(DataKey { plaintext: want_plaintext.then_some(plaintext), blob })
    }

    /// Decrypts and encrypts again, where both keys are of this backend.
    async fn re_encrypt(&self, what: &ReEncryption<'_>) -> Result<Vec<u8>, Refusal> {
        let (key, material) = what.from;
        let plaintext = self.decrypt(key, material, what.from_context, what.blob).await?;
        let (key, material) = what.to;
        self.encrypt(key, material, what.to_context, plaintext.expose()).await
    }

    /// Signs with the private half of a pair.
    async fn sign(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: SigningAlgorithm,
        _signed: Signed<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        Err(NOT_HERE)
    }

    /// Tells whether a signature is right.
    async fn verify(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: SigningAlgorithm,
        _signed: Signed<'_>,
        _signature: &[u8],
    ) -> Result<bool, Refusal> {
        Err(NOT_HERE)
    }

    /// Makes a MAC.
    async fn mac(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: MacAlgorithm,
        _message: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Err(NOT_HERE)
    }

    /// Tells whether a MAC is right.
    async fn verify_mac(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: MacAlgorithm,
        _message: &[u8],
        _mac: &[u8],
    ) -> Result<bool, Refusal> {
        Err(NOT_HERE)
    }

    /// Encrypts with the public half of a pair: what the algorithm makes of it and no more.
    async fn encrypt_raw(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: EncryptionAlgorithm,
        _plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Err(NOT_HERE)
    }

    /// Decrypts with the private half of a pair.
    async fn decrypt_raw(
        &self,
        _key: &Key,
        _material: &Material,
        _algorithm: EncryptionAlgorithm,
        _ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        Err(NOT_HERE)
    }

    /// Agrees on a secret with the holder of another key.
    async fn agree(&self, _key: &Key, _material: &Material, _peer: &Peer) -> Result<SecretBytes, Refusal> {
        Err(NOT_HERE)
    }

    /// Makes a secret with the public half of a pair, for whoever has the private one.
    async fn encapsulate(&self, _key: &Key, _material: &Material) -> Result<Encapsulated, Refusal> {
        Err(NOT_HERE)
    }

    /// Takes such a secret out with the private half. `ciphertext` has the length that it must have.
    async fn decapsulate(
        &self,
        _key: &Key,
        _material: &Material,
        _ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        Err(NOT_HERE)
    }

    /// Makes random bytes.
    async fn random(&self, length: usize) -> Result<SecretBytes, Refusal>;
}

/// Key stores whose backends are kept in memory.
const KEPT: usize = 10_000;

/// The backends of a service, each found by the place where a key's materials are.
pub(crate) struct Backends {
    built_in: Arc<dyn KeyBackend>,
    stores: Arc<KeyStores>,
    in_clusters: Cache<(Home, String), InCluster>,
}

impl Backends {
    /// The partitions of this node, and key stores.
    pub(crate) fn new(built_in: BuiltIn, stores: Arc<KeyStores>) -> Self {
        Self { built_in: Arc::new(built_in), stores, in_clusters: Cache::new(KEPT, usize::MAX) }
    }

    /// The backend of keys at `home` in that custom key store, or in none. Whether there is such a store shows when
    /// the backend is used; what callers name is to be found before, so that not everything is kept that they say.
    pub(crate) fn of(&self, home: &Home, store: Option<&str>) -> Arc<dyn KeyBackend> {
        let Some(store) = store else { return self.built_in.clone() };
        let name = (home.clone(), store.to_owned());
        match self.in_clusters.get(&name) {
            Ok(backend) => backend,
            Err(ticket) => {
                let backend = Arc::new(InCluster::new(home.clone(), store.to_owned(), self.stores.clone()));
                self.in_clusters.keep(ticket, name, backend.clone());
                backend
            }
        }
    }

    /// Lets a key store that is gone go from memory.
    pub(crate) fn forget(&self, home: &Home, store: &str) {
        self.in_clusters.forget(&(home.clone(), store.to_owned()));
    }

    /// Lets everything go from memory.
    pub(crate) fn clear(&self) {
        self.built_in.clear();
        self.in_clusters.clear();
    }
}
