//! The public keys of digests, as `aws cloudtrail list-public-keys` prints them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use strongroom_crypto::hex;
use strongroom_crypto::md5::md5;
use strongroom_crypto::rsa::PublicKey;

/// No list of keys is longer, in bytes.
const LONGEST: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    public_key_list: Vec<One>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    /// A DER `RSAPublicKey`, in base 64.
    value: String,
}

/// Keys by their fingerprints: MD5 of the DER, in hexadecimal.
pub(super) struct PublicKeys(HashMap<String, PublicKey>);

impl PublicKeys {
    /// Reads files of them.
    pub(super) fn read(files: &[impl AsRef<Path>]) -> Result<Self> {
        let mut keys = HashMap::new();
        for file in files.iter().map(AsRef::as_ref) {
            let of_file = || format!("{}: not what `aws cloudtrail list-public-keys` prints", file.display());
            if fs::metadata(file).with_context(|| file.display().to_string())?.len() > LONGEST {
                bail!("{}: far too long for a list of keys", file.display());
            }
            let listed: Listed = serde_json::from_slice(&fs::read(file)?).with_context(of_file)?;
            for One { value } in listed.public_key_list {
                let der = STANDARD.decode(value).with_context(of_file)?;
                let key = PublicKey::from_pkcs1(&der).with_context(of_file)?;
                // Reckoned here: a list that names keys by others' fingerprints is of no use.
                keys.insert(hex::encode(&md5(&der)?), key);
            }
        }
        Ok(Self(keys))
    }

    pub(super) fn has(&self, fingerprint: &str) -> bool {
        self.0.contains_key(fingerprint)
    }

    pub(super) fn get(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.0.get(fingerprint)
    }
}
