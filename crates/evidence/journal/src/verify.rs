//! Verification: is what the files hold what was written?
//!
//! It starts over from the journal's key and recomputes every hash, link and MAC. What that shows, and what
//! it cannot, the crate's head tells. It reads only, needs no lock and may run beside a writing journal,
//! whose newest stream it then sees up to some recent frame.

mod stream;

use std::fmt;
use std::path::{Path, PathBuf};

use strongroom_secret::Key256;

use crate::error::JournalError;
use crate::frame::FrameFault;
use crate::record::EventId;
use crate::segment::{self, HeaderFault};
use crate::stream::{StreamId, list};

/// After this many findings verification stops: the journal is beyond a list.
const FINDING_LIMIT: usize = 1000;

/// What verification saw.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Streams seen.
    pub streams: u64,
    /// Segments seen.
    pub segments: u64,
    /// Frames that are as written.
    pub frames: u64,
    /// Records in those frames.
    pub records: u64,
    /// What is not as it should be, and what is worth a note, in the journal's order.
    pub findings: Vec<Finding>,
    /// Verification stopped after 1,000 findings.
    pub cut_short: bool,
}

impl Report {
    /// Tells whether everything that was found is as it was written.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.first_break().is_none()
    }

    /// Returns the first finding that is more than a note.
    #[must_use]
    pub fn first_break(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| !finding.is_note())
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= FINDING_LIMIT
    }
}

/// How far verification is; told at the beginning of each segment.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The stream at hand.
    pub stream: StreamId,
    /// The segment at hand.
    pub segment: u32,
    /// Frames checked so far, in all streams.
    pub frames: u64,
    /// Records checked so far.
    pub records: u64,
}

/// Something found, and where: as much of it as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// In which stream.
    pub stream: Option<StreamId>,
    /// In which segment; its file is named by [`Finding::segment_file`].
    pub segment: Option<u32>,
    /// At which byte of the segment's file.
    pub offset: Option<u64>,
    /// At which frame of the stream.
    pub frame: Option<u64>,
    /// The first record of the stream that is concerned.
    pub record: Option<u64>,
    /// That record's event id, where it can be read.
    pub event_id: Option<EventId>,
}

impl Finding {
    fn new(kind: FindingKind) -> Self {
        Self { kind, stream: None, segment: None, offset: None, frame: None, record: None, event_id: None }
    }

    /// Tells whether this is a note: nothing that was acknowledged is missing or changed because of it.
    #[must_use]
    pub fn is_note(&self) -> bool {
        matches!(
            self.kind,
            FindingKind::TornFrame
                | FindingKind::NotClosed
                | FindingKind::NotBegun
                | FindingKind::Stranger(_)
                | FindingKind::Unreadable
        )
    }

