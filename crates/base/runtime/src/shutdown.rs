//! Stopping: tell everyone, wait for everyone, but not for ever.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// A shutdown that tasks can hear and that waits for them. Clones are the same shutdown.
#[derive(Clone)]
pub struct Shutdown {
    begun: Arc<watch::Sender<bool>>,
    // Each task holds a sender; the receiver sees the channel close when the last one is gone.
    working: mpsc::WeakSender<()>,
}

/// The owner's half of a [`Shutdown`].
pub struct ShutdownOwner {
    shutdown: Shutdown,
    working: mpsc::Sender<()>,
    finished: mpsc::Receiver<()>,
}

impl Shutdown {
    /// Resolves when the shutdown begins, at once if it has.
    pub async fn begun(&self) {
        let mut receiver = self.begun.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|begun| *begun).await;
    }

    /// Whether the shutdown has begun: for work that is long and made of many small steps.
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Runs `task` beside the caller; the shutdown waits for it. A task asked for after everything has
    /// stopped, or where nothing runs tasks, is not run.
    #[expect(clippy::disallowed_methods, reason = "this is the tracked spawner that the ban points to")]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(working) = self.working.upgrade()
            && Handle::try_current().is_ok()
        {
            tokio::spawn(async move {
                task.await;
                drop(working);
            });
        }
    }
}

impl ShutdownOwner {
    /// A shutdown that has not begun.
    #[expect(clippy::new_without_default, reason = "a default nobody owns would be a shutdown nobody begins")]
    pub fn new() -> Self {
        let (working, finished) = mpsc::channel(1);
        let shutdown = Shutdown { begun: Arc::new(watch::Sender::new(false)), working: working.downgrade() };
        Self { shutdown, working, finished }
    }

    /// The half to hand out.
    pub fn handle(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Begins the shutdown and waits, at most `patience`, for all tasks. Answers whether all ended.
    pub async fn finish(mut self, patience: Duration) -> bool {
        self.shutdown.begun.send_replace(true);
        drop(self.working);
        tokio::time::timeout(patience, self.finished.recv()).await.is_ok()
    }
}

/// Hears from now on when the process is asked to stop (SIGTERM or SIGINT); what it answers resolves then.
/// Fails where signals cannot be heard.
pub fn termination() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn waits_for_tasks_and_gives_up_on_those_that_stay() {
        let owner = ShutdownOwner::new();
        let handle = owner.handle();
        let done = Arc::new(AtomicBool::new(false));
        handle.spawn({
            let (handle, done) = (handle.clone(), done.clone());
            async move {
                handle.begun().await;
                done.store(true, Ordering::SeqCst);
            }
        });
        assert!(owner.finish(Duration::from_secs(30)).await);
        assert!(done.load(Ordering::SeqCst));

        let owner = ShutdownOwner::new();
        owner.handle().spawn(std::future::pending());
        assert!(!owner.finish(Duration::from_millis(1)).await);
    }
}
