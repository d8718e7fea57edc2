//! The keys of all epochs in memory: what a value names is looked up here.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_crypto::CryptoError;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_secret::Key256;

use crate::{CheckValue, Epoch, Purpose};

const CHECK_LABEL: &[u8] = b"strongroom/check";
const EPOCH_LABEL: &[u8] = b"strongroom/epoch";

/// A root key and what is derived from it.
pub(crate) struct Generation {
    pub(crate) epoch: Epoch,
    pub(crate) key: Key256,
    pub(crate) check: CheckValue,
    subkeys: BTreeMap<Purpose, Arc<Key256>>,
}

impl Generation {
    /// Derives everything at once, so that looking a key up cannot fail later.
    pub(crate) fn new(epoch: Epoch, key: Key256) -> Result<Self, CryptoError> {
        let check = CheckValue::new(*derive(&key, CHECK_LABEL, b"")?.expose());
        let subkeys = Purpose::ALL.iter().map(|purpose| {
            let purpose_key = derive(&key, purpose.label().as_bytes(), b"")?;
            let subkey = derive(&purpose_key, EPOCH_LABEL, &epoch.number().to_be_bytes())?;
            Ok((*purpose, Arc::new(subkey)))
        });
        Ok(Self { epoch, subkeys: subkeys.collect::<Result<_, CryptoError>>()?, key, check })
    }
}

/// The root keys that are there, and the subkeys that are left of those that are gone.
#[derive(Clone)]
pub(crate) struct Ring {
    current: Arc<Generation>,
    whole: BTreeMap<Epoch, Arc<Generation>>,
    kept: BTreeMap<(Epoch, Purpose), Arc<Key256>>,
}

impl Ring {
    /// The ring of one root key.
    pub(crate) fn of(generation: Generation) -> Self {
        let current = Arc::new(generation);
        Self { whole: BTreeMap::from([(current.epoch, current.clone())]), current, kept: BTreeMap::new() }
    }

    /// The root key under which new values are sealed.
    pub(crate) fn current(&self) -> &Arc<Generation> {
        &self.current
    }

    /// The newest root key, which is not in use yet while a rotation begins.
    pub(crate) fn newest(&self) -> &Arc<Generation> {
        self.whole.last_key_value().map_or(&self.current, |(_, newest)| newest)
    }

    /// The root key of that epoch, if it is there whole.
    pub(crate) fn whole(&self, epoch: Epoch) -> Option<&Arc<Generation>> {
        self.whole.get(&epoch)
    }

    /// All root keys that are there, oldest first.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Generation>> {
        self.whole.values()
    }

    /// The subkeys that are left of root keys that are gone.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (Epoch, Purpose, &Arc<Key256>)> {
        self.kept.iter().map(|((epoch, purpose), key)| (*epoch, *purpose, key))
    }

    /// The subkey of `purpose` in `epoch`, if there is one.
    pub(crate) fn subkey(&self, purpose: Purpose, epoch: Epoch) -> Option<Arc<Key256>> {
        match self.whole.get(&epoch) {
            Some(generation) => generation.subkeys.get(&purpose).cloned(),
            None => self.kept.get(&(epoch, purpose)).cloned(),
        }
    }

    /// Takes a root key in, in the place of another of that epoch.
    pub(crate) fn put(&mut self, generation: Generation) {
        self.whole.insert(generation.epoch, Arc::new(generation));
    }

    /// Takes in what is left of a root key that is gone.
    pub(crate) fn keep(&mut self, epoch: Epoch, purpose: Purpose, key: Key256) {
        self.kept.insert((epoch, purpose), Arc::new(key));
    }

    /// Has new values sealed in that epoch. Tells whether it is there.
    pub(crate) fn select(&mut self, epoch: Epoch) -> bool {
        match self.whole.get(&epoch) {
            Some(generation) => {
                self.current = generation.clone();
                true
            }
            None => false,
        }
    }

    /// Drops root keys older than `epoch`, and subkeys that are left of older ones, except those for which `stays` tells so.
    /// Tells whether any went.
    pub(crate) fn retire_before(&mut self, epoch: Epoch, stays: impl Fn(Epoch, Purpose) -> bool) -> bool {
        let before = (self.whole.len(), self.kept.len());
        let (newer, older) = std::mem::take(&mut self.whole).into_iter().partition(|(of, _)| *of >= epoch);
        self.whole = newer;
        for generation in BTreeMap::into_values(older) {
            let subkeys = generation.subkeys.iter();
            self.kept.extend(subkeys.map(|(purpose, key)| ((generation.epoch, *purpose), key.clone())));
        }
        self.kept.retain(|(epoch, purpose), _| stays(*epoch, *purpose));
        before != (self.whole.len(), self.kept.len())
    }
}

/// `SP800-108(key, label, context)`.
pub(crate) fn derive(key: &Key256, label: &[u8], context: &[u8]) -> Result<Key256, CryptoError> {
    Key256::filled(|bytes| sp800_108_counter_hmac_sha256(key.expose(), label, context, bytes))
}
