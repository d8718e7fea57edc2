//! Verifies AWS Signature Version 4, in the `Authorization` header and in presigned URLs
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).
//!
//! Verification has two steps, because looking up a key may wait and nothing here does: [`Claim::parse`]
//! checks all that needs no key and says whose key is needed; [`Claim::verify`] checks the signature and
//! gives an [`Authenticated`], which nothing else can make. [`Claim::verify_head`] does so before the body is
//! there, as S3 needs it, and says what is left to prove of it: its digest, or a [`ChunkChain`].
//! [`SigningKeyCache`] keeps the derived keys.
//!
//! The crate is pure: no I/O, no clock, no knowledge of accounts, sessions or policies. It refuses SigV4A, and
//! SigV2 but for presigned URLs of S3 ([`LegacyClaim`]), in AWS's words. An [`AuthError`] knows its code, status and text in each
//! protocol ([`AuthError::render`]); no expected signature leaves the crate in any form.
//!
//! Start from [`Claim`].

#![warn(missing_docs)]

mod authenticated;
mod authorization;
mod cache;
mod canonical;
mod chain;
mod claim;
mod error;
mod expected;
mod key;
mod legacy;
mod limits;
mod payload;
mod presented;
mod presigned;
mod scope;
mod timestamp;

pub use authenticated::Authenticated;
pub use cache::SigningKeyCache;
pub use chain::ChunkChain;
pub use claim::{BodyProof, Claim, RequestHead};
pub use error::{AuthError, Framing, Rendered, ScopeFault};
pub use expected::{Expected, PathStyle, PayloadRules};
pub use key::SigningKey;
pub use legacy::LegacyClaim;
pub use limits::{
    MAX_AUTHORIZATION_BYTES, MAX_EXPIRES_SECONDS, MAX_PATH_BYTES, MAX_QUERY_BYTES, MAX_QUERY_PARAMETERS,
    MAX_S3_SKEW_SECONDS, MAX_SESSION_TOKEN_BYTES, MAX_SIGNED_HEADERS, MAX_SKEW_SECONDS,
};
pub use payload::{Chunks, Payload, PayloadMode};
pub use scope::CredentialScope;
