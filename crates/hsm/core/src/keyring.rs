//! Sealed key material of an HSM: keys by epoch, and tokens under them.
//!
//! ```text
//! format                      1 byte
//! incarnation, epoch          4 bytes each, big-endian
//! material, salted and sealed under the epoch's key for tokens
//! ```
//!
//! What stands before the material, and what the token is of (a key's record, all but the list of whom it is
//! shared with), is its associated data: with another attribute, version or owner it does not open.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use prost::Message;
use strongroom_crypto::salted;
use strongroom_secret::{Key256, SecretBytes};

use crate::HsmError;
use crate::effect::KeyRecord;

/// Tokens of the built-in partition have format 1.
const FORMAT: u8 = 2;
const HEADER_LENGTH: usize = 9;
const LABEL: &[u8] = b"strongroom/hsm/object";

/// The keys under which tokens are sealed, by incarnation and epoch.
#[derive(Default)]
pub(crate) struct Keyring(RwLock<BTreeMap<Place, Arc<Key256>>>);

pub(crate) type Place = (u32, u32);

impl Keyring {
    pub(crate) fn set(&self, place: Place, key: &Key256) {
        let key = Arc::new(key.clone());
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(place, key);
    }

    pub(crate) fn forget_before(&self, place: Place) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|known, _| *known >= place);
    }

    /// The place of the key that is sealed under; none as long as there is none.
    pub(crate) fn newest_place(&self) -> Option<Place> {
        self.newest().ok().map(|(place, _)| place)
    }

    fn newest(&self) -> Result<(Place, Arc<Key256>), HsmError> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (place, key) = keys.last_key_value().ok_or(HsmError::NoPartitionKey)?;
        Ok((*place, Arc::clone(key)))
    }

    fn of(&self, place: Place) -> Result<Arc<Key256>, HsmError> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&place).cloned().ok_or(HsmError::NoPartitionKey)
    }

    /// Seals material under the newest epoch's key.
    pub(crate) fn seal(&self, of: &[u8], material: &[u8]) -> Result<Vec<u8>, HsmError> {
        let ((incarnation, epoch), key) = self.newest()?;
        let mut token = Vec::with_capacity(HEADER_LENGTH + material.len() + salted::OVERHEAD);
        token.push(FORMAT);
        token.extend_from_slice(&incarnation.to_be_bytes());
        token.extend_from_slice(&epoch.to_be_bytes());
        let associated = [&token, of].concat();
        salted::seal_into(&key, LABEL, &associated, material, &mut token)?;
        Ok(token)
    }

    /// Opens a token.
    pub(crate) fn open(&self, of: &[u8], token: &[u8]) -> Result<SecretBytes, HsmError> {
        let (header, sealed) = token.split_at_checked(HEADER_LENGTH).ok_or(HsmError::InvalidToken)?;
        let key = self.of(place(header)?)?;
        salted::open(&key, LABEL, &[header, of].concat(), sealed).map_err(|_| HsmError::InvalidToken)
    }

    /// Whether a token is of an older epoch than the newest.
    pub(crate) fn is_old(&self, token: &[u8]) -> bool {
        match (self.newest(), place(token)) {
            (Ok((newest, _)), Ok(place)) => place < newest,
            _ => false,
        }
    }

    /// Seals the material of a key into its record.
    pub(crate) fn seal_key(&self, mut record: KeyRecord, material: &[u8]) -> Result<KeyRecord, HsmError> {
        record.token = self.seal(&bound(&record), material)?;
        Ok(record)
    }

    /// Opens the material of a key.
    pub(crate) fn open_key(&self, record: &KeyRecord) -> Result<SecretBytes, HsmError> {
        self.open(&bound(record), &record.token)
    }
}

/// What a key's token is bound to.
fn bound(record: &KeyRecord) -> Vec<u8> {
    KeyRecord { token: Vec::new(), shared_with: Vec::new(), ..record.clone() }.encode_to_vec()
}

fn place(token: &[u8]) -> Result<Place, HsmError> {
    let (format, rest) = token.split_first().ok_or(HsmError::InvalidToken)?;
    if *format != FORMAT {
        return Err(HsmError::UnsupportedToken(*format));
    }
    let (incarnation, rest) = rest.split_first_chunk().ok_or(HsmError::InvalidToken)?;
    let (epoch, _) = rest.split_first_chunk().ok_or(HsmError::InvalidToken)?;
    Ok((u32::from_be_bytes(*incarnation), u32::from_be_bytes(*epoch)))
}
