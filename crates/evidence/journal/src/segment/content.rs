//! What a segment holds, by offset, whether it is a plain file, a compressed one, or rows of a store.
//!
//! Everything that reads a segment reads it through [`SegmentContent`]. Offsets are those of the segment as it was
//! written, and so are the bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::compressed::CompressedSegment;
use super::{HeaderFault, compressed_name, file_name};
use crate::storage::RowContent;

/// A segment, open for reading.
pub(crate) struct SegmentContent(Form);

enum Form {
    Plain(File),
    Compressed(Box<CompressedSegment>),
    Rows(Box<RowContent>),
    /// A compressed file whose head or table cannot be read: nothing of what it holds can be found.
    Lost(HeaderFault),
}

impl SegmentContent {
    /// Opens a segment of the stream in `dir`, in whichever form it is there. Of both the plain file counts: the
    /// compressed one was not finished, or the plain one not removed.
    pub(crate) fn open(dir: &Path, number: u32) -> io::Result<Self> {
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match File::open(dir.join(file_name(number))) {
            Err(error) if missing(&error) => Self::compressed(File::open(dir.join(compressed_name(number)))?),
            opened => Ok(Self::plain(opened?)),
        }
    }

    /// Takes the open file of a plain segment.
    pub(crate) fn plain(file: File) -> Self {
        Self(Form::Plain(file))
    }

    /// Takes the open file of a compressed segment.
    pub(super) fn compressed(file: File) -> io::Result<Self> {
        Ok(Self(match CompressedSegment::open(file)? {
            Ok(segment) => Form::Compressed(Box::new(segment)),
            Err(fault) => Form::Lost(fault),
        }))
    }

    /// Where reading may begin for whoever wants the record of that number: a frame at or before it, if one is known
    /// without reading what comes before.
    pub(crate) fn offset_of(&self, record: u64) -> io::Result<Option<u64>> {
        match &self.0 {
            Form::Rows(rows) => rows.offset_of(record),
            Form::Plain(_) | Form::Compressed(_) | Form::Lost(_) => Ok(None),
        }
    }

    /// Takes a segment that is rows of a store.
    pub(crate) fn rows(rows: RowContent) -> Self {
        Self(Form::Rows(Box::new(rows)))
    }

    /// Why nothing of the segment can be read, if that is so.
    pub(super) fn fault(&self) -> Option<HeaderFault> {
        match &self.0 {
            Form::Lost(fault) => Some(*fault),
            Form::Plain(_) | Form::Compressed(_) | Form::Rows(_) => None,
        }
    }

    /// The segment's length by now.
    pub(crate) fn length(&self) -> io::Result<u64> {
        match &self.0 {
            Form::Plain(file) => Ok(file.metadata()?.len()),
            Form::Compressed(segment) => Ok(segment.length()),
            Form::Rows(rows) => rows.length(),
            Form::Lost(_) => Ok(0),
        }
    }

    /// Reads some bytes from `offset` on; none behind the end. What cannot be decompressed any more reads as bytes
    /// that are no part of any frame, and is told by [`SegmentContent::lost`].
    pub(crate) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.0 {
            Form::Plain(file) => file.read_at(into, offset),
            Form::Compressed(segment) => segment.read_at(into, offset),
            Form::Rows(rows) => rows.read_at(into, offset),
            Form::Lost(_) => Ok(0),
        }
    }

    /// Reads exactly as many bytes as are asked for; fails as [`io::ErrorKind::UnexpectedEof`] where there are fewer.
    pub(crate) fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            match self.read_at(into, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    into = &mut into[read..];
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// First and last byte of each part that was read and could not be decompressed.
    pub(crate) fn lost(&self) -> Vec<(u64, u64)> {
        match &self.0 {
            Form::Compressed(segment) => segment.lost(),
            Form::Rows(rows) => rows.lost(),
            Form::Plain(_) | Form::Lost(_) => Vec::new(),
        }
    }
}
