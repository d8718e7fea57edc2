//! Words that answers share.

use strongroom_hsm_client::KeyReference;
use strongroom_hsm_proto::command::{QuorumService, Role};

/// On every HSM.
pub(crate) const FULL: &str = "full";
/// On some HSMs.
pub(crate) const PARTIAL: &str = "partial";
/// In a session, on one HSM.
pub(crate) const SESSION: &str = "session";
/// HSMs disagree.
pub(crate) const INCONSISTENT: &str = "inconsistent";
/// The only second factor, and the only form of approval.
pub(crate) const TOKEN_SIGN: &str = "token-sign";

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::UnactivatedAdmin => "unactivated-admin",
        Role::Admin => "admin",
        Role::CryptoUser => "crypto-user",
        Role::ApplianceUser => "internal(APPLIANCE_USER)",
    }
}

pub(crate) fn service_name(service: QuorumService) -> &'static str {
    match service {
        QuorumService::User => "user",
        QuorumService::Quorum => "quorum",
        QuorumService::Cluster => "cluster",
        QuorumService::KeyUsage => "key-usage",
        QuorumService::KeyManagement => "key-management",
        QuorumService::Registration => "registration",
    }
}

/// A key's handle: `0x` and sixteen digits.
pub(crate) fn key_reference(handle: u64) -> String {
    KeyReference(handle).to_string()
}
