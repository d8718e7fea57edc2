//! Partitions: where keys are made, opened and kept opened.

use std::fmt;

use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::random;
use strongroom_secret::{Key256, SecretBytes};

use crate::cache::{Cache, CacheStats};
use crate::opened::Opened;
use crate::token::{self, Place};
use crate::{Attributes, HsmError, KeyHandle, KeyToken, OpenedKey, TokenDigest, TokenRef};

const TOKENS_LABEL: &[u8] = b"strongroom/hsm/tokens";
const FIRST_VERSION: u32 = 1;

/// Names a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionId(pub [u8; 16]);

/// The key under which all of a partition is kept. The caller keeps it sealed, and drops it once the
/// partition is made.
#[derive(Clone, Debug)]
pub struct PartitionKey(Key256);

impl PartitionKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, HsmError> {
        Ok(Self(random::key256()?))
    }

    /// Takes the 32 bytes of a key that was kept sealed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HsmError> {
        Key256::copied_from(bytes).map(Self).ok_or(HsmError::InvalidPartitionKey)
    }

    /// Shows the key, to be sealed.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// A partition: makes key tokens, opens them, and keeps a bounded number of keys opened.
///
/// Threads share it; it never waits for anything but another thread's look into the same part of the cache.
pub struct Partition {
    place: Place,
    token_key: Key256,
    cache: Cache<OpenedKey>,
}

impl Partition {
    /// Opens the partition `id`. `incarnation` counts its restores and `epoch` its changes of key; tokens of
    /// another incarnation or epoch do not open. At most `cache_capacity` keys are kept opened.
    pub fn new(
        id: PartitionId,
        incarnation: u32,
        epoch: u32,
        key: &PartitionKey,
        cache_capacity: usize,
    ) -> Result<Self, HsmError> {
        let mut place = Place([0; Place::LENGTH]);
        place.0[..16].copy_from_slice(&id.0);
        place.0[16..20].copy_from_slice(&incarnation.to_be_bytes());
        place.0[20..].copy_from_slice(&epoch.to_be_bytes());
        let token_key = Key256::filled(|bytes| {
            sp800_108_counter_hmac_sha256(key.expose(), TOKENS_LABEL, &place.0, bytes)
        })?;
        Ok(Self { place, token_key, cache: Cache::new(cache_capacity) })
    }

    /// Makes a key. An RSA key takes from some tens of milliseconds to seconds.
    pub fn generate(&self, handle: KeyHandle, attributes: &Attributes) -> Result<KeyToken, HsmError> {
        self.seal(handle, attributes.checked()?, &Opened::generate(attributes.key_type)?)
    }

    /// Takes in a key that was made elsewhere: 32 bytes for AES, as many as [`KeyType::mac_key_lengths`] says for MACs,
    /// a PKCS#8 document for pairs. Whatever else is [`HsmError::InvalidMaterial`].
    pub fn import(
        &self,
        handle: KeyHandle,
        attributes: &Attributes,
        material: &SecretBytes,
    ) -> Result<KeyToken, HsmError> {
        let key = Opened::parse(attributes.key_type, material.expose());
        self.seal(handle, attributes.checked()?, &key.map_err(|_| HsmError::InvalidMaterial)?)
    }

    /// Takes in a key of another partition, with the same attributes. Its material never leaves the core.
    pub fn adopt(&self, handle: KeyHandle, key: &OpenedKey) -> Result<KeyToken, HsmError> {
        self.seal(handle, key.attributes(), key.opened())
    }

    fn seal(&self, handle: KeyHandle, attributes: Attributes, key: &Opened) -> Result<KeyToken, HsmError> {
        let material = key.secret_bytes()?;
        token::seal(&self.token_key, &self.place, handle, FIRST_VERSION, attributes, material.expose())
    }

    /// Gives the key of the token `current`, if it is opened already.
    pub fn cached(&self, current: &TokenRef) -> Option<OpenedKey> {
        self.cache.get(current)
    }

    /// Gives the key of the token `current`; `token` is looked at only if it is not opened already.
    ///
    /// `current` says which token counts now. Any other is [`HsmError::TokenNotCurrent`], also if it was the
    /// key's token once: so a store that gives back old state cannot bring back old attributes.
    pub fn open(&self, current: &TokenRef, token: &[u8]) -> Result<OpenedKey, HsmError> {
        if let Some(key) = self.cache.get(current) {
            return Ok(key);
        }
        if TokenDigest::of(token) != current.digest {
            return Err(HsmError::TokenNotCurrent);
        }
        let (attributes, material) = token::open(&self.token_key, &self.place, current.handle, token)?;
        let key = OpenedKey::new(attributes, &material)?;
        self.cache.insert(*current, key.clone());
        Ok(key)
    }

    /// Lets a deleted key go from the cache. Who opens its token just now still can: the caller's state is
    /// what must not name it any more.
    pub fn forget(&self, handle: KeyHandle) {
        self.cache.remove(handle);
    }

    /// Tells what the cache of opened keys holds.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
