//! Unique ids and secrets (IAM User Guide, "IAM identifiers").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::random;
use strongroom_identity::AccountId;
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

/// What the ids of temporary access keys begin with.
const TEMPORARY: &str = "ASIA";

/// The bits of a temporary access key's id after the prefix, and those of them that follow the account.
const ID_BITS: u32 = 80;
const RANDOM_BITS: u32 = 39;

/// The bits that hold an account.
const ACCOUNT_BITS: u32 = 40;

/// A new id of a temporary access key. As in AWS's, the account can be read in it: a set bit, the account's number in
/// 40 bits, and random ones. Two sessions may come to have the same id, if an account has very many; nothing
/// depends on their having not.
pub(crate) fn new_temporary_key_id(account: AccountId) -> Result<String, Refusal> {
    let random = u128::from(u64::from_be_bytes(random::bytes()?)) & ((1 << RANDOM_BITS) - 1);
    let bits = 1 << (ID_BITS - 1) | u128::from(account.number()) << RANDOM_BITS | random;
    let letters = (0..ID_BITS / 5).rev().map(|at| letter((bits >> (at * 5)) as u8));
    Ok(TEMPORARY.chars().chain(letters).collect())
}

/// Whether an access key id is that of temporary credentials.
pub(crate) fn is_temporary(access_key_id: &str) -> bool {
    access_key_id.starts_with(TEMPORARY)
}

/// The account that a temporary access key's id tells, if it is one.
pub(crate) fn account_of_temporary(access_key_id: &str) -> Option<AccountId> {
    let letters = access_key_id.strip_prefix(TEMPORARY)?;
    if letters.len() != ACCESS_KEY_LENGTH {
        return None;
    }
    let bits = letters.bytes().try_fold(0_u128, |bits, letter| {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        Some(bits << 5 | value as u128)
    })?;
    let number = (bits >> RANDOM_BITS) & ((1 << ACCOUNT_BITS) - 1);
    format!("{number:012}").parse().ok()
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

    /// The first id is AWS's: it is in public talks on what ids tell.
    #[test]
    fn a_temporary_access_key_tells_its_account() {
        let account: AccountId = "029608264753".parse().unwrap();
        assert_eq!(account_of_temporary("ASIAQNZGKIQY56JQ7WML"), Some(account));
        for account in ["000000000000", "111122223333", "999999999999"] {
            let account = account.parse().unwrap();
            let id = new_temporary_key_id(account).unwrap();
            assert!(is_temporary(&id) && id.len() == 20, "{id}");
            assert_eq!(account_of_temporary(&id), Some(account));
        }
        // All bits set are more than twelve digits.
        for id in [
            "ASIA",
            "ASIAQNZGKIQY56JQ7WM",
            "ASIAQNZGKIQY56JQ7WM1",
            "ASIA7777777777777777",
            "AKIAQNZGKIQY56JQ7WML",
        ] {
            assert_eq!(account_of_temporary(id), None, "{id}");
        }
    }

    #[test]
    fn ids_and_secrets_have_their_lengths() {
        let id = new_id(Kind::User).unwrap();
        assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");
        assert_eq!(new_access_key_id().unwrap().len(), 20);
        assert_eq!(new_secret().unwrap().expose().len(), 40);
        assert_ne!(new_secret().unwrap().expose(), new_secret().unwrap().expose());
    }
}
