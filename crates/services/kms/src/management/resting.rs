//! Clusters that are left alone for a while because they did not do what was due: other work is not to wait for one
//! that is out of reach again and again.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_runtime::BoxError;

use super::KeyManagement;
use crate::domain::identifier::Home;
use crate::error::Refusal;

/// How long a cluster is left alone, in milliseconds of real time.
const REST_MS: i64 = 30 * 1000;

/// The key stores whose clusters are left alone, and until when. One that fails again and again is here once.
#[derive(Default)]
pub(super) struct Resting(Mutex<HashMap<(Home, String), i64>>);

impl Resting {
    fn until(&self) -> MutexGuard<'_, HashMap<(Home, String), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyManagement {
    /// Does what is due and needs the cluster of a key store, unless that failed a moment ago.
    pub(super) async fn unless_resting(
        &self,
        home: &Home,
        store: &str,
        work: Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + '_>>,
    ) -> Result<(), BoxError> {
        let name = (home.clone(), store.to_owned());
        let now_ms = self.clocks.real_now();
        if self.resting.until().get(&name).is_some_and(|until_ms| now_ms < *until_ms) {
            return Err("the cluster of the key store did not do what was due a moment ago".into());
        }
        let done = work.await;
        match &done {
            Ok(()) => self.resting.until().remove(&name),
            Err(_) => self.resting.until().insert(name, self.clocks.real_now().saturating_add(REST_MS)),
        };
        done.map_err(Refusal::into_cause)
    }

    /// Has the cluster of a key store that has just been connected do what is due.
    pub(super) fn store_connected(&self, home: &Home, store: &str) {
        self.resting.until().remove(&(home.clone(), store.to_owned()));
        self.agenda_changed();
    }
}
