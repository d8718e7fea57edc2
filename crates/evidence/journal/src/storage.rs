//! Where the bytes of journals lie.
//!
//! A journal is segments, by stream and number, and checkpoints. [`Files`] keeps those of one server in a folder;
//! [`Rows`] keeps those of all servers on a store, each under its own name, in the store's tables. Everything else, the
//! chain, frames, reading, keeping and verifying, is the same for both, over offsets in a segment as it was written.

mod files;
mod rows;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::checkpoint::CheckpointStore;
use crate::frame::Hash;
use crate::reader::{SegmentFile, SegmentId};
use crate::segment::{SegmentContent, SegmentHeader, Segments};
use crate::stream::{StreamId, Streams};

pub(crate) use files::Files;
pub use rows::{MIGRATIONS, MovedIn, STATEMENTS, STATEMENTS_OF_POSTGRES, export_from_store, move_into_store};
pub(crate) use rows::{RowContent, Rows};

/// The name of the one chain in a folder.
pub(crate) const ONLY_CHAIN: &str = "local";

/// The streams of one server, one after the other: the journal that it writes.
#[derive(Clone)]
pub(crate) struct Chain {
    /// The server's name among those whose journals lie in one place.
    pub(crate) name: Arc<str>,
    pub(crate) storage: Arc<dyn Storage>,
}

/// Where a chain ends by now.
pub(crate) struct ChainEnd {
    pub(crate) chain: Arc<str>,
    /// Its last segment, and how far that goes; none where it has none, or that takes listing all.
    pub(crate) end: Option<(SegmentId, u64)>,
}

/// Where journals lie. Blocks on the disk, or on the store.
///
/// What is not there, or not any more, is [`io::ErrorKind::NotFound`].
pub(crate) trait Storage: Send + Sync {
    /// The chains that lie there; of a storage that is one chain's, that one.
    fn chains(&self) -> io::Result<Vec<Chain>>;

    /// The chain of that name, if there can be one.
    fn chain(&self, name: &str) -> io::Result<Option<Chain>> {
        Ok(self.chains()?.into_iter().find(|chain| *chain.name == *name))
    }

    /// The streams, and whatever else lies among them.
    fn streams(&self) -> io::Result<Streams>;

    /// The segments of a stream, and whatever else lies among them.
    fn segments(&self, stream: StreamId) -> io::Result<Segments>;

    /// All segments of the chain, in order, where they can be listed at once.
    fn listed(&self) -> io::Result<Option<Vec<SegmentId>>> {
        Ok(None)
    }

    /// The last segment, where it can be found without listing all.
    fn newest(&self) -> io::Result<Option<SegmentId>> {
        Ok(None)
    }

    /// Where the chains end that lie there and may be written, where it is known at once.
    fn ends(&self) -> io::Result<Option<Vec<ChainEnd>>> {
        Ok(None)
    }

    /// Opens a segment, of whichever chain.
    fn open(&self, id: SegmentId) -> io::Result<SegmentContent>;

    /// What errors call the whole of it.
    fn name(&self) -> PathBuf;

    /// What errors call a stream.
    fn name_of_stream(&self, stream: StreamId) -> PathBuf;

    /// What errors call a segment.
    fn name_of(&self, id: SegmentId) -> PathBuf;

    /// The file that holds a segment; none where it is in no file. `end` is how far the segment goes, where that is
    /// known.
    fn file(&self, id: SegmentId, end: Option<u64>) -> io::Result<Option<SegmentFile>>;

    /// The checkpoints of the chain.
    fn checkpoints(&self) -> Arc<dyn CheckpointStore>;

    /// Takes the chain for one writer: no other can write from now on, or the taking fails as
    /// [`io::ErrorKind::WouldBlock`].
    fn take(&self, options: &Taking) -> io::Result<Taken>;

    /// Takes the chain from whoever has it, to sign for it and to drop from it, not to write it.
    fn close(&self) -> io::Result<()>;

    /// Removes what a process that ended left of what it was making.
    fn tidy(&self) -> io::Result<()>;

    /// The same in one stream, and the stream itself if it was never begun.
    fn tidy_stream(&self, stream: StreamId, segments: &Segments) -> io::Result<()>;

    /// Cuts the last segment of a stream off behind its last frame.
    fn cut(&self, id: SegmentId, end: u64) -> io::Result<()>;

    /// Makes sure that what was written of a segment survives a power cut.
    fn flush(&self, id: SegmentId) -> io::Result<()>;

    /// Compresses a segment that takes no more frames, and returns its sizes before and after; none if that is done.
    fn compress(&self, id: SegmentId) -> io::Result<Option<(u64, u64)>>;

    /// Removes the segments of a stream that come before `first`, oldest first; with `all`, the stream too. What is left
    /// after a crash has no hole.
    fn remove_segments(&self, stream: StreamId, first: u32, all: bool) -> io::Result<()>;

    /// Makes removals durable.
    fn removed(&self) -> io::Result<()>;
}

/// How a chain is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking {
    /// Size of a segment.
    pub(crate) segment_bytes: u64,
    /// Whether frames are to survive a power cut when they are acknowledged.
    pub(crate) sync: bool,
}

/// A chain that was taken.
pub(crate) struct Taken {
    pub(crate) appender: Box<dyn Appender>,
    /// While it lives the chain stays taken.
    pub(crate) hold: Box<dyn Send + Sync>,
    /// Becomes true when somebody else has taken it, where that can happen.
    pub(crate) lost: Option<watch::Receiver<bool>>,
}

/// The writing end of a chain.
pub(crate) trait Appender: Send {
    /// Makes room for a stream. May be repeated.
    fn begin_stream(&mut self, stream: StreamId) -> io::Result<()>;

    /// Makes a segment: its header durable, and there to be seen only then. After an error it may be repeated.
    fn create(
        &mut self,
        header: &SegmentHeader,
        mac: &dyn Fn(&Hash) -> Hash,
    ) -> io::Result<(Box<dyn OpenSegment>, Hash)>;
}

/// The segment being written.
pub(crate) trait OpenSegment: Send {
    /// Its number.
    fn number(&self) -> u32;

    /// Where the next frame begins.
    fn used(&self) -> u64;

    /// Tells whether a frame of this length may still be put.
    fn has_room(&self, length: usize) -> bool;

    /// Writes a frame, whose first record has this number, and makes it durable. After an error nothing of it counts, and
    /// another may be tried in its place, once it is [settled](Self::settle).
    fn put(&mut self, frame: &[u8], first_record: u64) -> io::Result<()>;

    /// Finds out about the last frame that could not be put: it may be there all the same, and counts then.
    fn settle(&mut self) -> io::Result<bool>;

    /// Ends the segment: it takes no more frames. May be repeated.
    fn finish(&mut self) -> io::Result<()>;
}
