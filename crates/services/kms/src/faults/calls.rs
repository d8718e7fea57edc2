//! Calls that fail on demand, with errors that AWS's model has for them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use strongroom_api_kms::{SERVICE, errors};
use strongroom_schema::ErrorShape;
use strongroom_service::ApiError;

use crate::error::Refusal;

/// What stands before the name of an operation, as policies write it.
const PREFIX: &str = "kms:";

/// What calls fail with is no secret, and nobody knows AWS's words for most of it.
const ASKED_FOR: &str = "This call fails because somebody asked for it with the fault call-fails.";

/// Why calls do not fail as it was asked for. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CallFaultError(String);

/// Operations whose calls fail, and with what: one error each, so that there are never more than operations.
#[derive(Default)]
pub(crate) struct CallFaults {
    errors: RwLock<BTreeMap<&'static str, &'static ErrorShape>>,
    /// Whether there is any: calls look at no more than that while there is none.
    any: AtomicBool,
}

impl CallFaults {
    /// Has calls of the operation fail with the error, which has to be one that the model has for it.
    pub(crate) fn set(&self, operation: &str, code: &str) -> Result<(), CallFaultError> {
        let named = operation.strip_prefix(PREFIX).unwrap_or(operation);
        let operation = SERVICE.operations.iter().find(|known| known.name == named).ok_or_else(|| {
            CallFaultError(format!("{operation} is no operation of KMS. Name one as kms:Decrypt."))
        })?;
        let error = operation.errors.iter().find(|error| error.name == code).ok_or_else(|| {
            let codes: Vec<_> = operation.errors.iter().map(|error| error.name).collect();
            CallFaultError(format!(
                "{code} is no error of kms:{}. Its errors are {}.",
                operation.name,
                codes.join(", ")
            ))
        })?;
        self.changing().insert(operation.name, error);
        self.any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Fails if calls of that operation do.
    pub(crate) fn check(&self, operation: &str) -> Result<(), ApiError> {
        if !self.any.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.reading().get(operation) {
            Some(error) => Err(failure(error)),
            None => Ok(()),
        }
    }

    /// Operations whose calls fail, as policies write them, and the code of the error.
    pub(crate) fn list(&self) -> Vec<(String, &'static str)> {
        self.reading().iter().map(|(name, error)| (format!("{PREFIX}{name}"), error.name)).collect()
    }

    /// Lets calls of those operations be. Answers how many operations there were.
    pub(crate) fn forget(&self, which: impl Fn(&str) -> bool) -> usize {
        let mut errors = self.changing();
        let before = errors.len();
        errors.retain(|name, _| !which(&format!("{PREFIX}{name}")));
        self.any.store(!errors.is_empty(), Ordering::Relaxed);
        before - errors.len()
    }

    fn reading(&self) -> RwLockReadGuard<'_, BTreeMap<&'static str, &'static ErrorShape>> {
        self.errors.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> RwLockWriteGuard<'_, BTreeMap<&'static str, &'static ErrorShape>> {
        self.errors.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error, in AWS's words where they are known.
fn failure(error: &'static ErrorShape) -> ApiError {
    let is = |other: &ErrorShape| error.name == other.name;
    if is(&errors::KMS_INTERNAL_EXCEPTION) {
        Refusal::internal(ASKED_FOR).into()
    } else if is(&errors::DEPENDENCY_TIMEOUT_EXCEPTION) {
        Refusal::Timeout(ASKED_FOR.into()).into()
    } else if is(&errors::KEY_UNAVAILABLE_EXCEPTION) {
        // KMS API Reference, KeyUnavailableException.
        ApiError::modelled(
            error,
            "The request was rejected because the specified KMS key was not available. You can retry the request.",
        )
    } else {
        ApiError::modelled(error, ASKED_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_fail_with_what_the_model_has_until_they_are_let_be() {
        let faults = CallFaults::default();
        assert!(faults.check("Decrypt").is_ok());
        faults.set("kms:Decrypt", "KeyUnavailableException").unwrap();
        faults.set("ListKeys", "KMSInternalException").unwrap();
        faults.set("ListKeys", "DependencyTimeoutException").unwrap();
        assert_eq!(faults.check("Decrypt").unwrap_err().code(), "KeyUnavailableException");
        assert_eq!(faults.check("ListKeys").unwrap_err().code(), "DependencyTimeoutException");
        assert!(faults.check("Encrypt").is_ok());
        let list = [
            ("kms:Decrypt".to_owned(), "KeyUnavailableException"),
            ("kms:ListKeys".to_owned(), "DependencyTimeoutException"),
        ];
        assert_eq!(faults.list(), list);
        assert_eq!(faults.forget(|operation| operation == "kms:Decrypt"), 1);
        assert!(faults.check("Decrypt").is_ok() && faults.check("ListKeys").is_err());
        assert_eq!(faults.forget(|_| true), 1);
        assert!(faults.check("ListKeys").is_ok());
    }

    #[test]
    fn what_the_model_does_not_have_is_refused() {
        let faults = CallFaults::default();
        for (operation, code, told) in [
            ("kms:Open", "KMSInternalException", "kms:Open is no operation of KMS"),
            ("s3:Decrypt", "KMSInternalException", "s3:Decrypt is no operation of KMS"),
            ("kms:ListKeys", "DisabledException", "Its errors are DependencyTimeoutException, "),
        ] {
            assert!(faults.set(operation, code).unwrap_err().to_string().contains(told));
        }
        assert!(faults.list().is_empty());
    }
}
