//! Compressed segments: `000001.seg.zst`.
//!
//! The file is in zstd's seekable format
//! (<https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md>), so that
//! `zstd -dc` gives back the very bytes of the segment, which the chain's hashes are over:
//!
//! ```text
//! head     32   skippable frame 0: "SRSEGZST", format, 2 zero bytes, block size, length of the segment
//! blocks        one zstd frame, with its check sum, for each block of the segment
//! table         skippable frame E: sizes of head and blocks, compressed and not; their number; the format's mark
//! ```
//!
//! Numbers are little-endian. There is one way to write a table for a file, and nothing else is read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::content::SegmentContent;
use super::{
    HEADER_LEN, HeaderFault, SEGMENT_LIMIT, compressed_name, file_name, sync_dir, unfinished_compressed,
};
use crate::frame::array;

const HEAD_FRAME: u32 = 0x184D_2A50;
const TABLE_FRAME: u32 = 0x184D_2A5E;
const SEEKABLE: u32 = 0x8F92_EAB1;
const MAGIC: [u8; 8] = *b"SRSEGZST";
const FORMAT: u16 = 1;

/// Size of the head.
const HEAD_LEN: usize = 32;
/// Size of what a skippable frame begins with.
const SKIPPABLE: usize = 8;
const ENTRY_LEN: usize = 8;
const FOOTER_LEN: usize = 9;

/// How much of a segment one block holds: what is decompressed to read one record.
const BLOCK: u32 = 64 << 10;
/// What other versions may have chosen.
const BLOCKS: std::ops::RangeInclusive<u32> = 4 << 10..=1 << 20;
/// Blocks of one segment that are kept decompressed while it is open.
const KEPT: usize = 4;
/// zstd's own default: 40 to 80 MB/s here, on a thread that nobody waits for.
const LEVEL: i32 = 3;
/// What stands for the bytes of a block that cannot be decompressed: no frame looks like it, and it is not the zeros
/// of a segment's unused end.
const LOST: u8 = 0xff;

/// A compressed segment, open.
pub(super) struct CompressedSegment {
    file: File,
    length: u64,
    block: u32,
    /// Where each block begins in the file, and where the last one ends.
    starts: Vec<u64>,
    kept: Mutex<Kept>,
}

/// The blocks that were last read, the newest last.
#[derive(Default)]
struct Kept {
    blocks: Vec<(usize, Vec<u8>)>,
    /// Blocks that could not be decompressed, each once, as they were met.
    lost: Vec<usize>,
}

impl CompressedSegment {
    /// Reads head and table.
    pub(super) fn open(file: File) -> io::Result<Result<Self, HeaderFault>> {
        let size = file.metadata()?.len();
        let mut head = [0; HEAD_LEN];
        if size < (HEAD_LEN + SKIPPABLE + FOOTER_LEN) as u64 {
            return Ok(Err(HeaderFault::Short));
        }
        file.read_exact_at(&mut head, 0)?;
        let (length, block) = match read_head(&head) {
            Ok(shape) => shape,
            Err(fault) => return Ok(Err(fault)),
        };
        let table_len = table_len(count(length, block));
        let Some(table_at) = size.checked_sub(table_len as u64) else {
            return Ok(Err(HeaderFault::Compressed));
        };
        let mut table = vec![0; table_len];
        file.read_exact_at(&mut table, table_at)?;
        let Some(starts) =
            read_table(&table, length, block).filter(|starts| starts.last() == Some(&table_at))
        else {
            return Ok(Err(HeaderFault::Compressed));
        };
        Ok(Ok(Self { file, length, block, starts, kept: Mutex::default() }))
    }

