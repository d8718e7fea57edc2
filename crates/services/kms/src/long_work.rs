//! Work that takes a processor for long: the primes of a long RSA key take seconds to find.
//!
//! Whoever asks for it waits, and holds a place of the server meanwhile; so few may wait, of one account and of all,
//! and none for long. Accounts take turns: each has one piece at most that waits for a processor, however many it has
//! asked for. What is too much is refused as AWS refuses what is beyond its quotas, which for RSA data key pairs are about
//! one a second.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_identity::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Refusal;

/// Pieces of one account that are done or wait, so that a program that makes a few keys at once needs no second attempt.
const MOST_OF_ACCOUNT: usize = 4;

/// Pieces of all accounts that are done or wait: a small part of the calls that a server has at work at one time.
const MOST: usize = 32;

/// How long a piece waits until it begins: less than the 30 seconds that a client waits for an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Places for such work; clones share them.
#[derive(Clone)]
pub(crate) struct LongWork(Arc<Places>);

struct Places {
    processors: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    longest_wait: Duration,
}

/// Pieces that are done or wait, [`MOST`] in all.
#[derive(Default)]
struct Waiting {
    all: usize,
    /// Accounts that have any.
    accounts: HashMap<AccountId, OfAccount>,
}

struct OfAccount {
    pieces: usize,
    turn: Arc<Semaphore>,
}

impl Default for LongWork {
    fn default() -> Self {
        Self::new(at_once(), LONGEST_WAIT)
    }
}

/// Pieces that are done at once: one processor is left to other calls, where there is more than one.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1)
}

impl LongWork {
    fn new(at_once: usize, longest_wait: Duration) -> Self {
        let processors = Arc::new(Semaphore::new(at_once));
        Self(Arc::new(Places { processors, waiting: Mutex::default(), longest_wait }))
    }

    /// Does a piece for an account on a thread for such work, once it is its turn: [`Refusal::Throttled`] if too many
    /// wait, or it has waited too long. It keeps its place to its end, also if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        account: AccountId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (place, turn) = Place::taken(&self.0, account).ok_or(Refusal::Throttled)?;
        let turn = async {
            // The account's turn lasts until there is a processor: then its next piece may wait for one.
            let _of_account = turned(turn).await?;
            turned(self.0.processors.clone()).await
        };
        let turn = tokio::time::timeout(self.0.longest_wait, turn).await;
        let turn = turn.map_err(|_| Refusal::Throttled)??;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((place, turn));
            done
        });
        done.await.map_err(|error| Refusal::Internal(error.into()))
    }
}

async fn turned(turn: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    turn.acquire_owned().await.map_err(|error| Refusal::Internal(error.into()))
}

/// One of the pieces that are done or wait, until it is dropped.
struct Place {
    places: Arc<Places>,
    account: AccountId,
}

