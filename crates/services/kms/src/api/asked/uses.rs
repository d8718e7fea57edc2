//! What inputs say that use keys of other kinds than symmetric ones: to sign, for MACs, to agree on secrets; and
//! data key pairs. (What encapsulates says no more than which key: AWS lists no condition key for its algorithm.)

use strongroom_api_kms::{
    DataKeyPairSpec, DeriveSharedSecretRequest, GenerateDataKeyPairRequest,
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateMacRequest, MacAlgorithmSpec, MessageType,
    SignRequest, SigningAlgorithmSpec, VerifyMacRequest, VerifyRequest,
};
use strongroom_identity::ConditionKeys;
use strongroom_schema::Map;

use super::{cryptography, key_id};

pub(in crate::api) fn sign(input: &SignRequest) -> ConditionKeys {
    signature(&input.key_id, &input.signing_algorithm, input.message_type.as_ref())
}

pub(in crate::api) fn verify(input: &VerifyRequest) -> ConditionKeys {
    signature(&input.key_id, &input.signing_algorithm, input.message_type.as_ref())
}

pub(in crate::api) fn generate_mac(input: &GenerateMacRequest) -> ConditionKeys {
    mac(&input.key_id, &input.mac_algorithm)
}

pub(in crate::api) fn verify_mac(input: &VerifyMacRequest) -> ConditionKeys {
    mac(&input.key_id, &input.mac_algorithm)
}

pub(in crate::api) fn derive_shared_secret(input: &DeriveSharedSecretRequest) -> ConditionKeys {
    key_id(&input.key_id).with("kms:KeyAgreementAlgorithm", input.key_agreement_algorithm.as_str())
}

pub(in crate::api) fn generate_data_key_pair(input: &GenerateDataKeyPairRequest) -> ConditionKeys {
    key_pair(&input.key_id, &input.key_pair_spec, input.encryption_context.as_ref())
}

pub(in crate::api) fn generate_data_key_pair_without_plaintext(
    input: &GenerateDataKeyPairWithoutPlaintextRequest,
) -> ConditionKeys {
    key_pair(&input.key_id, &input.key_pair_spec, input.encryption_context.as_ref())
}

fn signature(
    named: &str,
    algorithm: &SigningAlgorithmSpec,
    message_type: Option<&MessageType>,
) -> ConditionKeys {
    key_id(named)
        .with("kms:SigningAlgorithm", algorithm.as_str())
        .with("kms:MessageType", message_type.unwrap_or(&MessageType::Raw).as_str())
}

fn mac(named: &str, algorithm: &MacAlgorithmSpec) -> ConditionKeys {
    key_id(named).with("kms:MacAlgorithm", algorithm.as_str())
}

fn key_pair(named: &str, spec: &DataKeyPairSpec, context: Option<&Map<String>>) -> ConditionKeys {
    cryptography(Some(named), None, context).with("kms:DataKeyPairSpec", spec.as_str())
}
