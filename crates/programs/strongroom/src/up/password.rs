//! Passwords that `up` makes and keeps in its state file.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_crypto::{CryptoError, random};
use strongroom_secret::SecretString;

/// Characters of a password: 142 bits, and within what HSMs (8 to 32) and KMS for `kmsuser` (7 to 32) take.
const LENGTH: usize = 24;
/// KMS takes letters and digits for `kmsuser`.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A password. It is written to one file only, whose owner alone can read it.
#[derive(Clone, Debug)]
pub(crate) struct Password(SecretString);

impl Password {
    /// A new one.
    pub(crate) fn random() -> Result<Self, CryptoError> {
        let mut text = String::with_capacity(LENGTH);
        while text.len() < LENGTH {
            let [byte] = random::bytes::<1>()?;
            // Bytes beyond the last whole number of alphabets would make some letters likelier than others.
            if let Some(letter) = LETTERS.get(usize::from(byte) % 64) {
                text.push(char::from(*letter));
            }
        }
        Ok(Self(SecretString::new(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(SecretString::new(String::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_never_the_same() {
        let (one, other) = (Password::random().unwrap(), Password::random().unwrap());
        assert_eq!(one.expose().len(), LENGTH);
        assert!(one.expose().bytes().all(|letter| letter.is_ascii_alphanumeric()));
        assert_ne!(one.expose(), other.expose());
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
