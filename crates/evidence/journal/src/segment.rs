//! Segments: the files of a stream.

mod ahead;
mod compressed;
mod content;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_crypto::digest::sha256;

use crate::frame::{Hash, array};
use crate::journal::Durability;
use crate::reader::{SegmentFile, SegmentId};
use crate::storage::OpenSegment;
use crate::stream::StreamId;

use ahead::Blank;
pub(crate) use ahead::{Ahead, remove_left};
pub(crate) use compressed::compress;
pub(crate) use content::SegmentContent;

/// Size of a segment's header: one disk sector, so that a power cut leaves all of it or nothing.
pub(crate) const HEADER_LEN: usize = 512;
/// Longest name of a node, in bytes.
pub(crate) const NODE_LIMIT: usize = 64;
/// Largest segment.
pub(crate) const SEGMENT_LIMIT: u64 = 64 << 20;

const MAGIC: [u8; 8] = *b"SRJOURNL";
const FORMAT: u16 = 1;
const HASHED: usize = HEADER_LEN - 64;
/// Size of a segment for which no file was made ahead: a few milliseconds' work.
const MADE_NOW: u64 = 1 << 20;

/// What the head of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) stream: StreamId,
    pub(crate) node: String,
    /// When the stream was begun, in domain time.
    pub(crate) opened_ms: i64,
    /// Which epoch of the journal's key the stream's keys come from.
    pub(crate) key_epoch: u32,
    /// From 1.
    pub(crate) number: u32,
    /// When the segment's records counted as written. Segments from before this was noted say [`Durability::Sync`], whatever
    /// they were.
    pub(crate) durability: Durability,
    pub(crate) first_frame: u64,
    pub(crate) first_record: u64,
    /// Greatest event time of all records before this segment, in this stream and those before.
    pub(crate) newest_before_ms: i64,
    /// Hash of the frame before; zeros in a stream's first segment.
    pub(crate) previous: Hash,
    /// The stream before, in a stream's first segment.
    pub(crate) predecessor: Option<Predecessor>,
}

/// The end of the stream before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Predecessor {
    pub(crate) stream: StreamId,
    /// Its number of frames and the last link of its chain; none if its end could not be read.
    pub(crate) end: Option<(u64, Hash)>,
}

/// Why a segment's head is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// The file is shorter than a header.
    #[error("the segment has no whole header")]
    Short,
    /// The file does not begin as a segment does.
    #[error("the file is no segment")]
    Magic,
    /// The format number is none that this version reads.
    #[error("segment format {0} is unknown to this version")]
    Format(u16),
    /// The header was altered.
    #[error("the segment header is altered")]
    Altered,
    /// The segment is compressed, and the table by which it is read was altered or cut off.
    #[error("the compressed segment's table is altered")]
    Compressed,
}

/// A header as read, with what seals it.
pub(crate) struct SealedHeader {
    pub(crate) header: SegmentHeader,
    pub(crate) hash: Hash,
    pub(crate) mac: Hash,
}

impl SegmentHeader {
    /// Writes the header and returns it with its hash.
    pub(crate) fn seal(&self, mac: impl FnOnce(&Hash) -> Hash) -> ([u8; HEADER_LEN], Hash) {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[10..12].copy_from_slice(&(self.node.len() as u16).to_le_bytes());
        bytes[12..16].copy_from_slice(&self.key_epoch.to_le_bytes());
        bytes[16..32].copy_from_slice(self.stream.as_bytes());
        bytes[32..36].copy_from_slice(&self.number.to_le_bytes());
        bytes[37] = match self.durability {
            Durability::Sync => 0,
            Durability::Written => 1,
        };
        bytes[40..48].copy_from_slice(&self.first_frame.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.first_record.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.opened_ms.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.newest_before_ms.to_le_bytes());
        bytes[72..104].copy_from_slice(&self.previous);
        if let Some(predecessor) = &self.predecessor {
            bytes[36] = 1;
            bytes[104..120].copy_from_slice(predecessor.stream.as_bytes());
            if let Some((frames, hash)) = &predecessor.end {
                bytes[36] = 2;
                bytes[120..128].copy_from_slice(&frames.to_le_bytes());
                bytes[128..160].copy_from_slice(hash);
            }
        }
        bytes[160..160 + self.node.len()].copy_from_slice(self.node.as_bytes());
        let hash = sha256(&bytes[..HASHED]);
        bytes[HASHED..HASHED + 32].copy_from_slice(&hash);
        bytes[HASHED + 32..].copy_from_slice(&mac(&hash));
        (bytes, hash)
    }

