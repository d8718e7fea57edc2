//! The files that a copy of the journal has to have, and how much of each.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::{Reader, SegmentId};
use crate::error::JournalError;
use crate::segment;
use crate::stream;

/// What is read at once where the end of a file is looked for, in bytes.
const BLOCK: u64 = 64 << 10;

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
    /// Tells which file holds a segment now; none if the segment is gone. It may be compressed any time, and is then
    /// in another file.
    ///
    /// Of the journal that this process writes, the last segment is as long as what is durable; of another's or one
    /// that nobody writes, as what is not zeros.
    pub fn segment_file(&self, id: SegmentId) -> Result<Option<SegmentFile>, JournalError> {
        let end = self.durable.as_ref().map(|durable| durable.end());
        let end = end.filter(|end| (end.stream, end.segment) == (id.stream, id.number)).map(|end| end.offset);
        let dir = stream::directory(&self.dir, id.stream);
        // As a reader takes it: of both, the plain file counts.
        let plain = segment::file_name(id.number);
        for name in [plain.clone(), segment::compressed_name(id.number)] {
            let at = dir.join(&name);
            let length = match File::open(&at) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(error),
                Ok(file) if name == plain => end.map_or_else(|| written(&file), Ok),
                Ok(file) => file.metadata().map(|metadata| metadata.len()),
            };
            let length = length.map_err(JournalError::io("read", &at))?;
            return Ok(Some(SegmentFile { id, path: format!("{}/{name}", id.stream), at, length }));
        }
        Ok(None)
    }
}

/// How much of a file stands before the zeros that it was made with, up to a whole block.
fn written(file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut end = length;
    let mut block = vec![0; BLOCK as usize];
    while end > 0 {
        let start = (end - 1) / BLOCK * BLOCK;
        let read = block.get_mut(..(end - start) as usize).unwrap_or_default();
        file.read_exact_at(read, start)?;
        if read.iter().any(|byte| *byte != 0) {
            break;
        }
        end = start;
    }
    Ok(end)
}
