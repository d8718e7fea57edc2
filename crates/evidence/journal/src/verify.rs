//! Verification: is what the files hold what was written?
//!
//! It starts over from the journal's key and recomputes every hash, link and MAC, and compares what signed checkpoints
//! say of the streams; without the key, all but the MACs. What that shows, and what it cannot, the crate's head tells.
//! It reads only, needs no lock and may run beside a writing journal, whose newest stream it then sees up to some
//! recent frame.

mod anchors;
mod signatures;
mod store;
mod stream;
mod trust;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Beginning, Checkpoint, NotACheckpoint};
use crate::error::JournalError;
use crate::frame::FrameFault;
use crate::record::EventId;
use crate::segment::{self, HeaderFault};
use crate::storage::{Files, Storage};
use crate::stream::StreamId;
use anchors::Anchors;

pub use store::{StoreReport, verify_store};
pub use trust::Trust;

/// After this many findings that are no notes verification stops: the journal is beyond a list.
const BREAK_LIMIT: u64 = 1000;
/// So many notes are kept; of the others it is counted how many there were. Anybody can make notes by the thousand, and
/// they must neither end a verification nor hide what it finds.
const NOTE_LIMIT: u64 = 100;
/// How often a verification is begun anew because retention moved the journal's beginning meanwhile.
const MOST_TRIES: u32 = 10;

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
    /// Checkpoints that are as written.
    pub checkpoints: u64,
    /// Number and time (milliseconds since 1970 UTC) of the newest of them. Without one, frames that were cut off the
    /// journal's very end would not be noticed.
    pub newest_checkpoint: Option<(u64, i64)>,
    /// A checkpoint that is believed, the journal's or one that was kept elsewhere, names a link that is there.
    pub is_signed: bool,
    /// How many of the records no such link stands for: they come after the last one. Whoever has no seal cannot tell
    /// whether they were written by the journal; all the others, he can.
    pub unsigned_records: u64,
    /// Where the journal begins, if older segments were dropped when their time was up.
    pub begins: Option<Beginning>,
    /// What is not as it should be, and what is worth a note, in the journal's order.
    pub findings: Vec<Finding>,
    /// How many notes there were beyond those among the findings.
    pub notes_left_out: u64,
    /// Verification stopped after 1,000 findings that are no notes, and has not looked at the rest.
    pub cut_short: bool,
    breaks: u64,
    notes: u64,
}

impl Report {
    /// Tells whether all of the journal was looked at and is as it was written, as far as whoever verified can know:
    /// see [`Report::is_signed`] for whoever has no seal.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.first_break().is_none() && !self.cut_short
    }

    /// Returns the first finding that is more than a note.
    #[must_use]
    pub fn first_break(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| !finding.is_note())
    }

    /// Adds what was seen of another journal: counts, and findings.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.streams += other.streams;
        self.segments += other.segments;
        self.frames += other.frames;
        self.records += other.records;
        self.checkpoints += other.checkpoints;
        self.is_signed &= other.is_signed;
        self.unsigned_records += other.unsigned_records;
        self.findings.extend(other.findings);
        self.notes_left_out += other.notes_left_out;
        self.cut_short |= other.cut_short;
        self
    }

    fn is_full(&self) -> bool {
        self.breaks >= BREAK_LIMIT
    }

    fn add(&mut self, finding: Finding) {
        if finding.is_note() {
            self.notes += 1;
            if self.notes > NOTE_LIMIT {
                self.notes_left_out += 1;
                return;
            }
        } else {
            self.breaks += 1;
            if self.breaks > BREAK_LIMIT {
                self.cut_short = true;
                return;
            }
        }
        self.findings.push(finding);
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
                | FindingKind::CheckpointTorn
                | FindingKind::NotRemoved
                | FindingKind::Unreadable
                | FindingKind::Unflushed
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
    /// What a power cut would explain in a stream whose records counted once they were written is no such thing: all of the
    /// stream was on the disk, for it was closed, or was whole when the next one was begun.
    #[error(
        "what is missing in this stream was there once: it was closed, or whole when the next stream was begun"
    )]
    MissingLater,
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
    /// Something in a file of checkpoints is none; the rest of the file was not read.
    #[error("{}, byte {at}: {fault}", path.display())]
    CheckpointFile {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        at: u64,
        /// What is wrong there.
        fault: NotACheckpoint,
    },
    /// A checkpoint's signature does not fit what it says.
    #[error("checkpoint {number} is not signed by the key that it names")]
    CheckpointSignature {
        /// The checkpoint's number.
        number: u64,
    },
    /// A checkpoint was signed by a key that is not believed.
    #[error("checkpoint {number} is signed by another key than the journal's (it names epoch {epoch})")]
    CheckpointKey {
        /// The checkpoint's number.
        number: u64,
        /// The epoch that it says its key is of.
        epoch: u32,
    },
    /// A checkpoint does not follow from the one before it.
    #[error("checkpoint {number} does not continue the one before it")]
    CheckpointChain {
        /// The checkpoint's number.
        number: u64,
    },
    /// Checkpoints are missing.
    #[error("checkpoints {first} to {last} are missing")]
    CheckpointsMissing {
        /// First missing checkpoint.
        first: u64,
        /// Last missing checkpoint.
        last: u64,
    },
    /// The journal has another checkpoint of the number of one that was kept elsewhere.
    #[error(
        "the journal's checkpoint {number} is not the one that was kept: the journal was rolled back and written anew, \
         or is another one"
    )]
    CheckpointDiffers {
        /// The checkpoint's number.
        number: u64,
    },
    /// A checkpoint that was kept elsewhere is later than all of the journal's.
    #[error(
        "the journal was rolled back: it is at checkpoint {newest}, and checkpoint {number} was made of it"
    )]
    RolledBack {
        /// The checkpoint that was kept.
        number: u64,
        /// The journal's newest; 0 if it has none.
        newest: u64,
    },
    /// A checkpoint saw more of the stream than is there.
    #[error(
        "the end of the stream is missing: checkpoint {checkpoint} saw {frames} frames and {records} records"
    )]
    EndMissing {
        /// The checkpoint's number.
        checkpoint: u64,
        /// How many frames it saw.
        frames: u64,
        /// How many records those held.
        records: u64,
    },
    /// The stream's frame is another than a checkpoint saw there.
    #[error("the frame is not the one that checkpoint {checkpoint} saw: the stream was written anew")]
    HeadDiffers {
        /// The checkpoint's number.
        checkpoint: u64,
    },
    /// The journal's first segment is not the one that a checkpoint says it begins with.
    #[error("the journal does not begin with this segment as checkpoint {checkpoint} says")]
    BeginningDiffers {
        /// The checkpoint's number.
        checkpoint: u64,
    },
    /// A note: the writing of the newest checkpoint was cut short.
    #[error("note: the newest checkpoint is incomplete, its writing was cut short")]
    CheckpointTorn,
    /// A note: the time of these segments was up, and they were not removed yet.
    #[error("note: what stands before the journal's beginning is still there")]
    NotRemoved,
    /// A note: writing the stream's last frame was cut short. Nobody was told that its records were written.
    #[error("note: the last frame is incomplete, its writing was cut short")]
    TornFrame,
    /// A note: disk sectors are missing at the end of a stream whose records counted once they were
    /// [written](crate::Durability::Written), and behind all that a checkpoint saw. A power cut does that, and it is the
    /// price of `written`; so could somebody who knows it.
    #[error(
        "note: sectors are missing here, as a power cut leaves them where records count once they are `written`: what they \
         held is lost, and no checkpoint had seen it"
    )]
    Unflushed,
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