    /// Returns the name of the segment's file.
    #[must_use]
    pub fn segment_file(&self) -> Option<String> {
        self.segment.map(segment::file_name)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stream) = self.stream {
            write!(f, "stream {stream}, ")?;
        }
        if let Some(file) = self.segment_file() {
            write!(f, "segment {file}, ")?;
        }
        if let Some(offset) = self.offset {
            write!(f, "byte {offset}, ")?;
        }
        if let Some(frame) = self.frame {
            write!(f, "frame {frame}, ")?;
        }
        if let Some(record) = self.record {
            write!(f, "record {record}, ")?;
        }
        if let Some(event) = self.event_id {
            write!(f, "event {event}, ")?;
        }
        write!(f, "{}", self.kind)
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindingKind {
    /// A frame is not as written.
    #[error("{0}")]
    Frame(FrameFault),
    /// A frame fits by its hashes but was not made with the chain's key.
    #[error("the frame's MAC is wrong: it was not written by this journal")]
    FrameMac,
    /// A frame or segment does not name what stands before it.
    #[error("the chain is broken: this does not continue what stands before it")]
    Chain,
    /// Frames are missing here.
    #[error("frames {first} to {last} are missing")]
    FramesMissing {
        /// First missing frame.
        first: u64,
        /// Last missing frame.
        last: u64,
    },
    /// A frame stands where a later one should.
    #[error("the frame is repeated or out of place")]
    FrameMisplaced,
    /// A segment's header is not as written.
    #[error("{0}")]
    SegmentHeader(HeaderFault),
    /// A segment's header fits by its hash but was not made with the chain's key.
    #[error("the segment header's MAC is wrong: it was not written by this journal")]
    SegmentMac,
    /// A segment's header belongs to another place.
    #[error("this is segment {number} of stream {stream}, under another name")]
    SegmentMisplaced {
        /// The stream that the header names.
        stream: StreamId,
        /// The number that the header names.
        number: u32,
    },
    /// A part of a compressed segment cannot be decompressed; what it held is named by the findings before.
    #[error("the segment's bytes {first} to {last} cannot be decompressed")]
    Decompression {
        /// First byte of the segment, as it was before it was compressed.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// Segments are missing.
    #[error("segments {first} to {last} are missing")]
    SegmentsMissing {
        /// First missing segment.
        first: u32,
        /// Last missing segment.
        last: u32,
    },
    /// Something follows the end of a segment or of a closed stream.
    #[error("there is something behind the end")]
    BehindEnd,
    /// The next stream says that this one went on.
    #[error("the end of the stream is missing: it had {frames} frames")]
    StreamCut {
        /// How many frames it had.
        frames: u64,
    },
    /// A stream's successor names this stream, which is not there.
    #[error("the stream is missing")]
    StreamMissing,
    /// A stream stands where its successor says another one, or none, should.
    #[error("the stream is not one that the next stream continues")]
    StreamMisplaced,
    /// The journal's key of this epoch is not known, so that no MAC could be checked.
    #[error("the journal key of epoch {0} is unknown: MACs were not checked")]
    KeyUnknown(u32),
    /// The chain's key cannot be computed up to here.
    #[error("the chain's key cannot be computed up to here: MACs were not checked")]
    KeyOutOfReach,
    /// A note: writing the stream's last frame was cut short. Nobody was told that its records were written.
    #[error("note: the last frame is incomplete, its writing was cut short")]
    TornFrame,
    /// A note: the stream was not closed; its process ended without warning.
    #[error("note: the stream was not closed")]
    NotClosed,
    /// A note: the stream has no segment; its process ended while making the first.
    #[error("note: the stream was never begun")]
    NotBegun,
    /// A note: a file or directory that is not the journal's.
    #[error("note: {} does not belong here", .0.display())]
    Stranger(PathBuf),
    /// A note: the record is as written, but this version cannot read it.
    #[error("note: the record is intact but unreadable to this version")]
    Unreadable,
}

/// Verifies the journal in `dir`.
///
/// `key` gives the seal's journal subkey of an epoch, as [`JournalOptions::key_epoch`](crate::JournalOptions)
/// named it when a stream was begun. `progress` hears of each segment. Fails only where files cannot be read;
/// whatever they hold is a finding.
pub fn verify(
    dir: &Path,
    key: impl Fn(u32) -> Option<Key256>,
    mut progress: impl FnMut(&Progress),
) -> Result<Report, JournalError> {
    let listed = list(dir).map_err(JournalError::io("list", dir))?;
    let mut report = Report::default();
    report
        .findings
        .extend(listed.strangers.into_iter().map(|path| Finding::new(FindingKind::Stranger(path))));
    let mut before: Option<stream::Ending> = None;
    for (index, &id) in listed.streams.iter().enumerate() {
        if report.is_full() {
            report.cut_short = true;
            break;
        }
        let newest = index + 1 == listed.streams.len();
        report.streams += 1;
        let ending = stream::check(dir, id, newest, &key, &mut report, &mut progress)?;
        if let Some(ending) = ending {
            ending.check_link(before.as_ref(), &mut report);
            before = Some(ending);
        }
    }
    Ok(report)
}
