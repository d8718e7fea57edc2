//! The journal: every authenticated call as one record, in an append-only log that shows tampering.
//!
//! [`Journal`] writes, [`Keeper`] signs, compresses and drops, [`Reader`] reads, [`verify`] checks. A [`Record`] is what one call leaves
//! behind; [`render_cloudtrail_json`] shows it as CloudTrail does. The crate knows no AWS service, no HTTP
//! and no policy: it writes the records it is given, redacted by whoever made them, at the (domain) times
//! they carry. It reads no clock.
//!
//! # On disk
//!
//! ```text
//! journal/
//!   lock                          held by the one process that writes
//!   checkpoints/                  signed, how far the journal was from time to time
//!   <stream>/                     one stream per start of a node, and per Journal::begin_stream; names sort as
//!                                 they were begun
//!     000001.seg 000002.seg ...   a 512-byte header, then frames; the last one is preallocated, with
//!                                 zeros behind its last frame
//!     000001.seg.zst              what 000001.seg becomes later: the same bytes, compressed
//! ```
//!
//! A frame holds the records that waited while the frame before it was being flushed (group commit); one
//! without records is a stream's end, or comes of a [probe](Journal::probe). Its hash
//! covers its header, which holds the hash before it, and the hash of each of its records. Segment headers
//! are links of the same chain, and a stream's first header names the end of the stream before it.
//!
//! # What the chain shows, and what it does not
//!
//! Each frame and segment header carries a MAC under a key that is replaced, one way, after each frame.
//! Whoever changes the files without the seal's journal key is found out by [`verify`], which starts over
//! from that key: an altered byte, a frame or segment removed, repeated or moved, a middle cut out. Whoever
//! steals the running key of a stream can forge what comes after, never what came before. (A journal opened to
//! [begin streams](Journal::begin_stream) also keeps the journal key itself; stolen, it counts as the seal below.)
//!
//! Two things a chain alone cannot show. What is cut from the very end of the journal leaves nothing that
//! points at it: the last frames of the *newest* stream, or that whole stream. The same holds for a last
//! frame of which whole disk sectors, or the end from before its hash on, are turned into zeros: so it looks
//! after a power cut, and the next start drops it. And whoever holds the seal itself can compute every key of
//! the chain and write a new past.
//!
//! A [`Checkpoint`] shows the first, as far as it was made before the cut, and, kept where who did it cannot write,
//! the second. It is signed with a key of its own, so that whoever has the public half verifies hashes, chain and
//! checkpoints without any secret. The signing key is in the process for as long as it runs: stolen, it can sign
//! another past, which MACs and checkpoints kept elsewhere contradict.
//!
//! The end of an older stream is pinned by its successor, as it was when that began. Where the successor
//! found the end damaged, more than an end mark wrong, it pins nothing: its [`OpenNote`] is then the only
//! trace if the damaged end is cut off later.

mod chain;
mod checkpoint;
mod cloudtrail;
mod error;
mod frame;
mod journal;
mod keeper;
mod queue;
mod reader;
mod record;
mod recovery;
mod segment;
mod storage;
mod stream;
mod verify;
mod walk;
mod writer;

pub use checkpoint::{
    Beginning, Checkpoint, CheckpointKey, Head, NotACheckpoint, newest_checkpoint, newest_checkpoints_in,
};
pub use cloudtrail::render_cloudtrail_json;
pub use error::JournalError;
pub use frame::FrameFault;
pub use journal::{ClosedOff, Durability, Journal, JournalOptions, Opened};
pub use keeper::{Compressed, Hold, Holds, Horizon, Keeper, KeeperOptions, MissingEnd, Old, Retired};
pub use reader::{
    FrameHead, Frames, Heads, ListedSegment, Proof, Reader, Records, SealedFrame, Segment, SegmentFile,
    SegmentFrames, SegmentId, Verdict,
};
pub use record::{
    ADDITIONAL_DATA_LIMIT, DECISIONS_LIMIT, EventId, EventType, Identity, IdentityKind, JSON_LIMIT,
    RECORD_LIMIT, Record, RecordError, Resource, SHORT_TEXT_LIMIT, SessionContext, SessionIssuer, TlsDetails,
};
pub use recovery::OpenNote;
pub use segment::HeaderFault;
pub use storage::{
    MIGRATIONS, MovedIn, STATEMENTS, STATEMENTS_OF_POSTGRES, export_from_store, move_into_store,
};
pub use stream::{NotAStreamId, Position, StreamId};
pub use verify::{Finding, FindingKind, Progress, Report, StoreReport, Trust, verify, verify_store};
