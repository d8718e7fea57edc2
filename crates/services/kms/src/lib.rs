//! KMS: keys, aliases, and cryptography with keys that never leave their partition.
//!
//! [`KeyManagement`] answers the KMS API. A call goes through `api` (input rules, authorisation), `domain`
//! (rules without a store), `repo` (rows) and `backend` (where a key's cryptography is done).

#![warn(missing_docs)]

mod api;
mod backend;
mod cache;
mod clusters;
mod domain;
mod error;
mod events;
mod faults;
mod long_work;
mod management;
mod repo;
mod resealing;
mod throttling;

pub use api::{
    conceal_chosen_material, conceal_grant_token, conceal_refused_tokens, grant_parameters, name_cluster,
    shows_parameters, spell_origin,
};
pub use clusters::{Cluster, ClusterAddress, Dialer, PoolDialer, TrustAnchors};
pub use domain::resource_quotas::ResourceQuotas;
pub use faults::{CallFaultError, KeyStoreFaultError};
pub use management::{ExpiringKey, GrantSeedling, KeyManagement, KeySeedling, Parts, Quiet, Settings};
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::SEALED;
pub use throttling::QuotaFactor;
