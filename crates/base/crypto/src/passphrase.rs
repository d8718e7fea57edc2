//! A key made of a passphrase: Argon2id (RFC 9106), slow and in much memory, so that guessing costs.
//!
//! Unlike [`password`](crate::password), which answers whether a password fits, this gives a key to open something
//! with. Start from [`Cost::DEFAULT`] and [`derive_key`].

use argon2::{Algorithm, Argon2, Block, Params, Version};
use strongroom_secret::Key256;
use zeroize::Zeroize as _;

use crate::CryptoError;

/// The length of a salt, in bytes.
pub const SALT_LENGTH: usize = 16;
/// The longest passphrase, in bytes.
pub const MAX_PASSPHRASE_LENGTH: usize = 1024;

/// What one guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How much memory is filled, in KiB.
    pub memory_kib: u32,
    /// How often it is gone through.
    pub passes: u32,
}

impl Cost {
    /// 64 MiB, three passes: what RFC 9106, section 4, recommends where 2 GiB are too much; in one lane.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3 };

    /// The most that is ever computed: 1 GiB, 64 passes. What a file asks for beyond is refused.
    pub const MOST: Self = Self { memory_kib: 1024 * 1024, passes: 64 };

    /// Whether a key is derived at this cost.
    #[must_use]
    pub fn is_served(self) -> bool {
        (8..=Self::MOST.memory_kib).contains(&self.memory_kib)
            && (1..=Self::MOST.passes).contains(&self.passes)
    }

    /// How much memory is gone through in all, in KiB.
    #[must_use]
    pub fn work(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }
}

/// Derives the key. A passphrase that is too long, a salt shorter than 8 bytes, a cost that is not served and memory
/// that is not to be had are errors.
pub fn derive_key(passphrase: &[u8], salt: &[u8], cost: Cost) -> Result<Key256, CryptoError> {
    if passphrase.len() > MAX_PASSPHRASE_LENGTH || !cost.is_served() {
        return Err(CryptoError);
    }
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| CryptoError)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(cost.memory_kib as usize).map_err(|_| CryptoError)?;
    blocks.resize(cost.memory_kib as usize, Block::new());
    let key = Key256::filled(|out| {
        argon2.hash_password_into_with_memory(passphrase, salt, out, &mut blocks).map_err(|_| CryptoError)
    });
    for block in &mut blocks {
        block.zeroize();
    }
    key
}
