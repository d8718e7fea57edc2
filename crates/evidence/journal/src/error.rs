//! What can go wrong, by cause.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::frame::FrameFault;
use crate::stream::StreamId;

/// Why the journal did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The record is larger than the journal takes.
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    RecordTooLarge {
        /// Size of the encoded record and its table entry.
        bytes: usize,
        /// The largest that fits.
        limit: usize,
    },
    /// The queue stayed full for as long as a caller may wait.
    #[error("the journal is behind: its queue stayed full")]
    Busy,
    /// The record could not be made durable. The journal tries the disk again with the next append.
    #[error("the journal cannot be written")]
    Unavailable {
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// Another process writes this journal.
    #[error("the journal at {path} is in use by another process")]
    InUse {
        /// The journal's directory.
        path: PathBuf,
    },
    /// An option is out of its range.
    #[error("journal option {option} must be {rule}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A file could not be read or made, or what goes into it (randomness, a key) could not be had.
    #[error("cannot {action} {path}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Part of the journal cannot be read as what was written; [`verify`](crate::verify()) tells more.
    #[error("stream {stream}, segment {segment}, byte {offset}: {fault}")]
    Damaged {
        /// The stream.
        stream: StreamId,
        /// The segment's number.
        segment: u32,
        /// Where in the segment's file.
        offset: u64,
        /// What is wrong there.
        fault: FrameFault,
    },
    /// The checkpoints in a folder of copies are not those that this journal goes on from.
    #[error(
        "the copy in {} has checkpoint {copy}, the journal itself is at {journal} and does not follow from it: the \
         journal was rolled back, restored or replaced. `strongroom audit verify --checkpoint` with that folder tells \
         more; to go on, name an empty folder for copies", path.display()
    )]
    CopyAhead {
        /// The folder.
        path: PathBuf,
        /// The newest checkpoint in it.
        copy: u64,
        /// The journal's newest.
        journal: u64,
    },
}

impl JournalError {
    /// Wraps an error of the operating system with what was attempted.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}
