//! Last uses of keys, read out of the journal: cryptography itself writes nothing but its record.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use strongroom_api_kms::actions;
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_journal::{JournalError, Position, Reader};
use strongroom_policy::Authorized;
use strongroom_runtime::Shutdown;
use strongroom_store::{Db, RowMac, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use super::KeyManagement;
use crate::domain::identifier::{Home, Named};
use crate::domain::key::SharedKey;
use crate::domain::usage::{self, LastUse};
use crate::error::Refusal;
use crate::repo;

/// Records read before what they tell is kept.
const BATCH: usize = 20_000;

/// How often the journal is read on, also if nobody asks: who asks then waits for little.
const PAUSE: Duration = Duration::from_secs(30);

/// How long a caller waits for the journal to be read to its end. What it has not come to by then shows in a
/// later answer, as it may with AWS.
const PATIENCE: Duration = Duration::from_secs(5);

/// The condition key for the days without a use.
const UNUSED_DAYS: &str = "kms:TrailingDaysWithoutKeyUsage";

const MILLIS_OF_A_DAY: i64 = 24 * 60 * 60 * 1000;

/// How far the journal has been read for uses of keys, and the reading on.
pub(super) struct Usage {
    db: Db,
    mac: RowMac,
    journal: RwLock<Reader>,
    /// One reads at a time.
    reading: Mutex<()>,
}

/// While it is held, the journal is not read for uses of keys.
pub(super) struct UsageAtRest<'u> {
    _reading: MutexGuard<'u, ()>,
}

/// The uses that a stretch of the journal tells, each key's last, and where the stretch ends.
struct Stretch {
    uses: HashMap<(Home, String), LastUse>,
    end: Option<Position>,
    records: usize,
}

impl Usage {
    pub(super) fn new(db: Db, mac: RowMac, journal: Reader) -> Self {
        Self { db, mac, journal: RwLock::new(journal), reading: Mutex::default() }
    }

    pub(super) async fn rest(&self) -> UsageAtRest<'_> {
        UsageAtRest { _reading: self.reading.lock().await }
    }

    pub(super) fn start_over(&self, _rest: UsageAtRest<'_>, journal: Reader) {
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal;
    }

    /// Reads the journal to its end: each server's, where several share the store.
    async fn catch_up(&self) -> Result<(), Refusal> {
        let _one = self.reading.lock().await;
        let journal = self.journal.read().unwrap_or_else(PoisonError::into_inner).clone();
        let listing = journal.clone();
        for chain in blocking(move || listing.chains()).await? {
            self.catch_up_with(journal.clone().of_chain(&chain), &chain).await?;
        }
        Ok(())
    }

    async fn catch_up_with(&self, journal: Reader, chain: &str) -> Result<(), Refusal> {
        loop {
            let after = repo::usage::reading(&self.db, chain).await?;
            let reader = journal.clone();
            let stretch = blocking(move || read(&reader, after)).await?;
            let Some(end) = stretch.end else { return Ok(()) };
            let last = stretch.records < BATCH;
            let uses: Vec<_> =
                stretch.uses.into_iter().map(|((home, key_id), last)| (home, key_id, last)).collect();
            let uses = uses.as_slice();
            let (mac, moved) = (&self.mac, repo::usage::Moved { chain, after, end });
            let kept = self
                .db
                .transaction(|tx| Box::pin(async move { repo::usage::keep(tx, mac, uses, moved).await }));
            // Where another server was there first, what there is behind what it read is still to be read.
            if kept.await? && last {
                return Ok(());
            }
        }
    }
}

/// Reads where it may block: on the disk, or on the store.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Refusal> {
    let read = tokio::task::spawn_blocking(read).await;
    Ok(read.map_err(|_| Refusal::internal("reading the journal was interrupted"))??)
}

/// Reads at most a batch of records, and whatever is damaged between them.
fn read(journal: &Reader, after: Option<Position>) -> Result<Stretch, JournalError> {
    let mut stretch = Stretch { uses: HashMap::new(), end: None, records: 0 };
    for record in journal.records(after)?.past_damage().take(BATCH) {
        let (position, record) = match record {
            Ok(found) => found,
            // What is before it counts; what comes after is still to be read.
            Err(_) if stretch.records > 0 => break,
            Err(error) => return Err(error),
        };
        stretch.records += 1;
        stretch.end = Some(position);
        for (home, key_id, last) in usage::keys_used(&record) {
            stretch.uses.insert((home, key_id), last);
        }
    }
    Ok(stretch)
}

impl KeyManagement {
    /// The last successful cryptographic operation with a key, if there has been one.
    pub(crate) async fn last_use(
        &self,
        key: &Authorized<actions::GetKeyLastUsage, SharedKey>,
    ) -> Result<Option<LastUse>, Refusal> {
        let key = key.resource();
        if let Ok(caught_up) = tokio::time::timeout(PATIENCE, self.usage.catch_up()).await {
            caught_up?;
        } else {
            tracing::warn!("reading the journal for the uses of keys lags behind");
        }
        Ok(repo::usage::find(&self.db, &self.mac, &key.home, &key.id).await?)
    }

    /// States `keys`, and with them for how many days the key of that id has not been used, if policies ask for it. It
    /// is not looked up for others: disabling a key must not wait for the journal.
    pub(crate) async fn ask_with_usage(
        &self,
        context: &RequestContext,
        key_id: &str,
        keys: ConditionKeys,
    ) -> Result<(), Refusal> {
        context.ask(keys.clone());
        // What names no key is for the call itself to refuse.
        let Ok((home, key_id)) = Named::parse_key_only(context, key_id) else { return Ok(()) };
        let Some(key) = self.load_key(context, &home, &key_id).await? else { return Ok(()) };
        if !self.authority().is_asked_about(context, &key, &UNUSED_DAYS.to_ascii_lowercase()) {
            return Ok(());
        }
        // Where a decision hangs on it, what was known some time ago does not do.
        match tokio::time::timeout(PATIENCE, self.usage.catch_up()).await {
            Ok(caught_up) => caught_up?,
            Err(late) => return Err(Refusal::Timeout(late.into())),
        }
        let last = repo::usage::find(&self.db, &self.mac, &key.home, &key.id).await?;
        let since_ms = last.map_or(key.created_ms, |last| last.used_ms);
        let days = context.now_ms.saturating_sub(since_ms).max(0).div_euclid(MILLIS_OF_A_DAY);
        context.ask(keys.with(UNUSED_DAYS, days));
        Ok(())
    }

    /// The record up to which a server's journal has been read for uses of keys: what comes after it is still needed.
    pub async fn usage_read_to(&self, chain: &str) -> Result<Option<Position>, StoreError> {
        repo::usage::reading(&self.db, chain).await
    }

    /// Reads the journal on for uses of keys, until the shutdown begins.
    pub async fn follow_usage(self: Arc<Self>, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = self.usage.catch_up().await {
                tracing::warn!(?error, "the journal was not read for the uses of keys");
            }
        }
    }
}