impl Place {
    /// A place, if there is one, and what gives the account's pieces their turns.
    fn taken(places: &Arc<Places>, account: AccountId) -> Option<(Self, Arc<Semaphore>)> {
        let mut waiting = places.waiting();
        let pieces = waiting.accounts.get(&account).map_or(0, |own| own.pieces);
        if waiting.all >= MOST || pieces >= MOST_OF_ACCOUNT {
            return None;
        }
        waiting.all += 1;
        let fresh = || OfAccount { pieces: 0, turn: Arc::new(Semaphore::new(1)) };
        let own = waiting.accounts.entry(account).or_insert_with(fresh);
        own.pieces += 1;
        Some((Self { places: places.clone(), account }, own.turn.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.places.waiting();
        waiting.all -= 1;
        if let Some(own) = waiting.accounts.get_mut(&self.account) {
            own.pieces -= 1;
            if own.pieces == 0 {
                waiting.accounts.remove(&self.account);
            }
        }
    }
}

impl Places {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::Poll;

    use strongroom_testkit::run;

    use super::*;

    /// Longer than any test.
    const LONG: Duration = Duration::from_hours(1);

    fn account(number: usize) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    /// Answers whether it is done at once.
    async fn is_done(future: impl Future + Unpin) -> bool {
        tokio::select! {
            biased;
            _ = future => true,
            () = std::future::ready(()) => false,
        }
    }

    /// A piece under way, which ends when something is sent.
    async fn begun(work: &LongWork, account: AccountId) -> mpsc::Sender<()> {
        let (begun, beginning) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let piece = work.run(account, move || {
            begun.send(()).unwrap();
            ended.recv().unwrap();
        });
        assert!(!is_done(pin!(piece)).await, "it is left");
        beginning.recv().unwrap();
        end
    }

    type Piece = Pin<Box<dyn Future<Output = Result<(), Refusal>>>>;

    /// Asked for, and waiting for its turn.
    async fn waits(work: &LongWork, account: AccountId, number: usize, done: &mpsc::Sender<usize>) -> Piece {
        let (work, done) = (work.clone(), done.clone());
        let mut piece: Piece =
            Box::pin(async move { work.run(account, move || done.send(number).unwrap()).await });
        assert!(!is_done(piece.as_mut()).await);
        piece
    }

    /// Runs them to their ends, all at one time.
    async fn all_done(mut pieces: Vec<Piece>) {
        poll_fn(|context| {
            pieces.retain_mut(|piece| match piece.as_mut().poll(context) {
                Poll::Ready(outcome) => {
                    outcome.unwrap();
                    false
                }
                Poll::Pending => true,
            });
            if pieces.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn is_throttled<T>(outcome: &Result<T, Refusal>) -> bool {
        matches!(outcome, Err(Refusal::Throttled))
    }

    #[test]
    fn who_goes_away_gives_no_place_back_before_the_work_is_done() {
        run(async {
            let work = LongWork::new(2, LONG);
            let ends = [begun(&work, account(1)).await, begun(&work, account(2)).await];
            let mut another = pin!(work.run(account(3), || 7));
            assert!(!is_done(another.as_mut()).await);
            ends[0].send(()).unwrap();
            assert_eq!(another.await.unwrap(), 7);
            ends[1].send(()).unwrap();
        });
    }

    #[test]
    fn an_account_has_few_pieces_and_all_have_not_many() {
        run(async {
            let work = LongWork::new(1, LONG);
            let end = begun(&work, account(0)).await;
            let (done, dones) = mpsc::channel();
            let mut pieces = Vec::new();
            for number in 1..MOST {
                pieces.push(waits(&work, account(number / MOST_OF_ACCOUNT), number, &done).await);
            }
            assert!(is_throttled(&work.run(account(0), || ()).await), "too many of this account");
            assert!(is_throttled(&work.run(account(100), || ()).await), "too many of all");
            // Whoever goes away while he waits makes room.
            pieces.pop();
            pieces.push(waits(&work, account(100), MOST, &done).await);
            end.send(()).unwrap();
            all_done(pieces).await;
            assert_eq!(dones.try_iter().count(), MOST - 1);
            assert!(work.0.waiting().accounts.is_empty());
        });
    }

    #[test]
    fn accounts_take_turns() {
        run(async {
            let work = LongWork::new(1, LONG);
            let end = begun(&work, account(0)).await;
            let (done, dones) = mpsc::channel();
            let mut pieces = Vec::new();
            for (number, owner) in [1, 1, 1, 2].into_iter().enumerate() {
                pieces.push(waits(&work, account(owner), number, &done).await);
            }
            end.send(()).unwrap();
            all_done(pieces).await;
            assert_eq!(dones.try_iter().collect::<Vec<_>>(), [0, 3, 1, 2]);
        });
    }

    #[test]
    fn nobody_waits_for_long() {
        run(async {
            let work = LongWork::new(1, Duration::ZERO);
            // What need not wait is done, however short the time for waiting is.
            let end = begun(&work, account(1)).await;
            assert!(is_throttled(&work.run(account(2), || ()).await));
            assert!(is_throttled(&work.run(account(1), || ()).await));
            end.send(()).unwrap();
        });
    }
}
