//! Grants: what they let whom do, and who may make and end them (KMS Developer Guide, "Grants in AWS KMS").

mod at_once;
mod authority;
mod ending;
mod making;
mod model;
mod rows;
