//! Every algorithm we offer, over AWS-LC: the only crate that sees `aws-lc-rs`.
//!
//! It knows algorithms, not what they are for: no key names, no file formats, no AWS service. Every failure
//! is the one opaque [`CryptoError`], so that no text becomes an oracle. Start from [`aead::Aes256Gcm`], or
//! from the module named after what you need.

#![warn(missing_docs)]

pub mod aead;
pub mod digest;
pub mod hex;
pub mod hmac;
pub mod kdf;
pub mod random;
pub mod salted;

mod error;
mod module;

pub use error::CryptoError;
pub use module::{module_name, module_version};