/// Verifies the journal in `dir` with what `trust` has.
///
/// `progress` hears of each segment. Fails only where files cannot be read; whatever they hold is a finding.
pub fn verify(
    dir: &Path,
    trust: &Trust<'_>,
    mut progress: impl FnMut(&Progress),
) -> Result<Report, JournalError> {
    let kept: Vec<_> = trust.anchors.iter().collect();
    verify_chain(&Files::new(dir), &kept, trust, &mut progress)
}

/// Verifies one chain, wherever it lies, against the checkpoints of it that were kept elsewhere.
fn verify_chain(
    journal: &dyn Storage,
    kept: &[&Checkpoint],
    trust: &Trust<'_>,
    progress: &mut impl FnMut(&Progress),
) -> Result<Report, JournalError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut report = Report::default();
        // Before the streams: they have all that these saw, also if the journal is being written.
        let anchors = Anchors::read(journal, kept, trust, &mut report)?;
        walk(journal, trust, &anchors, &mut report, progress)?;
        // What a server that is running drops meanwhile, behind a checkpoint that says so, is not missing.
        if report.breaks == 0 || tries == MOST_TRIES || !anchors.have_moved(trust) {
            return Ok(report);
        }
    }
}

/// Verifies all streams.
fn walk(
    journal: &dyn Storage,
    trust: &Trust<'_>,
    anchors: &Anchors,
    report: &mut Report,
    progress: &mut impl FnMut(&Progress),
) -> Result<(), JournalError> {
    let listed = journal.streams().map_err(JournalError::io("list", &journal.name()))?;
    listed.strangers.into_iter().for_each(|path| report.add(Finding::new(FindingKind::Stranger(path))));
    let first = anchors.begins().map(|(_, begins)| begins.segment.stream);
    let mut before: Option<stream::Ending> = None;
    for (index, &id) in listed.streams.iter().enumerate() {
        if report.is_full() {
            report.cut_short = true;
            break;
        }
        if first.is_some_and(|first| id < first) {
            report.add(Finding { stream: Some(id), ..Finding::new(FindingKind::NotRemoved) });
            continue;
        }
        let newest = index + 1 == listed.streams.len();
        report.streams += 1;
        let ending = stream::check(journal, id, newest, trust, anchors, report, progress)?;
        if let Some(ending) = ending {
            if first != Some(id) {
                ending.check_link(before.as_ref(), report);
            }
            before = Some(ending);
        }
    }
    anchors.report_all_missing(&listed.streams, report);
    Ok(())
}
