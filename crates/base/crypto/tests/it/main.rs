//! Known answers and refusals of `strongroom-crypto`, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod aead;
mod aes;
mod check_value;
mod digest;
mod ec;
mod ed25519;
mod hex;
mod hmac;
mod hpke;
mod kdf;
mod ml_dsa;
mod ml_kem;
mod module;
mod openssl;
mod passphrase;
mod password;
mod random;
mod rsa;
mod salted;
mod wycheproof;
