//! A file's content: the records of its slices that its selection has, as CloudTrail's JSON, in one member of gzip.
//!
//! The same slices and selection make the same text each time. A reader of digests hashes the first member of gzip only,
//! so there is no second one.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use strongroom_crypto::digest::{Hash, Hasher};
use strongroom_crypto::hex;
use strongroom_deriving::{DerivingError, Kept, Prover, reread};
use strongroom_journal::{Reader, Record, render_cloudtrail_json};

use super::log_groups::LogEvent;
use crate::domain::selection::Selection;

/// Something that is put compressed.
pub(super) struct Compressed {
    /// One member of gzip.
    pub(super) bytes: Vec<u8>,
    /// SHA-256 of the text, in hexadecimal.
    pub(super) hash: String,
}

/// Why a file cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum WritingError {
    #[error("the records of a trail's file cannot be read")]
    Journal(#[from] DerivingError),
    #[error("a trail's file cannot be compressed")]
    Compression(#[from] io::Error),
}

/// What was made of the records that the journal shows of a file.
pub(super) struct Made<T> {
    pub(super) content: T,
    /// How many of the file's records it shows.
    pub(super) records: u64,
    /// Records and places there that are damaged, or that nobody of this seal has written.
    pub(super) passed_over: u64,
}

/// Text on its way into gzip and into its hash.
struct Text {
    gzip: GzEncoder<Vec<u8>>,
    hasher: Hasher,
}

impl Text {
    fn new() -> Self {
        Self { gzip: GzEncoder::new(Vec::new(), Compression::default()), hasher: Hasher::new(Hash::Sha256) }
    }

    fn push(&mut self, text: &str) -> io::Result<()> {
        self.hasher.update(text.as_bytes());
        self.gzip.write_all(text.as_bytes())
    }

    fn finish(self) -> io::Result<Compressed> {
        Ok(Compressed { bytes: self.gzip.finish()?, hash: hex::encode(&self.hasher.finish()) })
    }
}

/// Compresses a text.
pub(super) fn compress(text: &str) -> io::Result<Compressed> {
    let mut written = Text::new();
    written.push(text)?;
    written.finish()
}

/// The longest event that a log group gets (CloudTrail User Guide, "Sending events to CloudWatch Logs": 256 KB).
const LONGEST_EVENT: usize = 256 * 1024;

/// Makes the events of a Region for a trail's log group, in the order of the slices. Blocks on the disk.
pub(super) fn log_events(
    (journal, prover): (&Reader, &Prover),
    slices: &[Kept],
    (selection, account, region): (&Selection, &str, &str),
) -> Result<Made<Vec<LogEvent>>, WritingError> {
    let mut events = Vec::new();
    let (mut records, mut passed_over) = (0, 0);
    for slice in slices {
        passed_over += reread(journal, prover, slice, |record| {
            if record.aws_region == region && selection.has(account, &record) {
                records += 1;
                let (at_ms, message) = (record.event_time_ms, render_cloudtrail_json(&record));
                if message.len() <= LONGEST_EVENT {
                    events.push(LogEvent { at_ms, message });
                } else {
                    let event_id = record.event_id.to_string();
                    tracing::warn!(event_id, "an event is too long for a log group");
                }
            }
        })?;
    }
    Ok(Made { content: events, records, passed_over })
}

/// Makes a trail's file of a Region. Blocks on the disk. What is held in memory is the compressed text and a batch.
pub(super) fn log_file(
    (journal, prover): (&Reader, &Prover),
    slices: &[Kept],
    (selection, account, region): (&Selection, &str, &str),
) -> Result<Made<Compressed>, WritingError> {
    let mut text = Text::new();
    text.push(r#"{"Records":["#)?;
    let (mut records, mut passed_over, mut failed) = (0, 0, None);
    for slice in slices {
        let mut take = |record: &Record| -> io::Result<()> {
            if records > 0 {
                text.push(",")?;
            }
            records += 1;
            text.push(&render_cloudtrail_json(record))
        };
        passed_over += reread(journal, prover, slice, |record| {
            let is_ours = record.aws_region == region && selection.has(account, &record);
            if is_ours && failed.is_none() {
                failed = take(&record).err();
            }
        })?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    text.push("]}")?;
    Ok(Made { content: text.finish()?, records, passed_over })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_text_is_one_member_and_has_its_own_hash() {
        let compressed = compress("{}").unwrap();
        let mut text = String::new();
        let mut decoder = GzDecoder::new(compressed.bytes.as_slice());
        decoder.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), decoder.into_inner().is_empty()), ("{}", true));
        assert_eq!(compressed.hash, hex::encode(&strongroom_crypto::digest::sha256(b"{}")));
        // The same each time: no time and no name is in its head.
        assert_eq!(compressed.bytes, compress("{}").unwrap().bytes);
    }
}
