//! What the reconciler remembers between two looks. None of it is needed after a restart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::RwLock;

/// The longest pause between two starts of an HSM, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 30_000;

/// What is remembered of one HSM. Times are real, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tries {
    /// How often it was started since it last came up.
    pub(crate) starts: u32,
    /// When it may be started again.
    pub(crate) not_before_ms: i64,
    /// Since when it has been away.
    pub(crate) away_since_ms: Option<i64>,
    /// Since when it is connected and does not serve.
    pub(crate) idle_since_ms: Option<i64>,
    /// Since when members are asked to let it go.
    pub(crate) leaving_since_ms: Option<i64>,
    /// A member has let it go.
    pub(crate) has_left: bool,
    /// Since when its removal waits for a backup.
    pub(crate) waits_since_ms: Option<i64>,
}

/// What is remembered of the last sweep of a cluster, or of an account in a Region.
#[derive(Debug, Default)]
struct Sweep {
    last_ms: i64,
    /// What belonged to nobody, and since when.
    unowned: HashMap<String, i64>,
}

/// The reconciler's memory.
#[derive(Default)]
pub(crate) struct Memory {
    /// Counts what may have changed.
    generation: AtomicU64,
    /// What is being worked on.
    busy: Mutex<HashMap<String, u64>>,
    tries: Mutex<HashMap<String, Tries>>,
    sweeps: Mutex<HashMap<String, Sweep>>,
    /// Held for reading by whoever works, for writing by whoever wants quiet.
    pub(crate) turn: Arc<RwLock<()>>,
}

impl Memory {
    /// Notes that something may have changed.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Begins to work on something; `None` if somebody does.
    pub(super) fn begin(&self, id: &str) -> Option<u64> {
        let mut busy = lock(&self.busy);
        if busy.contains_key(id) {
            return None;
        }
        let generation = self.generation.load(Ordering::SeqCst);
        busy.insert(id.to_owned(), generation);
        Some(generation)
    }

    /// Ends the work. Answers whether something has changed since it began.
    pub(super) fn end(&self, id: &str, ticket: u64) -> bool {
        lock(&self.busy).remove(id);
        self.generation.load(Ordering::SeqCst) != ticket
    }

    /// Remembers something of an HSM, and answers all of it.
    pub(super) fn note(&self, hsm_id: &str, act: impl FnOnce(&mut Tries)) -> Tries {
        let mut all = lock(&self.tries);
        let tries = all.entry(hsm_id.to_owned()).or_default();
        act(tries);
        *tries
    }

    /// Notes that an HSM is started now. The next time comes later the more often that was.
    pub(super) fn started(&self, hsm_id: &str, now_ms: i64) -> Tries {
        self.note(hsm_id, |tries| {
            let pause_ms = (500_i64 << tries.starts.min(6)).min(LONGEST_PAUSE_MS);
            tries.starts = tries.starts.saturating_add(1);
            tries.not_before_ms = now_ms.saturating_add(pause_ms);
        })
    }

    /// Forgets an HSM that is as it has to be, or gone.
    pub(crate) fn forget(&self, hsm_id: &str) {
        lock(&self.tries).remove(hsm_id);
    }

    /// Whether a sweep is due, which then begins.
    pub(super) fn is_sweep_due(&self, scope: &str, now_ms: i64, every_ms: i64) -> bool {
        let mut sweeps = lock(&self.sweeps);
        let sweep = sweeps.entry(scope.to_owned()).or_default();
        let is_due = now_ms - sweep.last_ms >= every_ms;
        if is_due {
            sweep.last_ms = now_ms;
        }
        is_due
    }

    /// Notes what belongs to nobody now. Answers what of it has belonged to nobody for that long.
    pub(super) fn leftovers(
        &self,
        scope: &str,
        unowned: Vec<String>,
        now_ms: i64,
        age_ms: i64,
    ) -> Vec<String> {
        let mut sweeps = lock(&self.sweeps);
        let sweep = sweeps.entry(scope.to_owned()).or_default();
        let before = std::mem::take(&mut sweep.unowned);
        let since = |id: String| {
            let since_ms = before.get(&id).copied().unwrap_or(now_ms);
            (id, since_ms)
        };
        sweep.unowned = unowned.into_iter().map(since).collect();
        let old = sweep.unowned.iter().filter(|(_, since_ms)| now_ms - **since_ms >= age_ms);
        old.map(|(id, _)| id.clone()).collect()
    }

    /// There is nothing to be swept there any more.
    pub(super) fn end_sweeps(&self, scope: &str) {
        lock(&self.sweeps).remove(scope);
    }

    /// Forgets everything of HSMs.
    pub(super) fn clear(&self) {
        lock(&self.tries).clear();
        lock(&self.sweeps).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hsm_that_does_not_stay_is_started_less_and_less_often() {
        let memory = Memory::default();
        let pauses: Vec<_> = (0..9).map(|_| memory.started("hsm-a", 1_000).not_before_ms - 1_000).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        memory.forget("hsm-a");
        assert_eq!(memory.started("hsm-a", 0).not_before_ms, 500);
    }

    #[test]
    fn only_what_belongs_to_nobody_for_a_while_is_a_leftover() {
        let memory = Memory::default();
        let look = |ids: &[&str], now_ms| {
            let unowned = ids.iter().map(|id| (*id).to_owned()).collect();
            memory.leftovers("cluster-a", unowned, now_ms, 60)
        };
        assert!(look(&["a", "b"], 1_000).is_empty());
        assert!(look(&["b"], 1_030).is_empty(), "somebody has a now");
        assert_eq!(look(&["a", "b"], 1_060), ["b"]);
        assert_eq!(look(&["a"], 1_120), ["a"]);
        assert!(memory.is_sweep_due("cluster-a", 1_000, 15));
        assert!(!memory.is_sweep_due("cluster-a", 1_014, 15) && memory.is_sweep_due("cluster-b", 1_014, 15));
        assert!(memory.is_sweep_due("cluster-a", 1_015, 15));
    }

    #[test]
    fn one_at_a_time_works_on_one_thing_and_hears_of_changes() {
        let memory = Memory::default();
        let ticket = memory.begin("cluster-a").unwrap();
        assert!(memory.begin("cluster-a").is_none() && memory.begin("cluster-b").is_some());
        memory.changed();
        assert!(memory.end("cluster-a", ticket));
        let ticket = memory.begin("cluster-a").unwrap();
        assert!(!memory.end("cluster-a", ticket));
    }
}
