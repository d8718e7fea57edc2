//! Reading the trimmed Wycheproof files under `testdata/`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hex;

/// Bytes that a file writes in hexadecimal.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        hex::decode(&text).map(Self).ok_or("not hexadecimal")
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Valid,
    Invalid,
}

/// A hash function by its name here.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HashName(pub(crate) Hash);

impl TryFrom<String> for HashName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Hash::ALL.into_iter().find(|hash| format!("{hash:?}") == text).map(Self).ok_or("no such hash")
    }
}

#[derive(Deserialize)]
struct File<T> {
    /// Keys that several tests use, by their position.
    #[serde(default)]
    keys: Vec<Bytes>,
    tests: Vec<T>,
}

pub(crate) fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str::<File<T>>(file).unwrap().tests
}

/// The keys of a file, and its tests.
pub(crate) fn read_with_keys<T: DeserializeOwned>(file: &str) -> (Vec<Vec<u8>>, Vec<T>) {
    let file = serde_json::from_str::<File<T>>(file).unwrap();
    (file.keys.into_iter().map(|key| key.0).collect(), file.tests)
}
