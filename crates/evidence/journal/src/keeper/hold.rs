//! Holding a journal's files still: while somebody copies them, none is compressed or removed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes [`Hold`]s. Clones hold the same journal.
#[derive(Clone, Default)]
pub struct Holds(Arc<Mutex<usize>>);

/// While it lives, no segment is compressed, and none removed.
pub struct Hold(Holds);

impl Holds {
    /// Holds the files. Waits for the step that is being done, which is short of a second.
    pub fn hold(&self) -> Hold {
        *self.count() += 1;
        Hold(self.clone())
    }

    /// Begins a step on the files, if nobody holds them; nobody does until the step is done.
    pub(super) fn begin_step(&self) -> Option<MutexGuard<'_, usize>> {
        Some(self.count()).filter(|count| **count == 0)
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut count = self.0.count();
        *count = count.saturating_sub(1);
    }
}
