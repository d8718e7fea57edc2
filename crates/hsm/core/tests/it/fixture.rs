//! A partition and keys in it.

use strongroom_hsm_core::{
    Attributes, KeyHandle, KeyToken, KeyType, OpenedKey, Partition, PartitionId, PartitionKey, Usage,
};
use strongroom_secret::Secret;

pub(crate) const MATERIAL_ID: [u8; 32] = [0x4d; 32];
pub(crate) const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) fn attributes(usage: Usage) -> Attributes {
    Attributes { key_type: KeyType::Aes256, usage }
}

/// May encrypt and decrypt.
pub(crate) fn both() -> Attributes {
    attributes(Usage::ENCRYPT_DERIVED | Usage::DECRYPT_DERIVED)
}

pub(crate) fn partition(cache_capacity: usize) -> Partition {
    let key = PartitionKey::from_bytes(&[0x77; 32]).unwrap();
    Partition::new(PartitionId([1; 16]), 1, 1, &key, cache_capacity).unwrap()
}

pub(crate) fn generate(partition: &Partition) -> KeyToken {
    partition.generate(KeyHandle::random().unwrap(), &both()).unwrap()
}

/// A key whose material is `material`, with these attributes.
pub(crate) fn opened(material: [u8; 32], attributes: Attributes) -> OpenedKey {
    let partition = partition(1);
    let handle = KeyHandle::random().unwrap();
    let token = partition.import(handle, &attributes, &Secret::new(material.to_vec())).unwrap();
    partition.open(&token.reference, &token.bytes).unwrap()
}
