//! Copies are made beside everything else. A folder of another machine may hang for as long as it likes: that holds up its
//! own copy, and neither the journal's checkpoints nor another copy nor the end of the server.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Checkpoint, CheckpointCopy, CheckpointStore};

/// One copy, with the thread that brings it up to date.
pub(crate) struct Copying(Arc<Desk>);

/// Where the keeper and the thread meet.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The newest checkpoint, if the thread has not begun to copy it. Those before it come along.
    told: Option<Checkpoint>,
    /// The thread is at work.
    working: bool,
    /// The keeper is gone.
    over: bool,
}

impl Copying {
    /// Starts the thread for the copy in `dir` of a journal's checkpoints.
    pub(crate) fn start(journal: Arc<dyn CheckpointStore>, dir: PathBuf) -> io::Result<Self> {
        let desk = Arc::<Desk>::default();
        let copy = CheckpointCopy::new(dir);
        let work = {
            let desk = Arc::clone(&desk);
            move || desk.serve(copy, &*journal)
        };
        thread::Builder::new().name("checkpoint-copy".to_owned()).spawn(work)?;
        Ok(Self(desk))
    }

    /// Tells of the newest checkpoint. Does not wait.
    pub(crate) fn tell(&self, newest: &Checkpoint) {
        self.0.lock().told = Some(newest.clone());
        self.0.changed.notify_all();
    }

    /// Waits until what was told is copied, or could not be, `limit` at the most. Tells whether it came to that.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let behind = |state: &mut State| state.working || state.told.is_some();
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), limit, behind);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for Copying {
    /// Lets the thread go. It is not waited for: it may hang.
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}

impl Desk {
    fn serve(&self, mut copy: CheckpointCopy, journal: &dyn CheckpointStore) {
        loop {
            let idle = |state: &mut State| state.told.is_none() && !state.over;
            let mut state =
                self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            if state.over {
                return;
            }
            let Some(newest) = state.told.take() else { continue };
            state.working = true;
            drop(state);
            copy.follow(journal, &newest);
            self.lock().working = false;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