    /// The length of the segment.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads some bytes of the segment from `offset` on; none behind its end.
    pub(super) fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.length || into.is_empty() {
            return Ok(0);
        }
        let index = (offset / u64::from(self.block)) as usize;
        let within = (offset % u64::from(self.block)) as usize;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.blocks.iter().position(|(kept, _)| *kept == index) {
            kept.blocks[at..].rotate_left(1);
        } else {
            let block = self.decompress(index)?;
            if block.is_none() && !kept.lost.contains(&index) {
                kept.lost.push(index);
            }
            if kept.blocks.len() >= KEPT {
                kept.blocks.remove(0);
            }
            let block = block.unwrap_or_else(|| vec![LOST; self.size_of(index)]);
            kept.blocks.push((index, block));
        }
        let Some((_, block)) = kept.blocks.last() else { return Ok(0) };
        let bytes = block.get(within..).unwrap_or_default();
        let length = bytes.len().min(into.len());
        into[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    /// Where blocks were met that cannot be decompressed: their first and last bytes in the segment.
    pub(super) fn lost(&self) -> Vec<(u64, u64)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |&index: &usize| {
            let first = index as u64 * u64::from(self.block);
            (first, first + self.size_of(index) as u64 - 1)
        };
        let mut lost: Vec<_> = kept.lost.iter().map(place).collect();
        lost.sort_unstable();
        lost
    }

    /// Reads one block; none if it is not what was compressed.
    fn decompress(&self, index: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(&[start, end]) = self.starts.get(index..index + 2) else { return Ok(None) };
        let mut packed = vec![0; (end - start) as usize];
        self.file.read_exact_at(&mut packed, start)?;
        let size = self.size_of(index);
        let mut block = Vec::with_capacity(size);
        let read = Decompressor::new()?.decompress_to_buffer(&packed, &mut block);
        Ok(matches!(read, Ok(read) if read == size && block.len() == size).then_some(block))
    }

    fn size_of(&self, index: usize) -> usize {
        let start = index as u64 * u64::from(self.block);
        (self.length - start.min(self.length)).min(u64::from(self.block)) as usize
    }
}

/// Compresses a segment that takes no more frames, and puts the compressed file in place of the plain one: a crash
/// leaves the one, or both, or the other. Returns the sizes before and after.
pub(crate) fn compress(dir: &Path, number: u32) -> io::Result<(u64, u64)> {
    let plain_path = dir.join(file_name(number));
    let target = dir.join(compressed_name(number));
    let unfinished = unfinished_compressed(dir, number);
    let plain = File::open(&plain_path)?;
    let length = plain.metadata()?.len();
    if !(HEADER_LEN as u64..=SEGMENT_LIMIT).contains(&length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is no segment that was written"));
    }
    let made = write(&plain, length, &unfinished).and_then(|size| {
        is_the_same(&plain, length, &unfinished)?;
        fs::rename(&unfinished, &target)?;
        sync_dir(dir)?;
        fs::remove_file(&plain_path)?;
        sync_dir(dir)?;
        Ok((length, size))
    });
    if made.is_err() {
        // On a full disk it would hold the room that is missing.
        let _ = fs::remove_file(&unfinished);
    }
    made
}

