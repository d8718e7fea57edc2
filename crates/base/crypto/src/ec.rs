//! Elliptic curves over prime fields (SEC 1, FIPS 186-5): ECDSA over digests, and Diffie-Hellman.
//!
//! All of it goes through `aws-lc-sys`: `aws-lc-rs` binds the hash to the curve, has no P-224, and agrees on
//! no secret over secp256k1.
//!
//! Start from [`PrivateKey::generate`] or [`PrivateKey::from_pkcs8`]. A handle may be used by many threads at
//! once; it holds the key parsed and is wiped when it is dropped.

mod curve;
mod private;
mod public;
mod signature;

pub use curve::Curve;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use signature::{signature_from_der, signature_to_der};
