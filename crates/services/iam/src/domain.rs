//! Rules without a store.

pub(crate) mod aws_policies;
pub(crate) mod credential_report;
pub(crate) mod directory;
pub(crate) mod document;
pub(crate) mod edit;
pub(crate) mod group;
pub(crate) mod id;
pub(crate) mod kind;
pub(crate) mod mfa;
pub(crate) mod paging;
pub(crate) mod password;
pub(crate) mod permissions;
pub(crate) mod picture;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod role;
pub(crate) mod root_user;
pub(crate) mod service_access;
pub(crate) mod service_linked;
pub(crate) mod settings;
pub(crate) mod simulation;
pub(crate) mod tags;
pub(crate) mod totp;
pub(crate) mod trust;
pub(crate) mod usage;
pub(crate) mod user;
