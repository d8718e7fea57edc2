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

/// The key stores whose clusters are left alone, and until when.
#[derive(Default)]
pub(super) struct Resting(Mutex<HashMap<(Home, String), i64>>);

impl Resting {
    fn until(&self) -> MutexGuard<'_, HashMap<(Home, String), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key stores whose clusters are left alone now. The others are forgotten.
    pub(super) fn at(&self, now_ms: i64) -> Vec<(Home, String)> {
        let mut until = self.until();
        until.retain(|_, until_ms| now_ms < *until_ms);
        until.keys().cloned().collect()
    }

    fn contains(&self, name: &(Home, String), now_ms: i64) -> bool {
        self.until().get(name).is_some_and(|until_ms| now_ms < *until_ms)
    }

    fn begin(&self, name: (Home, String), now_ms: i64) {
        self.until().insert(name, now_ms.saturating_add(REST_MS));
    }

    fn end(&self, name: &(Home, String)) {
        self.until().remove(name);
    }

    /// Leaves nothing alone any more.
    pub(super) fn clear(&self) {
        self.until().clear();
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
        if self.resting.contains(&name, self.clocks.real_now()) {
            return Err("the cluster of the key store did not do what was due a moment ago".into());
        }
        let done = work.await;
        match &done {
            Ok(()) => self.resting.end(&name),
            Err(_) => self.resting.begin(name, self.clocks.real_now()),
        }
        done.map_err(Refusal::into_cause)
    }

    /// Has the cluster of a key store that has just been connected do what is due.
    pub(super) fn store_connected(&self, home: &Home, store: &str) {
        self.resting.end(&(home.clone(), store.to_owned()));
        self.agenda_changed();
    }
}
