//! Passwords of people, kept as Argon2id (RFC 9106) in the PHC string format.
//!
//! The one algorithm that is not AWS-LC's: it has none against guessing that needs memory. Start from
//! [`PasswordHasher`].

use std::fmt;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use strongroom_secret::{Key256, constant_time_eq};
use zeroize::Zeroize as _;

use crate::{CryptoError, random};

/// How much memory one password costs, in KiB. Above what OWASP asks for at this number of passes.
pub const MEMORY_KIB: u32 = 32 * 1024;
/// How often the memory is gone through.
pub const PASSES: u32 = 2;
/// How many lanes could be computed at once. One: a log-in does not take several cores.
pub const LANES: u32 = 1;
/// The length of a salt, in bytes.
pub const SALT_LENGTH: usize = 16;
/// The longest password that is looked at, in bytes. The limits that users see are the caller's, below this.
pub const MAX_PASSWORD_LENGTH: usize = 1024;
/// The longest string that [`PasswordHasher::verify`] parses, in bytes.
pub const MAX_HASH_LENGTH: usize = 160;

/// The most passes that are verified: a string from elsewhere cannot ask for more work than this.
const MAX_PASSES: u32 = 16;

/// Hashes and verifies passwords, one at a time: the memory that Argon2 needs is allocated once, with this
/// object, and whoever comes meanwhile waits. A flood of log-ins takes one core and no memory.
pub struct PasswordHasher(Mutex<Vec<Block>>);

impl PasswordHasher {
    /// Allocates the memory: [`MEMORY_KIB`].
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(vec![Block::new(); MEMORY_KIB as usize]))
    }

    /// Gives the PHC string of `password` with a random salt:
    /// `$argon2id$v=19$m=32768,t=2,p=1$<salt>$<hash>`.
    pub fn hash(&self, password: &[u8]) -> Result<String, CryptoError> {
        self.hash_with(password, &random::bytes()?)
    }

    fn hash_with(&self, password: &[u8], salt: &[u8; SALT_LENGTH]) -> Result<String, CryptoError> {
        let hash = self.derive(password, salt, MEMORY_KIB, PASSES)?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash.expose()),
        ))
    }

    /// Checks `password` against a PHC string. A wrong password and a string that is none of ours fail alike;
    /// the comparison takes the same time wherever the two differ.
    ///
    /// Strings with less memory or other passes (up to 16) than today's are verified too, so that the
    /// parameters can be raised; ask [`is_current`] whether to hash anew.
    pub fn verify(&self, password: &[u8], phc: &str) -> Result<(), CryptoError> {
        let stored = Stored::parse(phc).ok_or(CryptoError)?;
        let hash = self.derive(password, &stored.salt, stored.memory, stored.passes)?;
        if constant_time_eq(hash.expose(), stored.hash.expose()) { Ok(()) } else { Err(CryptoError) }
    }

    /// Fails, after as much work as [`verify`](Self::verify) takes: for a user who does not exist.
    pub fn verify_nobody(&self, password: &[u8]) -> CryptoError {
        // What comes out is of no use to anybody; that it was computed is the point.
        drop(self.derive(password, &[0; SALT_LENGTH], MEMORY_KIB, PASSES));
        CryptoError
    }

    fn derive(&self, password: &[u8], salt: &[u8], memory: u32, passes: u32) -> Result<Key256, CryptoError> {
        if password.len() > MAX_PASSWORD_LENGTH {
            return Err(CryptoError);
        }
        let params = Params::new(memory, passes, LANES, Some(32)).map_err(|_| CryptoError)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // A poisoned buffer is as good as another: every block is written before it is read.
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = buffer.get_mut(..memory as usize).ok_or(CryptoError)?;
        let derived = Key256::filled(|out| {
            argon2.hash_password_into_with_memory(password, salt, out, &mut *blocks).map_err(|_| CryptoError)
        });
        for block in blocks {
            block.zeroize();
        }
        derived
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHasher(..)")
    }
}

/// Tells whether a PHC string was made with today's parameters.
#[must_use]
pub fn is_current(phc: &str) -> bool {
    Stored::parse(phc).is_some_and(|stored| (stored.memory, stored.passes) == (MEMORY_KIB, PASSES))
}

struct Stored {
    memory: u32,
    passes: u32,
    salt: Vec<u8>,
    hash: Key256,
}

impl Stored {
    fn parse(phc: &str) -> Option<Self> {
        if phc.len() > MAX_HASH_LENGTH {
            return None;
        }
        let (parameters, rest) = phc.strip_prefix("$argon2id$v=19$")?.split_once('$')?;
        let (salt, hash) = rest.split_once('$')?;
        let mut parameters = parameters.split(',');
        let memory: u32 = parameters.next()?.strip_prefix("m=")?.parse().ok()?;
        let passes: u32 = parameters.next()?.strip_prefix("t=")?.parse().ok()?;
        let lanes: u32 = parameters.next()?.strip_prefix("p=")?.parse().ok()?;
        let served = parameters.next().is_none()
            && (8 * LANES..=MEMORY_KIB).contains(&memory)
            && (1..=MAX_PASSES).contains(&passes)
            && lanes == LANES;
        let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()))?;
        let mut bytes = STANDARD_NO_PAD.decode(hash).ok()?;
        let hash = Key256::copied_from(&bytes);
        bytes.zeroize();
        served.then_some(Self { memory, passes, salt, hash: hash? })
    }
}

#[cfg(test)]
mod tests {
    use super::{PasswordHasher, Stored};

    /// Computed apart from this crate, by the reference implementation in C (`argon2-cffi`).
    #[test]
    fn the_format_never_drifts() {
        let golden = include_str!("../testdata/argon2id.txt").trim();
        let hasher = PasswordHasher::new();
        assert_eq!(hasher.hash_with(b"correct horse", b"sixteen bytes ok").unwrap(), golden);
        assert!(hasher.verify(b"correct horse", golden).is_ok());
        // Nothing of it is left in the buffer.
        let buffer = hasher.0.lock().unwrap();
        assert!(buffer.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    #[test]
    fn parameters_beyond_the_buffer_are_not_parsed() {
        let hash = "c2l4dGVlbiBieXRlcyBvaw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(Stored::parse(&format!("$argon2id$v=19$m=32768,t=16,p=1${hash}")).is_some());
        for other in [
            "$argon2id$v=19$m=32769,t=2,p=1$",
            "$argon2id$v=19$m=4294967295,t=2,p=1$",
            "$argon2id$v=19$m=32768,t=17,p=1$",
            "$argon2id$v=19$m=32768,t=0,p=1$",
            "$argon2id$v=19$m=32768,t=2,p=2$",
            "$argon2id$v=19$m=32768,t=2,p=1,x=1$",
            "$argon2i$v=19$m=32768,t=2,p=1$",
            "$argon2id$v=16$m=32768,t=2,p=1$",
        ] {
            assert!(Stored::parse(&format!("{other}{hash}")).is_none(), "{other}");
        }
    }
}
