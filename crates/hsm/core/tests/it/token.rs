//! Key tokens: which open where.

use strongroom_hsm_core::{
    BlobHeader, EncryptionContext, HsmError, KeyHandle, KeyToken, Partition, PartitionId, PartitionKey,
    TokenDigest, TokenRef, Usage,
};
use strongroom_secret::Secret;

use crate::fixture::{KEY_ID, MATERIAL_ID, attributes, both, generate, partition};

const NAMES: BlobHeader<'static> = BlobHeader { key_id: KEY_ID, material_id: &MATERIAL_ID };

fn open(partition: &Partition, current: &TokenRef, token: &[u8]) -> Result<(), HsmError> {
    partition.open(current, token).map(|_| ())
}

#[test]
fn a_key_outlives_its_partition_in_its_token() {
    let none = EncryptionContext::default();
    let (token, blob) = {
        let partition = partition(10);
        let token = generate(&partition);
        let key = partition.open(&token.reference, &token.bytes).unwrap();
        (token, key.encrypt_derived(&NAMES, &none, b"kept").unwrap())
    };
    let partition = partition(10);
    let key = partition.open(&token.reference, &token.bytes).unwrap();
    assert_eq!(key.decrypt_derived(&blob, &none).unwrap().expose(), b"kept");
}

#[test]
fn keys_differ_and_a_token_shows_nothing_of_its_material() {
    let partition = partition(10);
    let handle = KeyHandle::random().unwrap();
    let none = EncryptionContext::default();
    let one = partition.generate(handle, &both()).unwrap();
    let other = partition.generate(handle, &both()).unwrap();
    assert_ne!(one.reference, other.reference);
    let blob =
        partition.open(&one.reference, &one.bytes).unwrap().encrypt_derived(&NAMES, &none, b"").unwrap();
    let opened = partition.open(&other.reference, &other.bytes).unwrap().decrypt_derived(&blob, &none);
    assert_eq!(opened.map(|_| ()), Err(HsmError::InvalidCiphertext));

    let material = [0x5e; 32];
    let imported = partition.import(handle, &both(), &Secret::new(material.to_vec())).unwrap();
    assert!(!imported.bytes.windows(4).any(|window| window == &material[..4]));
}

#[test]
fn only_the_current_token_opens() {
    let partition = partition(10);
    let handle = KeyHandle::random().unwrap();
    let material = Secret::new(vec![5; 32]);
    let old = partition.import(handle, &both(), &material).unwrap();
    let restricted = attributes(Usage::DECRYPT_DERIVED);
    let new = partition.import(handle, &restricted, &material).unwrap();

    partition.open(&old.reference, &old.bytes).unwrap();
    assert_eq!(open(&partition, &new.reference, &old.bytes), Err(HsmError::TokenNotCurrent));
    assert!(partition.cached(&new.reference).is_none(), "the old one was opened, not this");
    assert_eq!(partition.open(&new.reference, &new.bytes).unwrap().attributes(), restricted);
    assert!(partition.cached(&old.reference).is_none());
    assert_eq!(open(&partition, &old.reference, &new.bytes), Err(HsmError::TokenNotCurrent));
}

#[test]
fn a_token_is_at_home_in_one_place() {
    let key = PartitionKey::generate().unwrap();
    let home = |id, incarnation, epoch, key| {
        Partition::new(PartitionId([id; 16]), incarnation, epoch, key, 10).unwrap()
    };
    let KeyToken { reference, bytes } = generate(&home(1, 2, 3, &key));
    let copy = PartitionKey::from_bytes(key.expose()).unwrap();
    assert_eq!(open(&home(1, 2, 3, &copy), &reference, &bytes), Ok(()));

    let other_key = PartitionKey::generate().unwrap();
    for partition in
        [home(2, 2, 3, &key), home(1, 1, 3, &key), home(1, 2, 4, &key), home(1, 2, 3, &other_key)]
    {
        assert_eq!(open(&partition, &reference, &bytes), Err(HsmError::InvalidToken));
    }
    let other_handle = TokenRef { handle: KeyHandle::from_bytes([0; 16]), ..reference };
    assert_eq!(open(&home(1, 2, 3, &key), &other_handle, &bytes), Err(HsmError::InvalidToken));
}

/// Also with the digest of the changed token: the digest is the caller's safeguard against old tokens, not
/// what keeps a token whole.
#[test]
fn a_token_changed_or_cut_anywhere_is_refused() {
    let partition = partition(10);
    let KeyToken { reference, bytes } = generate(&partition);
    for (position, bit) in (0..bytes.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
        let mut changed = bytes.clone();
        changed[position] ^= 1 << bit;
        assert_eq!(open(&partition, &reference, &changed), Err(HsmError::TokenNotCurrent));
        let current = TokenRef { digest: TokenDigest::of(&changed), ..reference };
        let expected =
            if position == 0 { HsmError::UnsupportedToken(changed[0]) } else { HsmError::InvalidToken };
        assert_eq!(open(&partition, &current, &changed), Err(expected), "byte {position}, bit {bit}");
    }
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        let current = TokenRef { digest: TokenDigest::of(cut), ..reference };
        assert_eq!(open(&partition, &current, cut), Err(HsmError::InvalidToken), "cut at {length}");
    }
}

#[test]
fn partition_keys_have_32_bytes() {
    for length in [0, 16, 31, 33] {
        let key = PartitionKey::from_bytes(&vec![1; length]);
        assert_eq!(key.map(|_| ()), Err(HsmError::InvalidPartitionKey));
    }
}
