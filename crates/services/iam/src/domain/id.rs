//! Unique ids and secrets (IAM User Guide, "IAM identifiers").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::random;
use strongroom_secret::{SecretBytes, SecretString};

use super::kind::Kind;
use crate::error::Refusal;

/// The characters of an id after its prefix: those of base 32.
pub(crate) const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The characters of an entity's id, and of an access key's, after the four of the prefix.
const ENTITY_LENGTH: usize = 17;
const ACCESS_KEY_LENGTH: usize = 16;

/// The random bytes of a secret access key, which are 40 characters.
const SECRET_BYTES: usize = 30;

/// A new unique id. They are never used again: there are too many.
pub(crate) fn new_id(kind: Kind) -> Result<String, Refusal> {
    Ok(format!("{}{}", kind.id_prefix(), letters::<ENTITY_LENGTH>()?))
}

/// A new id of a user's access key.
pub(crate) fn new_access_key_id() -> Result<String, Refusal> {
    Ok(format!("AKIA{}", letters::<ACCESS_KEY_LENGTH>()?))
}

/// Text that tells one making of a directory from another.
pub(crate) fn new_nonce() -> Result<String, Refusal> {
    letters::<ENTITY_LENGTH>()
}

/// A new secret access key.
pub(crate) fn new_secret() -> Result<SecretString, Refusal> {
    let bytes = SecretBytes::filled(SECRET_BYTES, random::fill)?;
    Ok(SecretString::new(STANDARD.encode(bytes.expose())))
}

/// `length` random characters of base 32, to be kept secret.
pub(crate) fn secret_letters(length: usize) -> Result<SecretString, Refusal> {
    let bytes = SecretBytes::filled(length, random::fill)?;
    Ok(SecretString::new(bytes.expose().iter().map(|byte| letter(*byte)).collect()))
}

fn letters<const N: usize>() -> Result<String, Refusal> {
    let bytes: [u8; N] = random::bytes()?;
    Ok(bytes.iter().map(|byte| letter(*byte)).collect())
}

/// 256 is a multiple of 32, so each letter is as likely as any other.
fn letter(byte: u8) -> char {
    char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_have_their_lengths() {
        let id = new_id(Kind::User).unwrap();
        assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
        assert_eq!(new_access_key_id().unwrap().len(), 20);
        assert_eq!(new_secret().unwrap().expose().len(), 40);
        assert_ne!(new_secret().unwrap().expose(), new_secret().unwrap().expose());
    }
}
