//! The passwords of `kmsuser`, as the store keeps them.

use strongroom_crypto::random;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_secret::{SecretString, constant_time_eq};

use crate::domain::key_store::KeyStore;
use crate::error::Refusal;

/// How many characters a password that KMS makes has: as many as HSMs take.
const LENGTH: usize = 32;

/// The characters of passwords that KMS makes.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Seals and opens passwords, each bound to its key store.
pub(in crate::management) struct Passwords(Sealer);

impl Passwords {
    pub(in crate::management) fn new(root: &Root) -> Self {
        Self(Sealer::new(root, Purpose::KeyStoreCredentials))
    }

    /// Seals a password of that key store.
    pub(super) fn seal(&self, store: &KeyStore, password: &str) -> Result<Vec<u8>, Refusal> {
        Ok(self.0.seal(&bound_to(store), password.as_bytes())?)
    }

    /// Opens a password of that key store.
    pub(super) fn open(&self, store: &KeyStore, sealed: &[u8]) -> Result<SecretString, Refusal> {
        let opened = self.0.open(&bound_to(store), sealed)?;
        let text = std::str::from_utf8(opened.expose()).map_err(|error| Refusal::Internal(error.into()))?;
        Ok(SecretString::new(text.to_owned()))
    }

    /// Whether two sealed passwords of that key store are the same. A rotation of the seal seals them afresh.
    pub(super) fn are_same(&self, store: &KeyStore, one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
        let opened = |one, other| [self.open(store, one), self.open(store, other)];
        match (one, other) {
            (Some(one), Some(other)) if one != other => matches!(
                opened(one, other),
                [Ok(one), Ok(other)] if constant_time_eq(one.expose().as_bytes(), other.expose().as_bytes())
            ),
            _ => one == other,
        }
    }
}

/// A new password.
pub(super) fn random_password() -> Result<SecretString, Refusal> {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let bytes: [u8; LENGTH] = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        // Of 256 values only the first 248 are equally many for each character.
        let letters = bytes.iter().filter(|byte| usize::from(**byte) < ALPHABET.len() * 4);
        let letters = letters.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        password.extend(letters.take(LENGTH - password.len()).map(|letter| char::from(*letter)));
    }
    Ok(SecretString::new(password))
}

fn bound_to(store: &KeyStore) -> Vec<u8> {
    key_store_context(&store.home.account.to_string(), store.home.region, &store.id)
}

/// What a sealed password is bound to: moved to another row it does not open.
pub(crate) fn key_store_context(account: &str, region: &str, store_id: &str) -> Vec<u8> {
    format!("kms-key-store/{account}/{region}/{store_id}").into_bytes()
}
