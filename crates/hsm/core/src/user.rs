//! Users: who they are, how they log in, how they are changed.

mod login;
mod names;
mod passwords;
mod registration;
mod replication;
mod users;

pub(crate) use names::crypto_user_name;
pub(crate) use registration::is_signed_by;
