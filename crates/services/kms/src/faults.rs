//! Faults on demand, of key stores and of calls, for whoever rehearses a failure. For development.

mod calls;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::calls::CallFaultError;
pub(crate) use self::calls::CallFaults;
use crate::domain::key_store::ConnectionError;

/// Key stores that may wait for a failure at once.
const MOST_WAITING: usize = 64;

/// Why a fault of a key store is not as it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreFaultError {
    /// There is no such key store, it is not in a state for this, or the code is none of AWS's. The text says what to
    /// do.
    #[error("{0}")]
    Refused(String),
    /// The store fails.
    #[error("the fault of a key store cannot be brought about")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Key stores whose next attempt to connect fails, and with what. In memory alone: a server that starts connects.
#[derive(Default)]
pub(crate) struct ConnectFaults(Mutex<BTreeMap<String, ConnectionError>>);

impl ConnectFaults {
    /// Has the next attempt fail. `false` when too many key stores wait for that.
    pub(crate) fn set(&self, store_id: &str, error: ConnectionError) -> bool {
        let mut waiting = self.lock();
        let has_room = waiting.len() < MOST_WAITING || waiting.contains_key(store_id);
        if has_room {
            waiting.insert(store_id.to_owned(), error);
        }
        has_room
    }

    /// The failure that an attempt which begins now is to end with, if there is one; it is used up then.
    pub(crate) fn take(&self, store_id: &str) -> Option<ConnectionError> {
        self.lock().remove(store_id)
    }

    /// Key stores that wait for a failure, and the code that it has.
    pub(crate) fn list(&self) -> Vec<(String, &'static str)> {
        self.lock().iter().map(|(id, error)| (id.clone(), error.as_str())).collect()
    }

    /// Forgets those that `which` says. Answers how many.
    pub(crate) fn forget(&self, which: impl Fn(&str) -> bool) -> usize {
        let mut waiting = self.lock();
        let before = waiting.len();
        waiting.retain(|id, _| !which(id));
        before - waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ConnectionError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_used_up() {
        let faults = ConnectFaults::default();
        assert!(faults.set("cks-a", ConnectionError::NetworkErrors));
        assert!(faults.set("cks-a", ConnectionError::UserNotFound), "the last one counts");
        assert_eq!(faults.list(), [("cks-a".to_owned(), "USER_NOT_FOUND")]);
        assert_eq!(faults.take("cks-b"), None);
        assert_eq!(faults.take("cks-a"), Some(ConnectionError::UserNotFound));
        assert_eq!(faults.take("cks-a"), None);
    }

    #[test]
    fn those_that_wait_are_bounded() {
        let faults = ConnectFaults::default();
        assert!((0..MOST_WAITING).all(|id| faults.set(&format!("cks-{id}"), ConnectionError::InternalError)));
        assert!(!faults.set("cks-another", ConnectionError::InternalError));
        assert!(faults.set("cks-0", ConnectionError::InternalError));
        assert_eq!(faults.forget(|id| id == "cks-1"), 1);
        assert_eq!(faults.forget(|_| true), MOST_WAITING - 1);
        assert!(faults.list().is_empty() && faults.set("cks-another", ConnectionError::InternalError));
    }
}