    /// Reads the header of an open segment, checking what needs no key.
    pub(crate) fn read(segment: &SegmentContent) -> io::Result<Result<SealedHeader, HeaderFault>> {
        if let Some(fault) = segment.fault() {
            return Ok(Err(fault));
        }
        let mut bytes = [0; HEADER_LEN];
        match segment.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(HeaderFault::Short)),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8; HEADER_LEN]) -> Result<SealedHeader, HeaderFault> {
        if bytes[..8] != MAGIC {
            return Err(HeaderFault::Magic);
        }
        let format = u16::from_le_bytes(array(&bytes[8..10]));
        if format != FORMAT {
            return Err(HeaderFault::Format(format));
        }
        let hash: Hash = array(&bytes[HASHED..HASHED + 32]);
        if sha256(&bytes[..HASHED]) != hash {
            return Err(HeaderFault::Altered);
        }
        let node_len = usize::from(u16::from_le_bytes(array(&bytes[10..12])));
        let node = bytes[160..160 + NODE_LIMIT].get(..node_len).ok_or(HeaderFault::Altered)?;
        let node = std::str::from_utf8(node).map_err(|_| HeaderFault::Altered)?;
        let before = StreamId::from_bytes(array(&bytes[104..120]));
        let end = (u64::from_le_bytes(array(&bytes[120..128])), array(&bytes[128..160]));
        let predecessor = match bytes[36] {
            0 => None,
            1 => Some(Predecessor { stream: before, end: None }),
            2 => Some(Predecessor { stream: before, end: Some(end) }),
            _ => return Err(HeaderFault::Altered),
        };
        let durability = match bytes[37] {
            0 => Durability::Sync,
            1 => Durability::Written,
            _ => return Err(HeaderFault::Altered),
        };
        let header = Self {
            stream: StreamId::from_bytes(array(&bytes[16..32])),
            node: node.to_owned(),
            opened_ms: i64::from_le_bytes(array(&bytes[56..64])),
            key_epoch: u32::from_le_bytes(array(&bytes[12..16])),
            number: u32::from_le_bytes(array(&bytes[32..36])),
            durability,
            first_frame: u64::from_le_bytes(array(&bytes[40..48])),
            first_record: u64::from_le_bytes(array(&bytes[48..56])),
            newest_before_ms: i64::from_le_bytes(array(&bytes[64..72])),
            previous: array(&bytes[72..104]),
            predecessor,
        };
        Ok(SealedHeader { header, hash, mac: array(&bytes[HASHED + 32..]) })
    }
}

/// Returns the name of a segment's file.
pub(crate) fn file_name(number: u32) -> String {
    format!("{number:06}.seg")
}

/// Returns the name of a segment's file once it is compressed.
pub(crate) fn compressed_name(number: u32) -> String {
    format!("{number:06}.seg.zst")
}

/// Reads the number in a segment's file name. Only the one spelling that is written counts: "7.seg" beside
/// "000007.seg" would be two of the same number.
fn number_in(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".zst").unwrap_or(name).strip_suffix(".seg")?;
    let number = digits.parse().ok()?;
    [file_name(number), compressed_name(number)].iter().any(|spelling| spelling == name).then_some(number)
}

/// The segments in a stream's directory, in order, and whatever else lies there.
pub(crate) struct Segments {
    pub(crate) numbers: Vec<u32>,
    /// Files that are being made, or were when a process ended.
    pub(crate) unfinished: Vec<PathBuf>,
    pub(crate) strangers: Vec<PathBuf>,
}

/// Lists the segments of a stream.
pub(crate) fn list(dir: &Path) -> io::Result<Segments> {
    let (mut numbers, mut unfinished, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if let Some(number) = number_in(name) {
            numbers.push(number);
        } else if is_unfinished(name) {
            unfinished.push(entry.path());
        } else {
            strangers.push(entry.path());
        }
    }
    numbers.sort_unstable();
    // One that is being compressed may be there in both forms.
    numbers.dedup();
    strangers.sort_unstable();
    Ok(Segments { numbers, unfinished, strangers })
}

/// Suffix of a file that is being made; it becomes another once the file is durable.
const UNFINISHED: &str = "new";

/// Where a compressed segment is made.
fn unfinished_compressed(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{}.{UNFINISHED}", compressed_name(number)))
}

fn is_unfinished(name: &str) -> bool {
    let made = name.strip_suffix(UNFINISHED).and_then(|name| name.strip_suffix('.'));
    made.is_some_and(|name| {
        number_in(name).is_some() || name.bytes().all(|byte| byte.is_ascii_digit()) && name.len() >= 6
    })
}

