//! KMS's refusals as AWS words them (texts: KMS Developer Guide and API Reference, and answers of AWS quoted
//! in public issue threads).

use strongroom_api_kms::{SERVICE, errors};
use strongroom_hsm_core::HsmError;
use strongroom_policy::Denied;
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// Why KMS does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `NotFoundException` with this text.
    NotFound(String),
    /// `InvalidArnException` with this text.
    InvalidArn(String),
    /// `InvalidMarkerException`.
    InvalidMarker,
    /// The ciphertext is none, or not of this key, context and content. AWS sends no message, so that it
    /// does not tell which.
    InvalidCiphertext,
    /// A ciphertext without a `KeyId` leads to no key that the caller may use.
    CiphertextOfUnknownKey,
    /// The `KeyId` and the ciphertext name different keys.
    IncorrectKey,
    /// `InvalidKeyUsageException` with this text.
    InvalidKeyUsage(String),
    /// `ValidationException` with this text.
    Validation(String),
    /// An alias of that ARN exists.
    AliasExists(String),
    /// `InvalidAliasNameException` with this text.
    InvalidAliasName(String),
    /// The alias is reserved for AWS services.
    ReservedAlias,
    /// A quota is reached; the text says which.
    LimitExceeded(String),
    /// A grant token that no grant gave.
    InvalidGrantToken,
    /// The call would have succeeded.
    DryRun,
    /// A parameter or value that is not implemented yet.
    NotYet(&'static str),
    /// The policy engine said no.
    Denied(Denied),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// The key of that ARN does not exist.
    pub(crate) fn no_such_key(arn: &str) -> Self {
        Self::NotFound(format!("Key '{arn}' does not exist"))
    }

    /// The alias of that ARN does not exist.
    pub(crate) fn no_such_alias(arn: &str) -> Self {
        Self::NotFound(format!("Alias {arn} is not found."))
    }

    /// A failure of ours that no caller can bring about.
    pub(crate) fn internal(text: &'static str) -> Self {
        Self::Internal(text.into())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(text) => Self::modelled(&errors::NOT_FOUND_EXCEPTION, text),
            Refusal::InvalidArn(text) => Self::modelled(&errors::INVALID_ARN_EXCEPTION, text),
            Refusal::InvalidMarker => {
                Self::modelled(&errors::INVALID_MARKER_EXCEPTION, "Could not deserialize marker.")
            }
            Refusal::InvalidCiphertext => Self::bare(&errors::INVALID_CIPHERTEXT_EXCEPTION),
            Refusal::CiphertextOfUnknownKey => Self::access_denied(
                "The ciphertext refers to a customer master key that does not exist, does not exist in this \
                 region, or you are not allowed to access.",
            ),
            Refusal::IncorrectKey => Self::modelled(
                &errors::INCORRECT_KEY_EXCEPTION,
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ),
            Refusal::InvalidKeyUsage(text) => Self::modelled(&errors::INVALID_KEY_USAGE_EXCEPTION, text),
            Refusal::Validation(text) => Self::validation(text),
            Refusal::AliasExists(arn) => Self::modelled(
                &errors::ALREADY_EXISTS_EXCEPTION,
                format!("An alias with the name {arn} already exists"),
            ),
            Refusal::InvalidAliasName(text) => Self::modelled(&errors::INVALID_ALIAS_NAME_EXCEPTION, text),
            Refusal::ReservedAlias => Self::common("NotAuthorizedException", ""),
            Refusal::LimitExceeded(text) => Self::modelled(&errors::LIMIT_EXCEEDED_EXCEPTION, text),
            Refusal::InvalidGrantToken => {
                Self::modelled(&errors::INVALID_GRANT_TOKEN_EXCEPTION, "Invalid grant token.")
            }
            Refusal::DryRun => Self::modelled(
                &errors::DRY_RUN_OPERATION_EXCEPTION,
                "The request would have succeeded, but the DryRun option is set.",
            ),
            Refusal::NotYet(feature) => Self::feature_not_implemented(&format!("{}: {feature}", SERVICE.name)),
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::Internal(source) => Self::modelled(
                &errors::KMS_INTERNAL_EXCEPTION,
                "The request was rejected because an internal exception occurred. The request can be retried.",
            )
            .with_source(source),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<HsmError> for Refusal {
    fn from(error: HsmError) -> Self {
        Self::Internal(error.into())
    }
}
