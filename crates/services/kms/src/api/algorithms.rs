//! A key's algorithms: the list that KeyMetadata and GetPublicKey show, and the one that a caller names.

use strongroom_api_kms::{
    EncapsulationAlgorithmSpec, EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, MacAlgorithmSpec,
    SigningAlgorithmSpec,
};

use crate::domain::key::Key;
use crate::domain::spec::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeySpec, KeyUsage, MacAlgorithm,
    SigningAlgorithm,
};
use crate::error::Refusal;

/// What a key can be used with: one list, the one of its usage.
#[derive(Default)]
pub(super) struct Algorithms {
    pub(super) encryption: Option<Vec<EncryptionAlgorithmSpec>>,
    pub(super) signing: Option<Vec<SigningAlgorithmSpec>>,
    pub(super) mac: Option<Vec<MacAlgorithmSpec>>,
    pub(super) key_agreement: Option<Vec<KeyAgreementAlgorithmSpec>>,
    pub(super) encapsulation: Option<Vec<EncapsulationAlgorithmSpec>>,
}

impl Algorithms {
    /// Those of a key of that spec, made for that usage.
    pub(super) fn of(spec: KeySpec, usage: KeyUsage) -> Self {
        let mut all = Self::default();
        match usage {
            KeyUsage::EncryptDecrypt => {
                all.encryption = Some(names(spec.encryption_algorithms(), EncryptionAlgorithm::as_str));
            }
            KeyUsage::SignVerify => {
                all.signing = Some(names(spec.signing_algorithms(), SigningAlgorithm::as_str));
            }
            KeyUsage::GenerateVerifyMac => {
                all.mac = Some(names(spec.mac_algorithms(), MacAlgorithm::as_str));
            }
            KeyUsage::KeyAgreement => {
                all.key_agreement =
                    Some(names(spec.key_agreement_algorithms(), KeyAgreementAlgorithm::as_str));
            }
            KeyUsage::EncapsulateDecapsulate => {
                all.encapsulation =
                    Some(names(spec.encapsulation_algorithms(), EncapsulationAlgorithm::as_str));
            }
        }
        all
    }
}

fn names<A: Copy, N: From<&'static str>>(algorithms: &[A], name: fn(A) -> &'static str) -> Vec<N> {
    algorithms.iter().map(|algorithm| N::from(name(*algorithm))).collect()
}

/// The algorithm that a caller names, which the key must have; `SYMMETRIC_DEFAULT` if he names none.
pub(super) fn encryption(
    key: &Key,
    named: Option<&EncryptionAlgorithmSpec>,
) -> Result<EncryptionAlgorithm, Refusal> {
    let name = named.map_or(EncryptionAlgorithm::SymmetricDefault.as_str(), |named| named.as_str());
    among(key, key.spec.encryption_algorithms(), EncryptionAlgorithm::parse(name), name)
}

/// The algorithm that a caller names, which the key must have.
pub(super) fn signing(key: &Key, named: &SigningAlgorithmSpec) -> Result<SigningAlgorithm, Refusal> {
    let name = named.as_str();
    among(key, key.spec.signing_algorithms(), SigningAlgorithm::parse(name), name)
}

/// The algorithm that a caller names, which the key must have.
pub(super) fn mac(key: &Key, named: &MacAlgorithmSpec) -> Result<MacAlgorithm, Refusal> {
    let name = named.as_str();
    among(key, key.spec.mac_algorithms(), MacAlgorithm::parse(name), name)
}

/// The algorithm that a caller names, which the key must have.
pub(super) fn key_agreement(
    key: &Key,
    named: &KeyAgreementAlgorithmSpec,
) -> Result<KeyAgreementAlgorithm, Refusal> {
    let name = named.as_str();
    among(key, key.spec.key_agreement_algorithms(), KeyAgreementAlgorithm::parse(name), name)
}

/// The algorithm that a caller names, which the key must have.
pub(super) fn encapsulation(
    key: &Key,
    named: &EncapsulationAlgorithmSpec,
) -> Result<EncapsulationAlgorithm, Refusal> {
    let name = named.as_str();
    among(key, key.spec.encapsulation_algorithms(), EncapsulationAlgorithm::parse(name), name)
}

fn among<A: Copy + PartialEq>(
    key: &Key,
    algorithms: &[A],
    named: Option<A>,
    name: &str,
) -> Result<A, Refusal> {
    named.filter(|named| algorithms.contains(named)).ok_or_else(|| {
        Refusal::InvalidKeyUsage(format!(
            "Algorithm {name} is incompatible with key spec {}.",
            key.spec.as_str()
        ))
    })
}
