//! The follower: reads, has its effect prepare, and commits.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_journal::{Position, Proof, Reader, SegmentId, StreamId};
use strongroom_runtime::Shutdown;
use strongroom_seal::Root;
use strongroom_store::{Db, RowMac};
use tokio::sync::{Mutex, MutexGuard};

use crate::DerivingError;
use crate::effect::{Batch, Effect};
use crate::positions::{self, Had};
use crate::progress::{Counters, Followed, Progress};
use crate::proving::Prover;
use crate::reading::{self, Cursor, Listed, Reading, Stretch};

/// How often it looks whether the journal has grown.
const PAUSE: Duration = Duration::from_millis(200);
/// How seldom, after it has not for a while, where each look asks a store that others use too.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After something went wrong.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Batches of one stream before the others get their turn.
const TURN: usize = 16;

/// Derives something from the journal.
pub struct Follower<E> {
    db: Db,
    journal: RwLock<Reader>,
    effect: Arc<E>,
    mac: RowMac,
    prover: Prover,
    /// One reads at a time. None where the positions must be read from the store.
    reading: Mutex<Option<Known>>,
    counters: Counters,
}

type Places = BTreeMap<StreamId, Place>;

/// What is known of the journal and of what was had of it.
struct Known {
    places: Places,
    /// Where the journals of a store ended when everything up to there had been had.
    ends: Option<Vec<(SegmentId, u64)>>,
}

/// How far a stream has been had, as the store has it, and where that is in its files.
struct Place {
    /// None where the store has no row yet.
    had: Option<Had>,
    cursor: Cursor,
    /// Of the frame that is next; none where it must be opened from the row, or nothing was proved yet.
    proof: Option<Proof>,
}

impl Place {
    fn is_done(&self) -> bool {
        self.had.as_ref().is_some_and(|had| had.done)
    }
}

/// While it is held, the follower reads nothing.
pub struct AtRest<'f>(MutexGuard<'f, Option<Known>>);

impl<E: Effect> Follower<E> {
    /// Follows `journal` from where `db` says that it was left, or from its beginning. The database holds what the
    /// effect makes. What counts is what servers under `root` wrote. Nothing is read before [`follow`](Self::follow) or
    /// [`catch_up`](Self::catch_up).
    pub fn new(db: Db, journal: Reader, effect: Arc<E>, root: &Root) -> Self {
        let (journal, reading) = (RwLock::new(journal), Mutex::new(None));
        let (mac, prover) = (RowMac::new(root), Prover::new(root));
        Self { db, journal, effect, mac, prover, reading, counters: Counters::default() }
    }

    /// What is derived.
    pub fn effect(&self) -> &Arc<E> {
        &self.effect
    }

