//! What KMS refuses: as Logs tells it, and how long it is remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use strongroom_api_logs::errors;
use strongroom_service::ApiError;

use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;

/// How long a refusal holds for those who write, in milliseconds of real time: whoever logs without end must not have KMS
/// refuse, and that recorded, without end.
const REFUSED_MS: i64 = 60 * 1000;

/// How long it holds that KMS could not answer.
const FAILED_MS: i64 = 10 * 1000;

/// Refusals that are remembered at most.
const MOST_REMEMBERED: usize = 1024;

/// KMS did not let the key of a group be used, or did not answer.
#[derive(Clone, Debug)]
pub(crate) struct KmsRefused {
    name: GroupName,
    error: Box<ApiError>,
}

/// What is to be done about a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The key's policy does not let Logs in.
    Denied,
    NotFound,
    /// Disabled, to be deleted, its HSMs not there.
    Unusable,
    /// No key for encryption.
    NotForEncryption,
    /// Another try may succeed.
    Busy,
    /// Anything else is a failure of ours.
    Failed,
}

impl KmsRefused {
    pub(crate) fn new(name: &GroupName, error: ApiError) -> Self {
        Self { name: name.clone(), error: Box::new(error) }
    }

    /// What KMS said.
    pub(crate) fn into_error(self) -> ApiError {
        *self.error
    }

    fn kind(&self) -> Kind {
        if self.error.is_access_denied() {
            return Kind::Denied;
        }
        match self.error.code() {
            "NotFoundException" | "InvalidArnException" => Kind::NotFound,
            "DisabledException" | "KMSInvalidStateException" | "KeyUnavailableException" => Kind::Unusable,
            "InvalidKeyUsageException" | "ValidationException" | "UnsupportedOperationException" => {
                Kind::NotForEncryption
            }
            "ThrottlingException" | "LimitExceededException" | "DependencyTimeoutException" => Kind::Busy,
            _ => Kind::Failed,
        }
    }

    fn holds_ms(&self) -> i64 {
        match self.kind() {
            Kind::Busy | Kind::Failed => FAILED_MS,
            Kind::Denied | Kind::NotFound | Kind::Unusable | Kind::NotForEncryption => REFUSED_MS,
        }
    }
}

/// In the words of Logs. A key that is not there or disabled is the caller's mistake (Logs API Reference, AssociateKmsKey);
/// the texts of the first two are AWS's, the others ours.
impl From<KmsRefused> for ApiError {
    fn from(refused: KmsRefused) -> Self {
        let kind = refused.kind();
        let KmsRefused { name, error } = refused;
        let invalid = |text: &str| {
            let text = format!("The specified KMS Key Id {text}. '{}'", name.name);
            Self::modelled(&errors::INVALID_PARAMETER_EXCEPTION, text)
        };
        match kind {
            Kind::Denied => {
                let arn = name.arn();
                let text = format!(
                    "The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
                );
                Self::modelled(&errors::ACCESS_DENIED_EXCEPTION, text).with_source(*error)
            }
            Kind::NotFound => invalid("could not be found"),
            Kind::Unusable => invalid("is disabled or cannot be used"),
            Kind::NotForEncryption => invalid("is not a symmetric encryption key"),
            Kind::Busy => {
                let text = "The service cannot complete the request.";
                Self::modelled(&errors::SERVICE_UNAVAILABLE_EXCEPTION, text).with_source(*error)
            }
            Kind::Failed => Self::internal(*error),
        }
    }
}

/// Refusals of the last moments, by group and key of KMS's.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<(Id, String), (i64, KmsRefused)>>);

impl Refusals {
    /// Forgets all.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What KMS last said of a group's key, if that holds at `now_ms`.
    pub(crate) fn of(&self, group: &Group, now_ms: i64) -> Option<KmsRefused> {
        let of = (group.id, group.kms_key.clone()?);
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(&of).filter(|(until_ms, _)| now_ms < *until_ms).map(|(_, refused)| refused.clone())
    }

    /// Notes how KMS answered about a group's key at `now_ms`.
    pub(crate) fn note(&self, group: &Group, refused: Option<&KmsRefused>, now_ms: i64) {
        let Some(key) = &group.kms_key else { return };
        let of = (group.id, key.clone());
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(refused) = refused else {
            remembered.remove(&of);
            return;
        };
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, (until_ms, _)| now_ms < *until_ms);
        }
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(of, (now_ms.saturating_add(refused.holds_ms()), refused.clone()));
    }
}
