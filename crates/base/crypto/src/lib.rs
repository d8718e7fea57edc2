//! Every algorithm we offer, over AWS-LC: the only crate that sees `aws-lc-rs` and `aws-lc-sys`.
//!
//! It knows algorithms, not what they are for: no key names, no file formats, no AWS service. Every failure
//! is the one opaque [`CryptoError`], so that no text becomes an oracle. Start from [`aead::Aes256Gcm`], or
//! from the module named after what you need.
//!
//! Where `aws-lc-rs` has an algorithm it is used; what it lacks is called in C through `aws-lc-sys`. Keys
//! cross between the two as DER, never as pointers. Private keys are parsed once into handles that many
//! threads share, and that are wiped when they are dropped.

#![warn(missing_docs)]

pub mod aead;
pub mod aes;
pub mod check_value;
pub mod checksum;
pub mod digest;
pub mod ec;
pub mod ed25519;
pub mod hex;
pub mod hmac;
pub mod hpke;
pub mod kdf;
pub mod md5;
pub mod ml_dsa;
pub mod ml_kem;
pub mod passphrase;
pub mod password;
pub mod random;
pub mod rsa;
pub mod salted;

mod error;
mod ffi;
mod module;

pub use error::CryptoError;
pub use module::{module_name, module_version};