    /// Follows the journal until the shutdown begins: what was written is derived within a moment.
    pub async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        let mut pause = PAUSE;
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let before = self.counters.read().records;
            let caught_up = tokio::select! {
                () = begun.as_mut() => return,
                caught_up = self.catch_up() => caught_up,
            };
            pause = match caught_up {
                Ok(()) if self.reader().written().is_some() => PAUSE,
                Ok(()) if self.counters.read().records > before => PAUSE,
                Ok(()) => (pause * 2).min(LONGEST_PAUSE),
                Err(_) => AFTER_FAILURE,
            };
        }
    }

    /// Derives everything that is in the journal now. Giving up on it loses nothing.
    pub async fn catch_up(&self) -> Result<(), DerivingError> {
        let mut places = self.reading.lock().await;
        let outcome = loop {
            match self.round(&mut places).await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                // Somebody else goes on; whether to the end is to be seen.
                Err(DerivingError::Overtaken) => *places = None,
                Err(error) => {
                    *places = None;
                    break Err(error);
                }
            }
        };
        let failed_before = self.counters.tried(outcome.is_err());
        if let Err(error) = &outcome
            && !failed_before
        {
            let (follower, error) = (self.effect.name(), error as &dyn std::error::Error);
            tracing::warn!(follower, error, "what is derived from the journal lags behind");
        }
        outcome
    }

    /// Reads each stream on for a while; tells whether there may be more.
    async fn round(&self, known: &mut Option<Known>) -> Result<bool, DerivingError> {
        let Known { places, ends: had } = match known {
            Some(known) => known,
            None => known.insert(Known { places: self.load().await?, ends: None }),
        };
        let journal = self.reader();
        if has_all(&journal, places) {
            return Ok(false);
        }
        let listing = journal.clone();
        // The ends first: what is listed reaches to there at least.
        let ends = blocking(move || Ok(listing.ends()?)).await?;
        if ends.is_some() && *had == ends {
            return Ok(false);
        }
        *had = None;
        let listing = journal.clone();
        let listed = blocking(move || Ok(reading::list(&listing)?)).await?;
        if let Some(first) = listed.iter().map(|listed| listed.stream).min()
            && places.first_key_value().is_some_and(|(oldest, _)| *oldest < first)
        {
            positions::forget_before(&self.db, self.effect.name(), first).await?;
            places.retain(|stream, _| *stream >= first);
        }
        let (mut more, mut unprovable) = (false, None);
        for listed in listed {
            let place = places.entry(listed.stream).or_insert_with(|| Place {
                had: None,
                cursor: Cursor::default(),
                proof: None,
            });
            if !place.is_done() {
                match self.read_on(&journal, Arc::new(listed), place).await {
                    Ok(there_may_be_more) => more |= there_may_be_more,
                    // The others go on: whoever plants a stream must not stop what is derived of theirs.
                    Err(error @ DerivingError::Unprovable { .. }) => unprovable = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(error) = unprovable.filter(|_| !more) {
            return Err(error);
        }
        *had = ends.filter(|_| !more);
        Ok(more)
    }

    /// Takes some batches of a stream; tells whether there may be more.
    async fn read_on(
        &self,
        journal: &Reader,
        listed: Arc<Listed>,
        place: &mut Place,
    ) -> Result<bool, DerivingError> {
        for _ in 0..TURN {
            let (reader, prover, effect) = (journal.clone(), self.prover.clone(), self.effect.clone());
            let (listed_here, cursor, proof) = (listed.clone(), place.cursor, place.proof.take());
            let noted = place.had.as_ref().and_then(|had| had.proof.clone());
            let (read, prepared) =
                blocking(move || read(&reader, &prover, &listed_here, (cursor, proof, noted), &*effect))
                    .await?;
            let (follower, stream) = (self.effect.name(), listed.stream);
            let Read { planted, missing, .. } = read;
            if planted > 0 {
                tracing::error!(follower, %stream, planted, "records in the journal that no server of this seal has written");
            }
            if missing > 0 {
                tracing::error!(follower, %stream, missing, "frames of the journal that were written are not there");
            }
            let prepared = match prepared {
                Some(prepared) => Some(self.effect.ready(prepared).await.map_err(DerivingError::NotReady)?),
                None => None,
            };
            let done = read.ended && read.is_over;
            let had = Had { next: read.cursor.next, done, proof: read.noted.filter(|_| !done) };
            if had.next > place.cursor.next || had.done {
                self.commit(listed.stream, place.had.as_ref(), &had, prepared.as_ref()).await?;
                place.had = Some(had);
                self.counters.had(read.records, read.last_ms);
                self.counters.passed_over(read.damaged);
            }
            self.counters.passed_over(planted.saturating_add(missing));
            (place.cursor, place.proof) = (read.cursor, read.proof);
            if read.ended {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn commit(
        &self,
        stream: StreamId,
        from: Option<&Had>,
        to: &Had,
        prepared: Option<&E::Prepared>,
    ) -> Result<(), DerivingError> {
        let (effect, mac) = (&self.effect, &self.mac);
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    positions::advance(tx, mac, (effect.name(), stream), from, to).await?;
                    if let Some(prepared) = prepared {
                        effect.commit(tx, prepared).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn load(&self) -> Result<Places, DerivingError> {
        let had = positions::list(&self.db, &self.mac, self.effect.name()).await?;
        let place = |had: Had| Place { cursor: Cursor::before(had.next), had: Some(had), proof: None };
        Ok(had.into_iter().map(|(stream, had)| (stream, place(had))).collect())
    }

    fn reader(&self) -> Reader {
        self.journal.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the batch that is being committed, and keeps the next ones from being read while the guard is held.
    pub async fn rest(&self) -> AtRest<'_> {
        AtRest(self.reading.lock().await)
    }

    /// Follows from now on what `journal` shows. The positions in the store have gone with the rest of it.
    pub fn start_over(&self, rest: AtRest<'_>, journal: Reader) {
        let AtRest(mut places) = rest;
        *places = None;
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal;
    }
}

#[async_trait]
impl<E: Effect> Followed for Follower<E> {
    fn name(&self) -> &'static str {
        self.effect.name()
    }

    fn progress(&self) -> Progress {
        self.counters.read()
    }

    async fn read_to(&self, streams: &[StreamId]) -> Result<Option<Position>, DerivingError> {
        let had = positions::list(&self.db, &self.mac, self.effect.name()).await?;
        let mut read_to = None;
        for &stream in streams {
            let Some(had) = had.get(&stream) else { return Ok(read_to) };
            if let Some(record) = had.next.checked_sub(1) {
                read_to = Some(Position { stream, record });
            }
            if !had.done {
                break;
            }
        }
        Ok(read_to)
    }
}

/// What was read, but for the records.
struct Read {
    records: u64,
    last_ms: Option<i64>,
    cursor: Cursor,
    proof: Option<Proof>,
    /// The proof, sealed.
    noted: Option<Vec<u8>>,
    ended: bool,
    /// Nothing will be added to the stream.
    is_over: bool,
    damaged: u64,
    planted: u64,
    /// Frames that are not there.
    missing: u64,
}

/// Reads a batch and has the effect prepare it. Blocks on the disk.
fn read<E: Effect>(
    journal: &Reader,
    prover: &Prover,
    listed: &Listed,
    (cursor, proof, noted): (Cursor, Option<Proof>, Option<Vec<u8>>),
    effect: &E,
) -> Result<(Read, Option<E::Prepared>), DerivingError> {
    let stream = listed.stream;
    let proof = match (proof, &noted) {
        (None, Some(noted)) => Some(prover.resume(stream, noted)?),
        (proof, _) => proof,
    };
    let note = |proof: &Option<Proof>| proof.as_ref().map(|proof| prover.note(stream, proof)).transpose();
    // Sealed now: what was noted with the batch before may be older than the seal's last rotation.
    let before = note(&proof)?;
    let reading = Reading { journal, prover, listed, needs: effect.needs() };
    let Stretch { records, bytes, cursor, proof, ended, is_over, damaged, planted, missing, .. } =
        reading.read((cursor, proof))?;
    let read = Read {
        records: records.len() as u64,
        last_ms: records.last().map(|(_, record)| record.event_time_ms),
        cursor,
        noted: note(&proof)?,
        proof,
        ended,
        is_over,
        damaged,
        planted,
        missing,
    };
    let batch = Batch { stream, records, bytes, proof: before };
    let prepared = (read.records > 0).then(|| effect.prepare(batch));
    Ok((read, prepared))
}

/// Tells, without a look at the disk, that there is nothing that was not had: as far as the journal can say so.
fn has_all(journal: &Reader, places: &Places) -> bool {
    let Some((stream, records)) = journal.written() else { return false };
    places.iter().all(|(other, place)| *other == stream || place.is_done())
        && places.get(&stream).is_some_and(|place| place.cursor.next >= records)
}

/// Does what blocks on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DerivingError> + Send + 'static,
) -> Result<T, DerivingError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| DerivingError::Interrupted)?
}
