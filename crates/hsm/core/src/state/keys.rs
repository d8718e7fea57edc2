//! Keys, with what they are found by.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use strongroom_hsm_proto::command::KeyClass;

use crate::effect::KeyRecord;
use crate::material::Material;
use crate::session::Room;
use crate::{KeyHandle, TokenDigest, TokenRef};

/// A key object, with what its opened form is recognised by.
pub(crate) struct KeyEntry {
    pub(crate) record: KeyRecord,
    pub(crate) reference: TokenRef,
    /// The opened form itself, of session keys: they are sealed nowhere.
    pub(crate) live: Option<Live>,
}

/// A session key's opened form, and the room that it takes.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) material: Arc<Material>,
    pub(crate) _room: Arc<Room>,
}

impl KeyEntry {
    pub(crate) fn new(record: KeyRecord) -> Arc<Self> {
        let sealed = if record.token.is_empty() { &record.public } else { &record.token };
        let handle = Self::cache_handle(record.handle);
        let reference = TokenRef { handle, digest: TokenDigest::of(sealed) };
        Arc::new(Self { record, reference, live: None })
    }

    /// A session key.
    pub(crate) fn live(record: KeyRecord, live: Live) -> Arc<Self> {
        let handle = Self::cache_handle(record.handle);
        let reference = TokenRef { handle, digest: TokenDigest::from_bytes([0; 32]) };
        Arc::new(Self { record, reference, live: Some(live) })
    }

    /// What the opened form of a key is found by.
    pub(crate) fn cache_handle(handle: u64) -> KeyHandle {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&handle.to_be_bytes());
        KeyHandle::from_bytes(bytes)
    }
}

/// All token keys.
#[derive(Default)]
pub(crate) struct Keys {
    by_handle: BTreeMap<u64, Arc<KeyEntry>>,
    by_label: HashMap<String, BTreeSet<u64>>,
    by_id: HashMap<Vec<u8>, BTreeSet<u64>>,
    by_class: HashMap<i32, BTreeSet<u64>>,
    by_type: HashMap<i32, BTreeSet<u64>>,
    by_owner: HashMap<String, BTreeSet<u64>>,
    by_share: HashMap<String, BTreeSet<u64>>,
    asymmetric: usize,
}

impl Keys {
    pub(crate) fn get(&self, handle: u64) -> Option<&Arc<KeyEntry>> {
        self.by_handle.get(&handle)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<KeyEntry>> {
        self.by_handle.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_handle.len()
    }

    /// How many are halves of pairs.
    pub(crate) fn asymmetric(&self) -> usize {
        self.asymmetric
    }

    /// Whether the crypto user owns a key.
    pub(crate) fn owned_by(&self, name: &str) -> bool {
        self.by_owner.contains_key(name)
    }

    pub(crate) fn with_label(&self, label: &str) -> Option<&BTreeSet<u64>> {
        self.by_label.get(label)
    }

    pub(crate) fn with_id(&self, id: &[u8]) -> Option<&BTreeSet<u64>> {
        self.by_id.get(id)
    }

    pub(crate) fn of_class(&self, class: i32) -> Option<&BTreeSet<u64>> {
        self.by_class.get(&class)
    }

    pub(crate) fn of_type(&self, key_type: i32) -> Option<&BTreeSet<u64>> {
        self.by_type.get(&key_type)
    }

    pub(crate) fn put(&mut self, entry: Arc<KeyEntry>) {
        let handle = entry.record.handle;
        self.delete(handle);
        let record = &entry.record;
        add(&mut self.by_label, record.label.clone(), handle);
        add(&mut self.by_id, record.id.clone(), handle);
        add(&mut self.by_class, record.class, handle);
        add(&mut self.by_type, record.key_type, handle);
        add(&mut self.by_owner, record.owner.clone(), handle);
        for name in &record.shared_with {
            add(&mut self.by_share, name.clone(), handle);
        }
        self.asymmetric += usize::from(is_asymmetric(record));
        self.by_handle.insert(handle, entry);
    }

    pub(crate) fn delete(&mut self, handle: u64) {
        let Some(entry) = self.by_handle.remove(&handle) else {
            return;
        };
        let record = &entry.record;
        take(&mut self.by_label, &record.label, handle);
        take(&mut self.by_id, &record.id, handle);
        take(&mut self.by_class, &record.class, handle);
        take(&mut self.by_type, &record.key_type, handle);
        take(&mut self.by_owner, &record.owner, handle);
        for name in &record.shared_with {
            take(&mut self.by_share, name, handle);
        }
        self.asymmetric -= usize::from(is_asymmetric(record));
    }

    /// The handles of keys that are shared with a crypto user.
    pub(crate) fn shared_with(&self, name: &str) -> impl Iterator<Item = u64> {
        self.by_share.get(name).into_iter().flatten().copied()
    }

    /// The handles of keys that a crypto user owns.
    pub(crate) fn of_owner(&self, name: &str) -> impl Iterator<Item = u64> {
        self.by_owner.get(name).into_iter().flatten().copied()
    }

    /// The handles of public keys.
    pub(crate) fn public(&self) -> impl Iterator<Item = u64> {
        self.of_class(KeyClass::PublicKey.into()).into_iter().flatten().copied()
    }

    /// A user that goes leaves the lists of whom keys are shared with. These stand in the state only, not in the
    /// key tokens, so tokens stay as they are.
    pub(crate) fn end_shares(&mut self, name: &str) {
        for handle in self.shared_with(name).collect::<Vec<_>>() {
            if let Some(entry) = self.by_handle.get(&handle) {
                let mut record = entry.record.clone();
                record.shared_with.retain(|other| other != name);
                self.put(KeyEntry::new(record));
            }
        }
    }
}

fn is_asymmetric(record: &KeyRecord) -> bool {
    record.class != i32::from(KeyClass::SecretKey)
}

fn add<K: Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: K, handle: u64) {
    index.entry(key).or_default().insert(handle);
}

fn take<K: Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: &K, handle: u64) {
    if let Some(handles) = index.get_mut(key) {
        handles.remove(&handle);
        if handles.is_empty() {
            index.remove(key);
        }
    }
}
