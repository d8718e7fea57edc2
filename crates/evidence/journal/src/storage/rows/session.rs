//! Asking a store from threads that block, as those that write and read a journal do.

use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_store::{Db, StoreError};
use tokio::runtime::{Builder, Handle, Runtime};

/// How long a connection is waited for.
const CONNECTING: Duration = Duration::from_secs(3);

/// Connections of its own to a store, on a thread of their own: whoever asks may block, wherever he is.
pub(super) struct Session {
    base: Db,
    connections: u32,
    /// How long a question may take, connecting included.
    patience: Duration,
    db: Mutex<Db>,
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Session {
    /// Starts the thread. It connects with the first question.
    pub(super) fn start(db: &Db, connections: u32, patience: Duration) -> io::Result<Arc<Self>> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("journal-store")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (base, aside) = (db.clone(), db.aside(connections, CONNECTING));
        let (db, runtime) = (Mutex::new(aside), Some(runtime));
        Ok(Arc::new(Self { base, connections, patience, db, handle, runtime }))
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask<T, F>(&self, question: impl FnOnce(Db) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let asked = question(self.db());
        let (tell, told) = mpsc::sync_channel(1);
        let patience = self.patience;
        self.handle.spawn(async move {
            // Nobody listens if whoever asked is gone.
            let _ = tell.send(tokio::time::timeout(patience, asked).await);
        });
        match told.recv() {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => {
                // What hangs there must not be in the way of the next question.
                *self.lock() = self.base.aside(self.connections, CONNECTING);
                Err(StoreError::Unavailable(late.into()))
            }
            Err(gone) => Err(StoreError::Unavailable(gone.into())),
        }
    }

    fn db(&self) -> Db {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Db> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    /// Waits for nothing: it may be dropped where blocking is not allowed.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What went wrong, for those who know files.
pub(super) fn failed(error: StoreError) -> io::Error {
    io::Error::other(error)
}
