//! The heart of an HSM: keys that exist only sealed or opened in memory, and what is computed with them.
//!
//! The crate does no input or output and knows no AWS service: who may use which key, where tokens are kept
//! and what a key is called are the caller's matters. Start from [`Partition`]: it makes keys as
//! [`KeyToken`]s and opens them again as [`OpenedKey`]s, which encrypt and decrypt.
//!
//! ```text
//! partition key (sealed by the caller) -- token key -- key per token -- key material
//! key material -- key and commitment per message -- ciphertext
//! ```

#![warn(missing_docs)]

mod anchors;
mod attributes;
mod audit;
mod blob;
mod cache;
mod context;
mod derived;
mod effect;
mod error;
mod hsm;
mod key;
mod keyring;
mod material;
mod mechanism;
mod object;
mod options;
mod outcome;
mod partition;
mod quorum;
mod refusal;
mod session;
mod state;
mod token;
mod user;

pub use attributes::{Attributes, KeyType, Usage};
pub use audit::{AuditDetail, AuditRecord};
pub use blob::{BlobHeader, LONGEST_BLOB, LONGEST_KEY_ID, LONGEST_PLAINTEXT, parse_header};
pub use cache::CacheStats;
pub use context::{EncryptionContext, LONGEST_CONTEXT};
pub use error::HsmError;
pub use hsm::{ClusterScheme, Hsm, Occupancy};
pub use key::OpenedKey;
pub use options::{ConnectionId, HsmIdentity, Mode, Now, Options, Peer};
pub use outcome::{Outcome, Planned};
pub use partition::{Partition, PartitionId, PartitionKey};
pub use token::{KeyHandle, KeyToken, TokenDigest, TokenRef};
