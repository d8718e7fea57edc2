//! What a segment holds, read out of its pieces.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_store::{Row, Statement, StoreError, Value};
use zstd::bulk::decompress;

use super::session::{Session, failed};
use super::statements;
use crate::reader::SegmentId;
use crate::segment::SEGMENT_LIMIT;

/// What is read at first, in bytes, and at most, where one place is read after the other.
const STEP: u64 = 4 << 10;
const LONGEST_STEP: u64 = 1 << 20;
/// Most pieces that are read at once; a frame takes 156 bytes at least.
const MOST_PIECES: i64 = 16_384;
/// What stands for bytes that are not there or cannot be decompressed: no frame looks like it, and it is not zeros.
const LOST: u8 = 0xff;

/// A segment in a store, open for reading.
pub(crate) struct RowContent {
    session: Arc<Session>,
    id: SegmentId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Pieces that were read last, in order: where each begins, and its bytes.
    window: Vec<(u64, Vec<u8>)>,
    /// How much is read next.
    step: u64,
    /// Parts that could not be decompressed, by their first and last bytes.
    lost: Vec<(u64, u64)>,
}

impl RowContent {
    /// Opens a segment.
    pub(super) fn open(session: Arc<Session>, id: SegmentId) -> io::Result<Self> {
        let content = Self { session, id, state: Mutex::default() };
        let mut state = content.state();
        content.fetch(&mut state, 0)?;
        if state.window.first().is_none_or(|(start, _)| *start > 0) {
            return Err(io::ErrorKind::NotFound.into());
        }
        drop(state);
        Ok(content)
    }

    /// The segment's length by now.
    pub(crate) fn length(&self) -> io::Result<u64> {
        let last = self.query(statements::LAST, Vec::new())?;
        let Some(row) = last.first() else { return Ok(0) };
        let end = || Ok::<_, StoreError>(row.i64("position")?.saturating_add(row.i64("length")?));
        Ok(u64::try_from(end().map_err(failed)?).unwrap_or_default())
    }

    /// Reads some bytes from `offset` on; none behind the end.
    pub(crate) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let mut state = self.state();
        if let Some(read) = state.read(into, offset) {
            return Ok(read);
        }
        let is_next = state.window.last().is_some_and(|(start, bytes)| start + bytes.len() as u64 == offset);
        state.step = if is_next { (state.step * 4).min(LONGEST_STEP) } else { STEP };
        self.fetch(&mut state, offset)?;
        if let Some(read) = state.read(into, offset) {
            return Ok(read);
        }
        // No piece has it: nothing is behind it, or a piece is missing.
        let rows = self.query(statements::NEXT, vec![number(offset)])?;
        let Some(row) = rows.first() else { return Ok(0) };
        let next = u64::try_from(row.i64("position").map_err(failed)?).unwrap_or_default();
        let missing = usize::try_from(next.saturating_sub(offset)).unwrap_or(usize::MAX).min(into.len());
        into.iter_mut().take(missing).for_each(|byte| *byte = LOST);
        Ok(missing)
    }

    /// The last frame that is known to begin at a record or before it.
    pub(crate) fn offset_of(&self, record: u64) -> io::Result<Option<u64>> {
        let rows = self.query(statements::FRAME_OF, vec![number(record)])?;
        let Some(row) = rows.first() else { return Ok(None) };
        let position = row.i64("position").map_err(failed)?;
        Ok(u64::try_from(position).ok().filter(|&position| position > 0))
    }

    /// First and last byte of each part that was read and could not be decompressed.
    pub(crate) fn lost(&self) -> Vec<(u64, u64)> {
        let mut lost = self.state().lost.clone();
        lost.sort_unstable();
        lost
    }

    /// Reads the pieces from the one with `offset` on.
    fn fetch(&self, state: &mut State, offset: u64) -> io::Result<()> {
        let end = offset.saturating_add(state.step.max(1) - 1);
        let rows = self.query(statements::FETCH, vec![number(offset), number(end), MOST_PIECES.into()])?;
        let mut window = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some((start, (bytes, is_lost))) = piece(row).map_err(failed)? else { continue };
            if is_lost {
                let lost = (start, start + (bytes.len() as u64).saturating_sub(1));
                if !state.lost.contains(&lost) {
                    state.lost.push(lost);
                }
            }
            window.push((start, bytes));
        }
        state.window = window;
        Ok(())
    }

    fn query(&self, statement: Statement, values: Vec<Value>) -> io::Result<Vec<Row>> {
        let mut all = vec![Value::from(self.id.stream.to_string()), Value::from(self.id.number)];
        all.extend(values);
        self.session.ask(|db| async move { db.query(statement, &all).await }).map_err(failed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes bytes out of what was read; none if they are not in it.
    fn read(&self, into: &mut [u8], offset: u64) -> Option<usize> {
        let at = self.window.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let (start, bytes) = self.window.get(at)?;
        let rest = bytes.get(usize::try_from(offset - start).ok()?..).filter(|rest| !rest.is_empty())?;
        let length = rest.len().min(into.len());
        into.get_mut(..length)?.copy_from_slice(rest.get(..length)?);
        Some(length)
    }
}

/// Where a piece begins, its bytes, and whether they stand for what could not be decompressed.
type Found = (u64, (Vec<u8>, bool));

/// Reads a piece; none if it is at no place of a segment.
fn piece(row: &Row) -> Result<Option<Found>, StoreError> {
    let (start, length) = (u64::try_from(row.i64("position")?), u64::try_from(row.i64("length")?));
    let (Ok(start), Ok(length)) = (start, length) else { return Ok(None) };
    if start > SEGMENT_LIMIT || length > SEGMENT_LIMIT {
        return Ok(None);
    }
    let bytes = row.blob("bytes")?;
    if row.i64("packing")? == 0 {
        return Ok(Some((start, (bytes, false))));
    }
    let length = length as usize;
    let unpacked = decompress(&bytes, length).ok().filter(|bytes| bytes.len() == length);
    Ok(Some((start, unpacked.map_or_else(|| (vec![LOST; length], true), |bytes| (bytes, false)))))
}

/// A place or number, as the store has it.
fn number(value: u64) -> Value {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}
