//! What other servers on the same store have left.
//!
//! Each server writes down every few seconds that it is there, under the name of its journal's stream, which its drafts
//! name too. One that has not for a minute, by the clock of who watches, is gone: no two clocks are compared. Whoever sees
//! it first takes over, and makes records of its drafts in his own journal. A server that was only paused cannot record
//! anything then, where its journal is in the store, and has to start again: nothing is recorded twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use strongroom_journal::StreamId;
use strongroom_runtime::uptime;
use strongroom_store::Engine;

use crate::outbox::blocking;
use crate::{Outbox, OutboxError};

/// How often a server writes down that it is there, and looks at the others.
const EVERY: Duration = Duration::from_secs(10);

/// How long another may write nothing down before it is gone.
const GONE_AFTER: Duration = Duration::from_mins(1);

/// How long ago the last look may be: before a longer pause nothing that was seen counts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Watches over the other servers on a store.
pub struct Others {
    outbox: Arc<Outbox>,
    /// When the last look was begun.
    looked: Duration,
    seen: BTreeMap<StreamId, Seen>,
}

/// How often a server had written down that it is there, if it ever has, and since when that has not changed.
#[derive(Clone, Copy)]
struct Seen {
    beat: Option<i64>,
    since: Duration,
}

impl Others {
    /// Nobody has been seen yet.
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, looked: Duration::ZERO, seen: BTreeMap::new() }
    }

    /// Watches until `until` resolves. Ends at once on SQLite, which has one server.
    pub async fn watch(mut self, until: impl Future<Output = ()>) {
        if self.outbox.db.engine() == Engine::Sqlite {
            return;
        }
        // Beside the looks: what another has left may take longer to record than this one may be silent.
        tokio::select! {
            () = until => {}
            () = Self::beat_on(self.outbox.clone()) => {}
            () = self.look_on() => {}
        }
    }

    async fn beat_on(outbox: Arc<Outbox>) {
        loop {
            if let Err(error) = outbox.beat().await {
                tracing::warn!(%error, "that this server is there is not written down");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look_on(&mut self) {
        loop {
            match self.look(uptime()).await {
                Ok(0) => {}
                Ok(adopted) => {
                    tracing::warn!(adopted, "changes of a server that is gone are recorded here");
                }
                Err(error) => tracing::warn!(%error, "what other servers may have left is not looked at"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Looks at the other servers, and makes records of the drafts of one that is gone. Answers how many. `now` is the time
    /// by a clock that nobody sets.
    pub async fn look(&mut self, now: Duration) -> Result<usize, OutboxError> {
        // Whatever fails below, nothing is taken for seen then.
        let mut before = std::mem::take(&mut self.seen);
        if now.saturating_sub(self.looked) > LONGEST_PAUSE {
            before.clear();
        }
        self.looked = now;
        self.outbox.settle_claims().await?;
        let Outbox { db, journal, .. } = &*self.outbox;
        let reader = journal.own_reader();
        let own: BTreeSet<_> = blocking(move || reader.streams()).await?.into_iter().collect();
        let writers = db.outbox_writers().await?;
        let left = self.outbox.streams_with_drafts().await?;
        // What is no stream's name was written by nobody.
        let known = writers.iter().filter_map(|(writer, beat)| Some((writer.parse().ok()?, Some(*beat))));
        let mut beats: BTreeMap<StreamId, Option<i64>> = left.iter().map(|stream| (*stream, None)).collect();
        beats.extend(known);
        beats.retain(|stream, _| !own.contains(stream));
        let mut adopted = 0;
        let mut seen = BTreeMap::new();
        for (stream, beat) in beats {
            let unchanged = before.get(&stream).filter(|before| before.beat == beat);
            let since = unchanged.map_or(now, |seen| seen.since);
            if now.saturating_sub(since) < GONE_AFTER {
                seen.insert(stream, Seen { beat, since });
            } else if left.contains(&stream) {
                if self.outbox.db.outbox_take_over(&stream.to_string(), beat).await? {
                    adopted += self.outbox.adopt(stream).await?;
                }
            } else if let Some(beat) = beat {
                self.outbox.db.outbox_forget_writer(&stream.to_string(), beat).await?;
            }
        }
        self.seen = seen;
        Ok(adopted)
    }
}
