//! The files that a copy of the journal has to have, and how much of each.

use std::path::PathBuf;

use super::{Reader, SegmentId};
use crate::error::JournalError;

/// A file of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Of which segment.
    pub id: SegmentId,
    /// Where it is.
    pub at: PathBuf,
    /// Its path in the journal's folder, with `/`.
    pub path: String,
    /// How many bytes of it, from its beginning, are the segment as far as it is written. A file that is written to
    /// may be longer; nothing before this changes.
    pub length: u64,
}

impl Reader {
    /// Tells which file holds a segment now; none if the segment is gone, or is in no file. It may be compressed any time,
    /// and is then in another file.
    ///
    /// Of the journal that this process writes, the last segment is as long as what is durable; of another's or one
    /// that nobody writes, as what is not zeros.
    pub fn segment_file(&self, id: SegmentId) -> Result<Option<SegmentFile>, JournalError> {
        let end = self.durable_end_of(id);
        for place in self.places() {
            let file = place.file(id, end).map_err(JournalError::io("read", &place.name_of(id)))?;
            if file.is_some() {
                return Ok(file);
            }
        }
        Ok(None)
    }
}
