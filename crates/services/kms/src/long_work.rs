//! Work that takes a processor for long: the primes of a long RSA key take seconds to find.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::error::Refusal;

/// Pieces of work that are done at once, so that other calls find a processor too.
const AT_ONCE: usize = 2;

/// Places for such work; clones share them.
#[derive(Clone)]
pub(crate) struct LongWork(Arc<Semaphore>);

impl Default for LongWork {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl LongWork {
    /// Does a piece on a thread for such work, once there is a place. It keeps its place to its end, also if nobody waits
    /// for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.0.clone().acquire_owned().await;
        let place = place.map_err(|error| Refusal::Internal(error.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|error| Refusal::Internal(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;

    use strongroom_testkit::run;

    use super::{AT_ONCE, LongWork};

    /// Answers whether it is done at once.
    async fn is_done(future: impl Future + Unpin) -> bool {
        tokio::select! {
            biased;
            _ = future => true,
            () = std::future::ready(()) => false,
        }
    }

    #[test]
    fn who_goes_away_gives_no_place_back_before_the_work_is_done() {
        run(async {
            let work = LongWork::default();
            let (begun, beginnings) = mpsc::channel();
            let mut ends = Vec::new();
            for _ in 0..AT_ONCE {
                let (end, ended) = mpsc::channel::<()>();
                let begun = begun.clone();
                let piece = work.run(move || {
                    begun.send(()).unwrap();
                    ended.recv().unwrap();
                });
                assert!(!is_done(pin!(piece)).await, "it is left");
                beginnings.recv().unwrap();
                ends.push(end);
            }
            let mut another = pin!(work.run(|| 7));
            assert!(!is_done(another.as_mut()).await);
            ends[0].send(()).unwrap();
            assert_eq!(another.await.unwrap(), 7);
            ends[1].send(()).unwrap();
        });
    }
}
