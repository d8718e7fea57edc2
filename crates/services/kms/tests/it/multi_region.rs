//! Multi-Region keys (KMS Developer Guide, "Multi-Region keys in AWS KMS").

mod behind;
mod deleting;
mod model;
mod permissions;
mod promoting;
mod records;
mod replicating;
mod rotating;
mod states;
