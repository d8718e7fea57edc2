//! Reading the trimmed Wycheproof files under `testdata/`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
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

#[derive(Deserialize)]
struct File<T> {
    tests: Vec<T>,
}

pub(crate) fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str::<File<T>>(file).unwrap().tests
}
