//! What imports say to policies.

use strongroom_api_kms::{ExpirationModelType, GetParametersForImportRequest, ImportKeyMaterialRequest};
use strongroom_identity::{ConditionKeys, KeyValue};

pub(in crate::api) fn get_parameters_for_import(input: &GetParametersForImportRequest) -> ConditionKeys {
    ConditionKeys::new()
        .with("kms:WrappingAlgorithm", input.wrapping_algorithm.as_str())
        .with("kms:WrappingKeySpec", input.wrapping_key_spec.as_str())
}

/// What the request leaves out is not there, the default neither (KMS Developer Guide, "kms:ExpirationModel").
pub(in crate::api) fn import_key_material(input: &ImportKeyMaterialRequest) -> ConditionKeys {
    ConditionKeys::new()
        .with_some("kms:ExpirationModel", input.expiration_model.as_ref().map(ExpirationModelType::as_str))
        .with_some("kms:ValidTo", input.valid_to.map(|at| KeyValue::Moment(at.as_millis())))
}