/// What is read at once where the end of a file is looked for, in bytes.
const BLOCK: u64 = 64 << 10;

/// The file that holds a segment of the stream in `dir`. A plain one is as long as `end` says, or else as what is not
/// zeros.
pub(crate) fn file(dir: &Path, id: SegmentId, end: Option<u64>) -> io::Result<Option<SegmentFile>> {
    // As a reader takes it: of both, the plain file counts.
    let plain = file_name(id.number);
    for name in [plain.clone(), compressed_name(id.number)] {
        let at = dir.join(&name);
        let length = match File::open(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(error),
            Ok(file) if name == plain => end.map_or_else(|| written(&file), Ok),
            Ok(file) => file.metadata().map(|metadata| metadata.len()),
        }?;
        return Ok(Some(SegmentFile { id, path: format!("{}/{name}", id.stream), at, length }));
    }
    Ok(None)
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

/// Removes what a crash left of files that were being made.
pub(crate) fn remove_unfinished(dir: &Path, segments: &Segments) -> io::Result<()> {
    for path in &segments.unfinished {
        fs::remove_file(path)?;
    }
    sync_dir(dir)
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The file of the segment being written.
pub(crate) struct FileSegment {
    file: File,
    ahead: Arc<Ahead>,
    number: u32,
    sync: bool,
    capacity: u64,
    /// End of the last frame that counts.
    used: u64,
    /// End of what a failed write may have left after `used`.
    dirty: u64,
    finished: bool,
}

impl FileSegment {
    /// Makes a segment, of the file that was made ahead, or else of a small one that is made now: its header durable,
    /// and under its final name only then.
    pub(crate) fn create(
        dir: &Path,
        header: &SegmentHeader,
        mac: &dyn Fn(&Hash) -> Hash,
        ahead: &Arc<Ahead>,
        capacity: u64,
        sync: bool,
    ) -> io::Result<(Self, Hash)> {
        let path = dir.join(file_name(header.number));
        let unfinished = path.with_extension(UNFINISHED);
        let blank = match ahead.take(unfinished.clone()) {
            Some(blank) => blank,
            None => Blank::make(unfinished.clone(), capacity.min(MADE_NOW), sync)?,
        };
        let made = Self::begin(blank, header, mac, ahead, sync).and_then(|made| {
            fs::rename(&unfinished, &path)?;
            sync_dir(dir)?;
            Ok(made)
        });
        if made.is_err() {
            // Whatever is tried next is tried from the beginning. If this fails as well, the next attempt or start
            // removes it.
            let _ = fs::remove_file(&unfinished);
        }
        made
    }

    fn begin(
        blank: Blank,
        header: &SegmentHeader,
        mac: &dyn Fn(&Hash) -> Hash,
        ahead: &Arc<Ahead>,
        sync: bool,
    ) -> io::Result<(Self, Hash)> {
        let Blank { file, capacity, .. } = blank;
        let (bytes, hash) = header.seal(mac);
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        let (used, ahead, number) = (HEADER_LEN as u64, Arc::clone(ahead), header.number);
        Ok((Self { file, ahead, number, sync, capacity, used, dirty: used, finished: false }, hash))
    }

    /// Zeroes what a failed write may have left, and makes that durable before anything is written over it:
    /// otherwise a power cut could mix the two.
    fn clean(&mut self) -> io::Result<()> {
        if self.dirty > self.used {
            ahead::zero(&self.file, self.used, self.dirty)?;
            self.file.sync_data()?;
            self.dirty = self.used;
        }
        Ok(())
    }
}

impl OpenSegment for FileSegment {
    fn number(&self) -> u32 {
        self.number
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn has_room(&self, length: usize) -> bool {
        !self.finished && self.used + length as u64 <= self.capacity
    }

    fn put(&mut self, frame: &[u8], _first_record: u64) -> io::Result<()> {
        self.clean()?;
        let end = self.used + frame.len() as u64;
        self.dirty = end;
        self.file.write_all_at(frame, self.used)?;
        if self.sync {
            self.file.sync_data()?;
        }
        self.used = end;
        if self.used * 2 >= self.capacity {
            // It is time to make the next one.
            self.ahead.ask();
        }
        Ok(())
    }

    /// Whatever a failed write left is written over.
    fn settle(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    /// Cuts the preallocated tail off.
    fn finish(&mut self) -> io::Result<()> {
        self.file.set_len(self.used)?;
        self.dirty = self.used;
        self.finished = true;
        self.file.sync_all()
    }
}