/// Writes the compressed file and makes it durable; returns its size.
fn write(plain: &File, length: u64, path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    out.write_all(&head(length, BLOCK))?;
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    let mut sizes = vec![(HEAD_LEN as u32, 0)];
    let mut block = vec![0; BLOCK as usize];
    let mut at = 0;
    while at < length {
        let size = (length - at).min(u64::from(BLOCK)) as usize;
        plain.read_exact_at(&mut block[..size], at)?;
        let packed = compressor.compress(&block[..size])?;
        out.write_all(&packed)?;
        sizes.push((packed.len() as u32, size as u32));
        at += size as u64;
    }
    out.write_all(&table(&sizes))?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Reads the compressed file back before the plain one goes.
fn is_the_same(plain: &File, length: u64, path: &Path) -> io::Result<()> {
    let differs =
        || io::Error::new(io::ErrorKind::InvalidData, "a segment does not come back from compression");
    let packed = SegmentContent::compressed(File::open(path)?)?;
    if packed.length()? != length {
        return Err(differs());
    }
    let (mut expected, mut found) = (vec![0; BLOCK as usize], vec![0; BLOCK as usize]);
    let mut at = 0;
    while at < length {
        let size = (length - at).min(u64::from(BLOCK)) as usize;
        plain.read_exact_at(&mut expected[..size], at)?;
        packed.read_exact_at(&mut found[..size], at)?;
        if expected[..size] != found[..size] {
            return Err(differs());
        }
        at += size as u64;
    }
    Ok(())
}

fn head(length: u64, block: u32) -> [u8; HEAD_LEN] {
    let mut bytes = [0; HEAD_LEN];
    bytes[..4].copy_from_slice(&HEAD_FRAME.to_le_bytes());
    bytes[4..8].copy_from_slice(&((HEAD_LEN - SKIPPABLE) as u32).to_le_bytes());
    bytes[8..16].copy_from_slice(&MAGIC);
    bytes[16..18].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[20..24].copy_from_slice(&block.to_le_bytes());
    bytes[24..].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Reads the segment's length and the size of its blocks.
fn read_head(bytes: &[u8; HEAD_LEN]) -> Result<(u64, u32), HeaderFault> {
    if bytes[8..16] != MAGIC {
        return Err(HeaderFault::Magic);
    }
    let format = u16::from_le_bytes(array(&bytes[16..18]));
    if format != FORMAT {
        return Err(HeaderFault::Format(format));
    }
    let block = u32::from_le_bytes(array(&bytes[20..24]));
    let length = u64::from_le_bytes(array(&bytes[24..]));
    let possible = BLOCKS.contains(&block) && length <= SEGMENT_LIMIT && *bytes == head(length, block);
    if possible { Ok((length, block)) } else { Err(HeaderFault::Compressed) }
}

/// How many blocks a segment has.
fn count(length: u64, block: u32) -> usize {
    length.div_ceil(u64::from(block)) as usize
}

fn table_len(blocks: usize) -> usize {
    SKIPPABLE + (blocks + 1) * ENTRY_LEN + FOOTER_LEN
}

/// The table of these frames: their sizes, compressed and not.
fn table(sizes: &[(u32, u32)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(table_len(sizes.len()));
    bytes.extend_from_slice(&TABLE_FRAME.to_le_bytes());
    bytes.extend_from_slice(&((sizes.len() * ENTRY_LEN + FOOTER_LEN) as u32).to_le_bytes());
    for (packed, size) in sizes {
        bytes.extend_from_slice(&packed.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
    }
    bytes.extend_from_slice(&(sizes.len() as u32).to_le_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&SEEKABLE.to_le_bytes());
    bytes
}

/// Reads where each block begins, and where the last one ends; none if the table is not what [`table`] writes.
fn read_table(bytes: &[u8], length: u64, block: u32) -> Option<Vec<u64>> {
    let entries = bytes.get(SKIPPABLE..)?.chunks_exact(ENTRY_LEN).take(count(length, block) + 1);
    let sizes: Vec<(u32, u32)> = entries
        .map(|entry| (u32::from_le_bytes(array(&entry[..4])), u32::from_le_bytes(array(&entry[4..]))))
        .collect();
    if table(&sizes) != bytes || sizes.first() != Some(&(HEAD_LEN as u32, 0)) {
        return None;
    }
    // No block is packed into much more than it had: what a table says is not believed beyond that.
    let most = u64::from(block) + u64::from(block) / 128 + 1024;
    let (mut starts, mut left) = (vec![HEAD_LEN as u64], length);
    for &(packed, size) in &sizes[1..] {
        if u64::from(packed) > most || u64::from(size) != left.min(u64::from(block)) {
            return None;
        }
        left -= u64::from(size);
        starts.push(starts.last()? + u64::from(packed));
    }
    (left == 0).then_some(starts)
}
