//! A cluster as CloudHSM describes it, and what a key store asks of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use strongroom_api_cloudhsm as cloudhsm;
use strongroom_crypto::digest::sha256;
use strongroom_hsm_client::{DEFAULT_PORT, Server};
use strongroom_pki::Certificate;
use strongroom_schema::Map;

use crate::error::{KeyStoreRefusal, Refusal};

/// Availability Zones in which a key store's cluster has to have subnets.
const ZONES: usize = 2;

/// What KMS needs to know of a cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterFacts {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) vpc_id: String,
    pub(super) security_group: String,
    /// The subnet of each Availability Zone.
    pub(super) subnets: BTreeMap<String, String>,
    /// The cluster's certificate as PEM, once it is initialized.
    pub(super) certificate: Option<String>,
    hsms: Vec<Hsm>,
}

#[derive(Clone, Debug)]
struct Hsm {
    zone: String,
    address: Ipv4Addr,
    active: bool,
}

impl ClusterFacts {
    /// Reads CloudHSM's answer; `None` where it lacks what every cluster has, and for clusters that are gone.
    pub(super) fn read(cluster: cloudhsm::Cluster) -> Option<Self> {
        let state = cluster.state?.as_str().to_owned();
        if state == cloudhsm::ClusterState::Deleted.as_str() {
            return None;
        }
        let hsm = |hsm: cloudhsm::Hsm| {
            let state = hsm.state?;
            Some(Hsm {
                zone: hsm.availability_zone?,
                address: hsm.eni_ip?.parse().ok()?,
                active: state == cloudhsm::HsmState::Active,
            })
        };
        Some(Self {
            id: cluster.cluster_id?,
            state,
            vpc_id: cluster.vpc_id?,
            security_group: cluster.security_group?,
            subnets: cluster.subnet_mapping.as_ref().map(subnets).unwrap_or_default(),
            certificate: cluster.certificates.and_then(|certificates| certificates.cluster_certificate),
            hsms: cluster.hsms.into_iter().flatten().filter_map(hsm).collect(),
        })
    }

    /// Where its HSMs listen, also those that do not serve at the moment.
    pub(super) fn servers(&self) -> impl Iterator<Item = Server> + '_ {
        self.hsms.iter().map(|hsm| Server { host: hsm.address.to_string(), port: DEFAULT_PORT })
    }

    /// Whether an HSM serves.
    pub(super) fn is_served(&self) -> bool {
        self.hsms.iter().any(|hsm| hsm.active)
    }

    /// Refuses a cluster that is not activated.
    pub(super) fn expect_active(&self) -> Result<(), Refusal> {
        if self.state == cloudhsm::ClusterState::Active.as_str() {
            return Ok(());
        }
        Err(KeyStoreRefusal::ClusterNotActive { id: self.id.clone(), state: self.state.clone() }.into())
    }

    /// Refuses a cluster that has not so many active HSMs in different Availability Zones.
    pub(super) fn expect_hsms(&self, wanted: usize) -> Result<(), Refusal> {
        let zones: BTreeSet<_> = self.hsms.iter().filter(|hsm| hsm.active).map(|hsm| &hsm.zone).collect();
        if zones.len() >= wanted {
            return Ok(());
        }
        Err(KeyStoreRefusal::InvalidConfiguration(match wanted {
            1 => format!("CloudHSM cluster {} has no active HSM. Create one with CreateHsm.", self.id),
            _ => format!(
                "CloudHSM cluster {} must have at least {wanted} active HSMs in different Availability Zones, and has \
                 them in {}. Create more with CreateHsm.",
                self.id,
                match zones.len() {
                    0 => "none".to_owned(),
                    number => number.to_string(),
                }
            ),
        })
        .into())
    }

    /// Refuses a cluster whose subnets are in one Availability Zone only.
    pub(super) fn expect_zones(&self) -> Result<(), Refusal> {
        if self.subnets.len() >= ZONES {
            return Ok(());
        }
        Err(KeyStoreRefusal::InvalidConfiguration(format!(
            "CloudHSM cluster {} must be configured with private subnets in at least {ZONES} different Availability \
             Zones.",
            self.id
        ))
        .into())
    }

    /// What clusters with a common backup history share: the digest of the certificate.
    pub(super) fn history(&self) -> Result<[u8; 32], Refusal> {
        let certificate = self.certificate.as_deref();
        let certificate =
            certificate.ok_or_else(|| Refusal::internal("an active cluster without a certificate"))?;
        let chain =
            chain(certificate).ok_or_else(|| Refusal::internal("a cluster's certificate is unreadable"))?;
        Ok(sha256(&chain.concat()))
    }
}

fn subnets(mapping: &Map<String>) -> BTreeMap<String, String> {
    mapping.iter().map(|(zone, subnet)| (zone.to_owned(), subnet.clone())).collect()
}

/// Whether two texts hold the same certificates, however they are written.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    matches!((chain(one), chain(other)), (Some(one), Some(other)) if one == other)
}

fn chain(pem: &str) -> Option<Vec<Vec<u8>>> {
    let chain = Certificate::chain_from_pem(pem).ok()?;
    Some(chain.iter().map(|certificate| certificate.as_der().to_vec()).collect())
}
