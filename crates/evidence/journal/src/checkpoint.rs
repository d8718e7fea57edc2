//! Checkpoints: signed statements of how far the journal was.
//!
//! The chain shows what was changed within the journal; a checkpoint shows what was cut off its end, and, kept
//! elsewhere, that all of it was rolled back or written anew. It names the newest stream's last link. That stream's
//! first header names the end of the stream before it, and so on, so that one link stands for all of the journal.
//!
//! A checkpoint is text, so that a stranger can read and verify it with other tools:
//!
//! ```text
//! strongroom-checkpoint 1
//! number 42
//! time 1795808367000
//! key 1 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
//! previous <SHA-256 of the checkpoint before, its signature line included; zeros in the first>
//! begins <stream> <segment> <frame> <record> <hash of that segment's header> <first kept checkpoint>
//! next-key 2 <public key>
//! head <stream> <frames> <records> <last link of its chain>
//! signature <Ed25519, by the key, of all lines above>
//! ```
//!
//! `time` is domain time in milliseconds. `begins` is there once retention has dropped something, `next-key` where
//! the key changes with the next one. There is one way to write a checkpoint, and nothing else is read.

mod copies;
mod copying;
mod files;
mod store;

use std::fmt::Write as _;
use std::path::Path;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::ed25519::{PrivateKey, PublicKey};
use strongroom_crypto::hex;
use strongroom_store::Db;

use crate::error::JournalError;
use crate::frame::Hash;
use crate::reader::SegmentId;
use crate::storage::Rows;
use crate::stream::{StreamId, unhex};

use copies::CheckpointCopy;
pub(crate) use copying::Copying;
pub(crate) use files::{CheckpointFiles, DIRECTORY};
pub(crate) use store::{Broken, CheckpointStore, Stretch};

const TITLE: &str = "strongroom-checkpoint";
const FORMAT: u32 = 1;
/// No checkpoint is longer, in bytes.
pub(crate) const CHECKPOINT_LIMIT: usize = 16 << 10;
/// Most heads of one checkpoint: one for each stream that is being written.
const HEADS_LIMIT: usize = 64;

/// A signed statement of how far the journal was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counted from 1.
    pub number: u64,
    /// When it was made, in domain time: milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Which epoch of the seal's key for checkpoints signed it.
    pub key_epoch: u32,
    /// The public half of that key.
    pub key: PublicKey,
    /// Hash of the checkpoint before; zeros in the first.
    pub previous: [u8; 32],
    /// Where the journal begins by now, if retention has dropped something.
    pub begins: Option<Beginning>,
    /// The key that signs from the next checkpoint on, with its epoch.
    pub next_key: Option<(u32, PublicKey)>,
    /// The ends of the streams that were being written.
    pub heads: Vec<Head>,
    signature: [u8; 64],
}

/// How far a stream was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The stream.
    pub stream: StreamId,
    /// How many frames it had.
    pub frames: u64,
    /// How many records those held.
    pub records: u64,
    /// The hash of the last of them; of the first segment's header if there was none.
    pub hash: [u8; 32],
}

/// Returns the newest checkpoint of the journal in `dir` that is signed by the key it names, if there is one. Whether
/// that key is the journal's is for whoever verifies.
pub fn newest_checkpoint(dir: &Path) -> Result<Option<Checkpoint>, JournalError> {
    let files = CheckpointFiles::of_journal(dir);
    files.newest(&Checkpoint::is_signed).map_err(JournalError::io("read the checkpoints in", files.dir()))
}

/// The same of each journal in a store, by the name of its server.
pub fn newest_checkpoints_in(db: &Db) -> Result<Vec<(String, Checkpoint)>, JournalError> {
    let name = Path::new("the checkpoints in the store");
    let rows = Rows::open(db).map_err(JournalError::io("open", name))?;
    let mut newest = Vec::new();
    for chain in rows.all_chains().map_err(JournalError::io("list", name))? {
        let found = chain.storage.checkpoints().newest(&Checkpoint::is_signed);
        let found = found.map_err(JournalError::io("read", name))?;
        newest.extend(found.map(|checkpoint| (chain.name.to_string(), checkpoint)));
    }
    Ok(newest)
}

/// Where a journal begins whose older segments were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The first segment that is kept.
    pub segment: SegmentId,
    /// Its first frame in the stream.
    pub frame: u64,
    /// Its first record in the stream.
    pub record: u64,
    /// The hash of its header.
    pub header: [u8; 32],
    /// The first checkpoint that is kept.
    pub checkpoint: u64,
}

/// Says that a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACheckpoint {
    /// The text is of another kind, or was altered.
    #[error("the text is no checkpoint as they are written")]
    Text,
    /// A later version wrote it.
    #[error("checkpoint format {0} is unknown to this version")]
    Format(u32),
}

/// What a checkpoint says, before it is signed.
pub(crate) struct Statement {
    pub(crate) number: u64,
    pub(crate) time_ms: i64,
    pub(crate) previous: Hash,
    pub(crate) begins: Option<Beginning>,
    pub(crate) next_key: Option<(u32, PublicKey)>,
    pub(crate) heads: Vec<Head>,
}

/// The key that signs checkpoints, with its epoch.
pub struct CheckpointKey {
    /// Which epoch of the seal's key it is.
    pub epoch: u32,
    /// The key.
    pub key: PrivateKey,
}

