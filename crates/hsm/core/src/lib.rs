//! The heart of an HSM: users, keys that exist only sealed or opened in memory, and what is computed with them.
//!
//! The crate does no input or output, reads no clock and knows no AWS service. It has two faces.
//!
//! [`Hsm`] is a whole HSM as its clients know it: it executes the commands of
//! [`strongroom_hsm_proto::command`] for sessions, users and their keys. What the HSMs of a cluster share is changed
//! in two steps. A command *plans* a change as effects, the caller has the cluster's log order it, and every HSM
//! *applies* it. Nothing here decides the order, and nothing is decided when a change is applied.
//!
//! ```text
//! execute -> Outcome::Change(plan) -> the log -> apply, on every HSM -> settle -> the client's answer
//! ```
//!
//! [`Partition`] is less than that: it makes keys as [`KeyToken`]s and opens them again as [`OpenedKey`]s, which
//! encrypt and decrypt, sign, make MACs and agree on secrets. Who may use which key, where tokens are kept and what a key is called are its caller's
//! matters. KMS keeps its built-in keys in it.
//!
//! ```text
//! partition key (sealed by the caller) -- token key -- key per token -- key material
//! key material -- key and commitment per message -- ciphertext
//! ```

#![warn(missing_docs)]

mod anchors;
mod asymmetric;
mod attributes;
mod audit;
mod blob;
mod cache;
mod context;
mod counters;
mod derived;
mod effect;
mod error;
mod hsm;
mod key;
mod key_type;
mod keyring;
mod material;
mod mechanism;
mod object;
mod opened;
mod options;
mod outcome;
mod partition;
mod quorum;
mod refusal;
mod session;
mod signing;
mod state;
mod token;
mod user;

pub use attributes::{Attributes, Usage};
pub use audit::{AuditDetail, AuditRecord, ServiceEvent};
pub use blob::{BlobHeader, LONGEST_BLOB, LONGEST_KEY_ID, LONGEST_PLAINTEXT, parse_header};
pub use cache::CacheStats;
pub use context::{EncryptionContext, LONGEST_CONTEXT};
pub use error::HsmError;
pub use hsm::{ClusterScheme, Hsm, Occupancy};
pub use key::OpenedKey;
pub use key_type::KeyType;
pub use options::{ConnectionId, HsmIdentity, Mode, Now, Options, Peer};
pub use outcome::{Outcome, Planned};
pub use partition::{Partition, PartitionId, PartitionKey};
pub use signing::{Signed, SigningScheme};
pub use token::{KeyHandle, KeyToken, TokenDigest, TokenRef};
