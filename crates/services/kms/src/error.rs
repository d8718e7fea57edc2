//! KMS's refusals as AWS words them (texts: KMS Developer Guide and API Reference, and answers of AWS quoted
//! in public issue threads).

mod key_stores;

use strongroom_api_kms::{SERVICE, errors};
use strongroom_hsm_core::HsmError;
use strongroom_journal::JournalError;
use strongroom_policy::Denied;
use strongroom_schema::ErrorShape;
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

pub(crate) use self::key_stores::KeyStoreRefusal;

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
    /// A material that cannot be the key's, or not this way: it is none, another one, or known where a new one is
    /// expected. Which, is not told.
    IncorrectKeyMaterial,
    /// An import token that was not given, or for another key.
    InvalidImportToken,
    /// An import token whose time is over.
    ExpiredImportToken,
    /// The signature is not the key's over this message. AWS sends no message.
    InvalidSignature,
    /// The MAC is not the key's over this message. AWS sends no message.
    InvalidMac,
    /// `ValidationException` with this text.
    Validation(String),
    /// The key of that ARN is disabled.
    Disabled(String),
    /// `KMSInvalidStateException` with this text.
    InvalidState(String),
    /// The key of that ARN is about to rotate by itself.
    RotationConflict(String),
    /// `MalformedPolicyDocumentException` with this text.
    MalformedPolicy(String),
    /// `TagException` with this text.
    Tag(String),
    /// There is no key store of that id.
    NoSuchKeyStore(String),
    /// About a key store and its cluster.
    KeyStore(KeyStoreRefusal),
    /// A key of that ARN exists.
    KeyExists(String),
    /// An alias of that ARN exists.
    AliasExists(String),
    /// `InvalidAliasNameException` with this text.
    InvalidAliasName(String),
    /// The alias is reserved for AWS services.
    ReservedAlias,
    /// A quota is reached; the text says which.
    LimitExceeded(String),
    /// There are too many requests in a second.
    Throttled,
    /// A grant token that no grant gave.
    InvalidGrantToken,
    /// What is no grant's id.
    InvalidGrantId,
    /// The call would have succeeded.
    DryRun,
    /// `UnsupportedOperationException`; AWS tells why only sometimes.
    Unsupported(Option<String>),
    /// A parameter or value that is not implemented yet.
    NotYet(&'static str),
    /// The policy engine said no.
    Denied(Denied),
    /// Another service, called for the caller, said no in these words.
    DeniedElsewhere(String),
    /// The store does not answer in time.
    Timeout(Box<dyn std::error::Error + Send + Sync>),
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

    /// Two members that exclude each other, or neither of two. KMS API Reference, CreateGrant, has this sentence of
    /// each pair; what AWS answers has not been seen.
    pub(crate) fn either(one: &str, other: &str) -> Self {
        Self::Validation(format!("You must specify either {one} or {other}, but not both."))
    }

    /// There is no principal of that ARN. AWS's text is that which Lambda relays.
    pub(crate) fn no_such_principal(arn: &str) -> Self {
        Self::InvalidArn(format!("ARN does not refer to a valid principal: {arn}"))
    }

    /// The key has no grant of that id.
    pub(crate) fn no_such_grant(id: &str) -> Self {
        Self::NotFound(format!("Grant {id} is not found."))
    }

    /// A number out of the range that AWS allows and the model does not tell.
    pub(crate) fn out_of_range(member: &str, value: i32, direction: &str, bound: i32) -> Self {
        Self::Validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must \
             have value {direction} than or equal to {bound}"
        ))
    }

    /// A parameter that is missing, although the model does not demand it always.
    pub(crate) fn missing(member: &str) -> Self {
        Self::Validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be \
             null"
        ))
    }

    /// The same for bytes, which AWS does not show, not even where there are none.
    pub(crate) fn missing_bytes(member: &str) -> Self {
        Self::Validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    }

    /// The same where an operation names a key store and no key: AWS's model has `CustomKeyStoreInvalidStateException`
    /// for those, and not `KMSInvalidStateException`.
    pub(crate) fn of_key_store(self) -> Self {
        match self {
            Self::InvalidState(text) => KeyStoreRefusal::InvalidState(text).into(),
            other => other,
        }
    }

    /// Whether a change that ends with it may have been made all the same: the store's answer has not come.
    pub(crate) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Internal(_) | Self::Timeout(_))
    }

    /// The reason, for those who are not callers.
    pub(crate) fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Internal(cause) | Self::Timeout(cause) => cause,
            other => ApiError::from(other).into(),
        }
    }

    /// The error that the operation of that name has for it. AWS's model lets some say that something did not answer in
    /// time; of the others it is a failure of ours, which clients try again upon as well.
    pub(crate) fn of(self, operation: &str) -> ApiError {
        let declares = |error: &ErrorShape| {
            let operation = SERVICE.position(operation).and_then(|position| SERVICE.operations.get(position));
            operation.is_some_and(|operation| operation.errors.iter().any(|known| known.name == error.name))
        };
        match self {
            Self::Timeout(cause) if !declares(&errors::DEPENDENCY_TIMEOUT_EXCEPTION) => {
                Self::Internal(cause).into()
            }
            other => other.into(),
        }
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
            // AWS's texts are not known; these are the first words of the API Reference's.
            Refusal::IncorrectKeyMaterial => Self::modelled(
                &errors::INCORRECT_KEY_MATERIAL_EXCEPTION,
                "The key material in the request is, expired, invalid, or does not meet expectations.",
            ),
            Refusal::InvalidImportToken => Self::modelled(
                &errors::INVALID_IMPORT_TOKEN_EXCEPTION,
                "The provided import token is invalid or is associated with a different KMS key.",
            ),
            Refusal::ExpiredImportToken => Self::modelled(
                &errors::EXPIRED_IMPORT_TOKEN_EXCEPTION,
                "The specified import token is expired.",
            ),
            Refusal::InvalidSignature => Self::bare(&errors::KMS_INVALID_SIGNATURE_EXCEPTION),
            Refusal::InvalidMac => Self::bare(&errors::KMS_INVALID_MAC_EXCEPTION),
            Refusal::Validation(text) => Self::validation(text),
            Refusal::Disabled(arn) => {
                Self::modelled(&errors::DISABLED_EXCEPTION, format!("{arn} is disabled."))
            }
            Refusal::InvalidState(text) => Self::modelled(&errors::KMS_INVALID_STATE_EXCEPTION, text),
            Refusal::RotationConflict(arn) => Self::modelled(
                &errors::CONFLICT_EXCEPTION,
                format!(
                    "An automatic rotation of {arn} is in progress or scheduled to begin within the next 20 minutes."
                ),
            ),
            Refusal::MalformedPolicy(text) => {
                Self::modelled(&errors::MALFORMED_POLICY_DOCUMENT_EXCEPTION, text)
            }
            Refusal::Tag(text) => Self::modelled(&errors::TAG_EXCEPTION, text),
            Refusal::NoSuchKeyStore(id) => Self::modelled(
                &errors::CUSTOM_KEY_STORE_NOT_FOUND_EXCEPTION,
                format!("Custom key store '{id}' does not exist"),
            ),
            Refusal::KeyStore(refusal) => refusal.into(),
            Refusal::KeyExists(arn) => {
                Self::modelled(&errors::ALREADY_EXISTS_EXCEPTION, format!("Key {arn} already exists"))
            }
            Refusal::AliasExists(arn) => Self::modelled(
                &errors::ALREADY_EXISTS_EXCEPTION,
                format!("An alias with the name {arn} already exists"),
            ),
            Refusal::InvalidAliasName(text) => Self::modelled(&errors::INVALID_ALIAS_NAME_EXCEPTION, text),
            Refusal::ReservedAlias => Self::common("NotAuthorizedException", ""),
            Refusal::LimitExceeded(text) => Self::modelled(&errors::LIMIT_EXCEEDED_EXCEPTION, text),
            Refusal::Throttled => Self::common(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            ),
            Refusal::InvalidGrantToken => {
                Self::modelled(&errors::INVALID_GRANT_TOKEN_EXCEPTION, "Invalid grant token.")
            }
            Refusal::InvalidGrantId => {
                Self::modelled(&errors::INVALID_GRANT_ID_EXCEPTION, "Invalid grant id.")
            }
            Refusal::DryRun => Self::modelled(
                &errors::DRY_RUN_OPERATION_EXCEPTION,
                "The request would have succeeded, but the DryRun option is set.",
            ),
            Refusal::Unsupported(None) => Self::bare(&errors::UNSUPPORTED_OPERATION_EXCEPTION),
            Refusal::Unsupported(Some(text)) => {
                Self::modelled(&errors::UNSUPPORTED_OPERATION_EXCEPTION, text)
            }
            Refusal::NotYet(feature) => Self::feature_not_implemented(&format!("{}: {feature}", SERVICE.name)),
            Refusal::Denied(denied) => Self::access_denied(denied),
            Refusal::DeniedElsewhere(text) => Self::access_denied(text),
            Refusal::Timeout(source) => Self::modelled(
                &errors::DEPENDENCY_TIMEOUT_EXCEPTION,
                "The system timed out while trying to fulfill the request. You can retry the request.",
            )
            .with_source(source),
            Refusal::Internal(source) => Self::modelled(
                &errors::KMS_INTERNAL_EXCEPTION,
                "The request was rejected because an internal exception occurred. The request can be retried.",
            )
            .with_source(source),
        }
    }
}

impl From<KeyStoreRefusal> for Refusal {
    fn from(refusal: KeyStoreRefusal) -> Self {
        Self::KeyStore(refusal)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => Self::Timeout(error.into()),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
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