impl CheckpointKey {
    /// Signs a statement.
    pub(crate) fn sign(&self, statement: Statement) -> Result<Checkpoint, strongroom_crypto::CryptoError> {
        let Statement { number, time_ms, previous, begins, next_key, heads } = statement;
        let mut checkpoint = Checkpoint {
            number,
            time_ms,
            key_epoch: self.epoch,
            key: *self.key.public_key(),
            previous,
            begins,
            next_key,
            heads,
            signature: [0; 64],
        };
        checkpoint.signature = self.key.sign(checkpoint.signed_text().as_bytes())?;
        Ok(checkpoint)
    }
}

impl Checkpoint {
    /// Reads a checkpoint.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let title = text.lines().next().and_then(|line| line.strip_prefix(TITLE)?.strip_prefix(' '));
        let format = title.and_then(|format| format.parse().ok()).ok_or(NotACheckpoint::Text)?;
        if format != FORMAT {
            return Err(NotACheckpoint::Format(format));
        }
        Self::parse_lines(text)
            .filter(|checkpoint| checkpoint.to_string() == text)
            .ok_or(NotACheckpoint::Text)
    }

    /// Reads all checkpoints of a file, such as a copy, in the order in which they stand there.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NotACheckpoint> {
        let texts = text.split_inclusive("\n\n").map(|text| text.strip_suffix("\n\n").unwrap_or(text));
        let texts = texts.map(|text| text.trim_end_matches('\n'));
        texts.filter(|text| !text.is_empty()).map(|text| Self::parse(&format!("{text}\n"))).collect()
    }

    fn parse_lines(text: &str) -> Option<Self> {
        if text.len() > CHECKPOINT_LIMIT {
            return None;
        }
        let mut lines = text.lines().skip(1).peekable();
        let number = lines.next()?.strip_prefix("number ")?.parse().ok()?;
        let time_ms = lines.next()?.strip_prefix("time ")?.parse().ok()?;
        let (key_epoch, key) = parse_key(lines.next()?.strip_prefix("key ")?)?;
        let previous = unhex(lines.next()?.strip_prefix("previous ")?)?;
        let begins = match lines.peek()?.strip_prefix("begins ") {
            Some(words) => Some(parse_beginning(words)?),
            None => None,
        };
        lines.next_if(|_| begins.is_some());
        let next_key = match lines.peek()?.strip_prefix("next-key ") {
            Some(words) => Some(parse_key(words)?),
            None => None,
        };
        lines.next_if(|_| next_key.is_some());
        let mut heads = Vec::new();
        while let Some(words) = lines.peek()?.strip_prefix("head ") {
            heads.push(parse_head(words)?);
            lines.next();
        }
        let signature = unhex(lines.next()?.strip_prefix("signature ")?)?;
        let whole = lines.next().is_none() && (1..=HEADS_LIMIT).contains(&heads.len());
        let checkpoint =
            Self { number, time_ms, key_epoch, key, previous, begins, next_key, heads, signature };
        whole.then_some(checkpoint)
    }

    /// Tells whether the checkpoint was signed by the key that it names. Whether that key is the journal's is another
    /// question.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.key.verify(self.signed_text().as_bytes(), &self.signature).is_ok()
    }

    /// The checkpoint's hash, by which the next one names it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.to_string().as_bytes())
    }

    /// All lines but the signature's.
    fn signed_text(&self) -> String {
        let mut text = format!("{TITLE} {FORMAT}\nnumber {}\ntime {}\n", self.number, self.time_ms);
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{arguments}");
        };
        line(format_args!("key {} {}", self.key_epoch, hex::encode(self.key.as_bytes())));
        line(format_args!("previous {}", hex::encode(&self.previous)));
        if let Some(Beginning { segment, frame, record, header, checkpoint }) = &self.begins {
            let SegmentId { stream, number } = segment;
            let header = hex::encode(header);
            line(format_args!("begins {stream} {number} {frame} {record} {header} {checkpoint}"));
        }
        if let Some((epoch, key)) = &self.next_key {
            line(format_args!("next-key {epoch} {}", hex::encode(key.as_bytes())));
        }
        for Head { stream, frames, records, hash } in &self.heads {
            line(format_args!("head {stream} {frames} {records} {}", hex::encode(hash)));
        }
        text
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}signature {}", self.signed_text(), hex::encode(&self.signature))
    }
}

fn parse_key(words: &str) -> Option<(u32, PublicKey)> {
    let (epoch, key) = words.split_once(' ')?;
    Some((epoch.parse().ok()?, PublicKey::from_bytes(unhex(key)?)))
}

fn parse_head(words: &str) -> Option<Head> {
    let mut words = words.split(' ');
    let (stream, frames, records) = (words.next()?, words.next()?, words.next()?);
    let hash = unhex(words.next()?)?;
    Some(Head {
        stream: stream.parse().ok()?,
        frames: frames.parse().ok()?,
        records: records.parse().ok()?,
        hash,
    })
}

fn parse_beginning(words: &str) -> Option<Beginning> {
    let mut words = words.split(' ');
    let stream = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    Some(Beginning {
        segment: SegmentId { stream, number },
        frame: words.next()?.parse().ok()?,
        record: words.next()?.parse().ok()?,
        header: unhex(words.next()?)?,
        checkpoint: words.next()?.parse().ok()?,
    })
}
