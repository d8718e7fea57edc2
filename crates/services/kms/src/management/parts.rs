//! What key management is made of.

use std::sync::Arc;
use std::time::Duration;

use strongroom_api_cloudhsm::CloudHsm;
use strongroom_api_ec2::Ec2;
use strongroom_api_iam::Iam;
use strongroom_identity::Principals;
use strongroom_journal::Reader;
use strongroom_outbox::Outbox;
use strongroom_pki::Certificate;
use strongroom_policy::Authority;
use strongroom_runtime::Clocks;
use strongroom_seal::Root;
use strongroom_store::Db;

use crate::clusters::{Dialer, TrustAnchors};
use crate::domain::resource_quotas::ResourceQuotas;
use crate::throttling::QuotaFactor;

/// What KMS stands on.
pub struct Parts<'r> {
    /// The store.
    pub db: Db,
    /// The seal of built-in partitions and of passwords.
    pub root: &'r Root,
    /// Who decides.
    pub authority: Authority,
    /// Where records go of what KMS does by itself.
    pub outbox: Arc<Outbox>,
    /// Where it is read what keys are used for.
    pub journal: Reader,
    /// Both clocks.
    pub clocks: Clocks,
    /// Who the users and roles are that grants and key policies name.
    pub principals: Arc<dyn Principals>,
    /// IAM, which makes the role that multi-Region keys have in an account.
    pub iam: Arc<dyn Iam>,
    /// CloudHSM, whose clusters custom key stores stand on.
    pub cloudhsm: Arc<dyn CloudHsm>,
    /// EC2, in which KMS has an interface for each of a cluster's subnets.
    pub ec2: Arc<dyn Ec2>,
    /// What the owners of clusters initialized them with.
    pub anchors: Arc<dyn TrustAnchors>,
    /// How clusters are reached.
    pub dialer: Arc<dyn Dialer>,
    /// What the operator has chosen.
    pub settings: Settings,
}

/// What an operator chooses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Callers may choose the id and the material of a new key by the tags `_custom_id_` and
    /// `_custom_key_material_`, as tools written for LocalStack do. For development only.
    pub chosen_keys: bool,
    /// What AWS refuses is refused, also where Strongroom could do it: see `docs/compatibility.md`.
    pub strict: bool,
    /// How long a cluster may take for a call before its caller is told that KMS cannot communicate with it.
    pub store_deadline: Duration,
    /// How much an account may have in a Region.
    pub quotas: ResourceQuotas,
    /// Requests beyond those that AWS lets an account make in a second are refused.
    pub throttles: bool,
    /// The roots of those whose enclaves' attestation documents are believed.
    pub enclave_roots: Vec<Certificate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chosen_keys: false,
            strict: false,
            store_deadline: Duration::from_secs(5),
            quotas: ResourceQuotas::default(),
            throttles: false,
            enclave_roots: Vec::new(),
        }
    }
}

impl Settings {
    /// Which part of AWS's request quotas is given from the start, if they are on.
    pub(super) fn request_quotas(&self) -> Option<QuotaFactor> {
        self.throttles.then_some(QuotaFactor::PUBLISHED)
    }
}
