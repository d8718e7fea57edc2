//! `cluster hsm-info` and `cluster mtls ...`

use serde::Serialize;
use strongroom_hsm_proto::command::{EnforcementLevel, HsmDescription, TrustAnchor};

/// The HSMs of a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Hsms {
    pub(crate) hsms: Vec<Hsm>,
}

/// One HSM. All values are texts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Hsm {
    vendor: String,
    model: String,
    serial_number: String,
    hardware_version_major: String,
    hardware_version_minor: String,
    firmware_version_major: String,
    firmware_version_minor: String,
    firmware_build_number: String,
    firmware_id: String,
    fips_state: &'static str,
    calls: String,
    cryptographic_operations: String,
}

impl Hsm {
    pub(crate) fn of(description: &HsmDescription) -> Self {
        let number = |numbers: &[u32], index: usize| numbers.get(index).copied().unwrap_or(0).to_string();
        let (hardware, firmware) = (&description.hardware_version, &description.firmware_version);
        Self {
            vendor: description.vendor.clone(),
            model: description.model.clone(),
            serial_number: description.serial_number.clone(),
            hardware_version_major: number(hardware, 0),
            hardware_version_minor: number(hardware, 1),
            firmware_version_major: number(firmware, 0),
            firmware_version_minor: number(firmware, 1),
            firmware_build_number: number(firmware, 2),
            firmware_id: description.firmware_id.clone(),
            fips_state: if description.fips {
                "2 [FIPS mode with single factor authentication]"
            } else {
                "0 [non-FIPS mode with single factor authentication]"
            },
            calls: description.calls.to_string(),
            cryptographic_operations: description.cryptographic_operations.to_string(),
        }
    }
}

/// A trust anchor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Anchor {
    certificate_reference: String,
    certificate: String,
    cluster_coverage: &'static str,
}

impl Anchor {
    pub(crate) fn of(anchor: &TrustAnchor, coverage: &'static str) -> Self {
        Self {
            certificate_reference: anchor_reference(anchor.certificate_reference),
            certificate: anchor.certificate.clone(),
            cluster_coverage: coverage,
        }
    }
}

/// How trust anchors are named: `0x01`.
pub(crate) fn anchor_reference(reference: u32) -> String {
    format!("{reference:#04x}")
}

/// One trust anchor, just registered.
#[derive(Debug, Serialize)]
pub(crate) struct OneAnchor {
    pub(crate) trust_anchor: Anchor,
}

/// All trust anchors.
#[derive(Debug, Serialize)]
pub(crate) struct Anchors {
    pub(crate) trust_anchors: Vec<Anchor>,
}

/// Whether clients need a certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Enforcement {
    mtls_enforcement_level: &'static str,
}

impl Enforcement {
    pub(crate) fn of(level: EnforcementLevel) -> Self {
        Self {
            mtls_enforcement_level: match level {
                EnforcementLevel::None => "none",
                EnforcementLevel::Cluster => "cluster",
            },
        }
    }
}
