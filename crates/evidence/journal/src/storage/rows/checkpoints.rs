//! Checkpoints as rows: read and dropped some hundreds at a time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use strongroom_store::{Row, Statement, StoreError, Value};

use super::session::{Session, failed};
use super::statements;
use crate::checkpoint::{Broken, CHECKPOINT_LIMIT, Checkpoint, CheckpointStore, NotACheckpoint, Stretch};

/// Checkpoints of one stretch.
const STRETCH: i64 = 512;

/// The checkpoints of a chain.
pub(super) struct CheckpointRows {
    session: Arc<Session>,
    chain: Arc<str>,
    fence: Arc<AtomicI64>,
}

impl CheckpointRows {
    pub(super) fn new(session: Arc<Session>, chain: Arc<str>, fence: Arc<AtomicI64>) -> Self {
        Self { session, chain, fence }
    }

    fn query(&self, statement: Statement, values: Vec<Value>) -> io::Result<Vec<Row>> {
        let mut all = vec![Value::from(self.chain.to_string())];
        all.extend(values);
        self.session.ask(|db| async move { db.query(statement, &all).await }).map_err(failed)
    }

    fn execute(&self, statement: Statement, values: Vec<Value>) -> io::Result<u64> {
        let mut all = vec![Value::from(self.chain.to_string())];
        all.extend(values);
        self.session.ask(|db| async move { db.execute(statement, &all).await }).map_err(failed)
    }

    /// The first place that is taken, and the last.
    fn places(&self) -> io::Result<(i64, i64)> {
        let rows = self.query(statements::COUNT_CHECKPOINTS, Vec::new())?;
        let row = rows.first().ok_or(StoreError::RowCount { found: 0 }).map_err(failed)?;
        let places = || Ok::<_, StoreError>((row.i64("first")?, row.i64("last")?));
        places().map_err(failed)
    }

    /// Puts a text behind all others.
    fn put(&self, text: &str) -> io::Result<()> {
        let fence = self.fence.load(Ordering::Acquire);
        loop {
            let (_, last) = self.places()?;
            // Of an error it is not known whether it was put all the same.
            if self.read_from(last, last.saturating_add(1))?.first().is_some_and(|(_, put)| put == text) {
                return Ok(());
            }
            let place = last.saturating_add(1);
            let values = vec![place.into(), text.into(), fence.into()];
            if self.execute(statements::PUT_CHECKPOINT, values)? == 1 {
                return Ok(());
            }
            if self.places()?.1 == last {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, super::appending::Fenced));
            }
        }
    }

    fn read_from(&self, first: i64, end: i64) -> io::Result<Vec<(i64, String)>> {
        let rows = self.query(statements::CHECKPOINTS, vec![first.into(), end.into()])?;
        let read = |row: &Row| Ok((row.i64("place")?, row.text("text")?));
        rows.iter().map(read).collect::<Result<_, StoreError>>().map_err(failed)
    }
}

impl CheckpointStore for CheckpointRows {
    fn name(&self) -> PathBuf {
        PathBuf::from(format!("the checkpoints of server {} in the store", self.chain))
    }

    fn name_of(&self, stretch: u32) -> PathBuf {
        let first = i64::from(stretch) * STRETCH;
        PathBuf::from(format!("{}, rows {first} to {}", self.name().display(), first + STRETCH - 1))
    }

    fn list(&self) -> io::Result<Vec<u32>> {
        let (first, last) = self.places()?;
        let stretch = |place: i64| u32::try_from(place.div_euclid(STRETCH)).unwrap_or_default();
        Ok(if last < first { Vec::new() } else { (stretch(first)..=stretch(last)).collect() })
    }

    fn read(&self, stretch: u32) -> io::Result<Stretch> {
        let first = i64::from(stretch) * STRETCH;
        let rows = self.read_from(first, first + STRETCH)?;
        let mut checkpoints = Vec::with_capacity(rows.len());
        for (place, text) in rows {
            let parsed = if text.len() > CHECKPOINT_LIMIT {
                Err(NotACheckpoint::Text)
            } else {
                Checkpoint::parse(&text)
            };
            match parsed {
                Ok(checkpoint) => checkpoints.push(checkpoint),
                Err(fault) => {
                    let broken = Some((u64::try_from(place).unwrap_or_default(), Broken::Not(fault)));
                    return Ok(Stretch { checkpoints, broken });
                }
            }
        }
        Ok(Stretch { checkpoints, broken: None })
    }

    /// A row is there or not.
    fn recover(&self) -> io::Result<()> {
        Ok(())
    }

    fn append_all(&self, checkpoints: &[Checkpoint]) -> io::Result<()> {
        checkpoints.iter().try_for_each(|checkpoint| self.put(&checkpoint.to_string()))
    }

    fn remove_before(&self, checkpoint: u64) -> io::Result<()> {
        let stretches = self.list()?;
        for pair in stretches.windows(2) {
            let &[this, next] = pair else { continue };
            // Its own ones too: what somebody else wrote into the next one must not take these along.
            let is_old = self.read(this)?.checkpoints.iter().all(|one| one.number < checkpoint);
            let first_of_next = self.read(next)?.checkpoints.first().map(|first| first.number);
            if !is_old || first_of_next.is_none_or(|first| first > checkpoint) {
                break;
            }
            self.execute(statements::REMOVE_CHECKPOINTS, vec![(i64::from(next) * STRETCH).into()])?;
        }
        Ok(())
    }
}
