//! Keeping what was written: the work on closed segments that nobody waits for.
//!
//! One [`Keeper`] belongs to one open journal. It has no thread and no clock of its own: whoever runs the server calls
//! it from time to time, on a thread that may block.

use std::path::PathBuf;

use crate::error::JournalError;
use crate::reader::{Reader, SegmentId};
use crate::segment;
use crate::stream;

/// Keeps a journal that is being written.
pub struct Keeper {
    dir: PathBuf,
    reader: Reader,
    /// All segments before this one are compressed.
    compressed_before: Option<SegmentId>,
}

/// A segment that was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// Which.
    pub segment: SegmentId,
    /// Its length, in bytes.
    pub bytes: u64,
    /// The length of its file now.
    pub compressed_bytes: u64,
}

impl Keeper {
    /// `reader` is the writing journal's own: it knows which segment is the last.
    pub(crate) fn new(dir: PathBuf, reader: Reader) -> Self {
        Self { dir, reader, compressed_before: None }
    }

    /// Compresses the oldest closed segment that is not yet compressed; none if there is none. Blocks on the disk for
    /// as long as one segment takes: well under a second.
    pub fn compress_next(&mut self) -> Result<Option<Compressed>, JournalError> {
        for listed in self.reader.segments()? {
            let id = listed.id;
            if !listed.is_closed || self.compressed_before.is_some_and(|before| id < before) {
                continue;
            }
            let dir = stream::directory(&self.dir, id.stream);
            if dir.join(segment::file_name(id.number)).exists() {
                let path = dir.join(segment::file_name(id.number));
                let (bytes, compressed_bytes) =
                    segment::compress(&dir, id.number).map_err(JournalError::io("compress", &path))?;
                return Ok(Some(Compressed { segment: id, bytes, compressed_bytes }));
            }
            self.compressed_before = Some(id);
        }
        Ok(None)
    }
}
