//! Ciphertexts and tokens from long ago (`testdata/SOURCE.md`).

use strongroom_crypto::hex;
use strongroom_hsm_core::{
    Attributes, BlobHeader, EncryptionContext, HsmError, KeyHandle, KeyType, OpenedKey, Partition,
    PartitionId, PartitionKey, TokenDigest, TokenRef, Usage, parse_header,
};

use crate::fixture::{KEY_ID, both, opened};

/// The records of a file, in their order.
struct Record(Vec<(&'static str, &'static str)>);

impl Record {
    fn read(file: &'static str) -> Vec<Self> {
        file.split("\n\n").map(|record| Self(record.lines().filter_map(field).collect())).collect()
    }

    fn text(&self, name: &str) -> &'static str {
        self.0.iter().find(|(field, _)| *field == name).unwrap().1
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.text(name)).unwrap()
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap()
    }

    fn context(&self) -> EncryptionContext {
        let text = |hexadecimal| String::from_utf8(hex::decode(hexadecimal).unwrap()).unwrap();
        let pairs = self.0.iter().filter(|(field, _)| *field == "context").map(|(_, pair)| {
            let (key, value) = pair.split_once(':').unwrap();
            (text(key), text(value))
        });
        EncryptionContext::new(pairs).unwrap()
    }
}

/// A line is a field or the record's title.
fn field(line: &'static str) -> Option<(&'static str, &'static str)> {
    line.strip_prefix("# ").map(|title| ("title", title)).or_else(|| line.split_once(" = "))
}

#[test]
fn old_ciphertexts_open() {
    let records = Record::read(include_str!("../../testdata/derived-golden.txt"));
    assert_eq!(records.len(), 5);
    for record in records {
        let title = record.text("title");
        let blob = record.bytes("blob");
        let names = BlobHeader { key_id: record.text("key-id"), material_id: &record.array("material-id") };
        assert_eq!(parse_header(&blob), Ok(names), "{title}");
        let key = opened(record.array("key"), both());
        let plaintext = key.decrypt_derived(&blob, &record.context()).unwrap();
        assert_eq!(*plaintext.expose(), record.bytes("plaintext"), "{title}");
    }
}

#[test]
fn what_was_never_sound_never_opens() {
    let records = Record::read(include_str!("../../testdata/derived-refused.txt"));
    assert_eq!(records.len(), 21);
    for record in records {
        let key = opened(record.array("key"), both());
        let refused = key.decrypt_derived(&record.bytes("blob"), &record.context()).map(|_| ());
        assert_eq!(refused, Err(HsmError::InvalidCiphertext), "{}", record.text("title"));
    }
}

/// The record of the first token that there was, and its partition, which is that of all of them.
fn first_token() -> (Record, Partition) {
    let records = Record::read(include_str!("../../testdata/token-golden.txt"));
    let [record] = <[Record; 1]>::try_from(records).ok().unwrap();
    let partition = Partition::new(
        PartitionId(record.array("partition-id")),
        record.text("incarnation").parse().unwrap(),
        record.text("epoch").parse().unwrap(),
        &PartitionKey::from_bytes(&record.bytes("partition-key")).unwrap(),
        1,
    )
    .unwrap();
    (record, partition)
}

fn open(partition: &Partition, record: &Record) -> OpenedKey {
    let current = TokenRef {
        handle: KeyHandle::from_bytes(record.array("handle")),
        digest: TokenDigest::from_bytes(record.array("digest")),
    };
    partition.open(&current, &record.bytes("token")).unwrap()
}

#[test]
fn an_old_token_opens() {
    let (record, partition) = first_token();
    let key = open(&partition, &record);
    assert_eq!(key.attributes(), both());

    let names = BlobHeader { key_id: KEY_ID, material_id: &[0; 32] };
    let blob = key.encrypt_derived(&names, &EncryptionContext::default(), b"proof").unwrap();
    let same = opened(record.array("material"), both());
    assert_eq!(same.decrypt_derived(&blob, &EncryptionContext::default()).unwrap().expose(), b"proof");
}

#[test]
fn old_tokens_of_every_type_open() {
    let (_, partition) = first_token();
    let records = Record::read(include_str!("../../testdata/tokens-golden.txt"));
    let types: Vec<_> = records.iter().map(|record| record.text("type")).collect();
    let known: Vec<_> = KeyType::ALL.iter().map(|key_type| format!("{key_type:?}")).collect();
    assert_eq!(types, known[1..], "the AES key is in a file of its own");
    for (record, key_type) in records.iter().zip(&KeyType::ALL[1..]) {
        let key = open(&partition, record);
        let usage = match record.text("usage") {
            "12" => Usage::SIGNATURES,
            "48" => Usage::ENCRYPTION,
            "64" => Usage::AGREE,
            "384" => Usage::ENCAPSULATION,
            other => panic!("{other}"),
        };
        assert_eq!(key.attributes(), Attributes { key_type: *key_type, usage });
        assert_eq!(key.fingerprint(b"golden-key").unwrap(), record.array("fingerprint"), "{key_type:?}");
        match key.public_key().unwrap() {
            Some(public) => assert_eq!(public, record.bytes("public"), "{key_type:?}"),
            None => assert_eq!(key.mac(b"proof").unwrap(), record.bytes("mac"), "{key_type:?}"),
        }
        if usage == Usage::ENCAPSULATION {
            let secret = key.decapsulate(&record.bytes("ciphertext")).unwrap();
            assert_eq!(*secret.expose(), record.bytes("secret"), "{key_type:?}");
        }
    }
}
