//! Streams and positions: the names of places in the journal.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use strongroom_crypto::hex;

use crate::checkpoint;

/// Names one stream: what one start of a node wrote, up to the next
/// [`Journal::begin_stream`](crate::Journal::begin_stream).
///
/// 48 bits of milliseconds and 80 random bits; shown, and read back, as 32 hex digits. Ids of one journal sort
/// in the order in which its streams were begun, even where the clock was set back; their time is then later
/// than it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId([u8; 16]);

/// The latest time that an id can hold, in the year 10889.
const LATEST_MS: u64 = (1 << 48) - 1;

impl StreamId {
    /// Makes an id later than `last`, even if the clock stood still or went back. Fails only behind the very
    /// last id that there can be.
    pub(crate) fn after(last: Option<Self>, now_ms: i64, random: [u8; 10]) -> io::Result<Self> {
        let now = u64::try_from(now_ms).unwrap_or(0).min(LATEST_MS);
        let ms = match last {
            Some(last) if last.ms() == LATEST_MS => return last.successor(),
            Some(last) => now.max(last.ms() + 1),
            None => now,
        };
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Ok(Self(bytes))
    }

    /// The next id, where time is used up.
    fn successor(self) -> io::Result<Self> {
        let next = u128::from_be_bytes(self.0).checked_add(1);
        let next = next.ok_or_else(|| io::Error::other("no stream can come after the last one"))?;
        Ok(Self(next.to_be_bytes()))
    }

    /// The id of those bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the id's bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn ms(self) -> u64 {
        self.0[..6].iter().fold(0, |ms, &byte| ms << 8 | u64::from(byte))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StreamId {
    type Err = NotAStreamId;

    fn from_str(text: &str) -> Result<Self, NotAStreamId> {
        unhex(text).map(Self).ok_or(NotAStreamId)
    }
}

/// Says that a text names no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stream id: 32 lower-case hex digits are expected")]
pub struct NotAStreamId;

/// Reads exactly `N` bytes of lower-case hexadecimal.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let canonical = text.len() == 2 * N && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if canonical { hex::decode(text)?.try_into().ok() } else { None }
}

/// Names one record: its stream and its number in it, from 0.
///
/// Positions order as the journal does: streams as begun, records as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// The record's number in the stream.
    pub record: u64,
}

/// The streams under a journal's directory, oldest first, and whatever else lies there.
pub(crate) struct Streams {
    pub(crate) streams: Vec<StreamId>,
    pub(crate) strangers: Vec<PathBuf>,
}

/// Name of the file that the writing process locks.
pub(crate) const LOCK_FILE: &str = "lock";

/// Name of the file that becomes the next segment.
pub(crate) const AHEAD_FILE: &str = "ahead.new";

/// Lists the streams of a journal.
pub(crate) fn list(dir: &Path) -> io::Result<Streams> {
    let (mut streams, mut strangers) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        match name.to_str().map(str::parse::<StreamId>) {
            Some(Ok(stream)) if entry.file_type()?.is_dir() => streams.push(stream),
            _ if name == LOCK_FILE || name == AHEAD_FILE || name == checkpoint::DIRECTORY => {}
            _ => strangers.push(entry.path()),
        }
    }
    streams.sort_unstable();
    strangers.sort_unstable();
    Ok(Streams { streams, strangers })
}

/// Returns where a stream's segments are.
pub(crate) fn directory(journal: &Path, stream: StreamId) -> PathBuf {
    journal.join(stream.to_string())
}

/// Makes a directory of the journal's, for its owner only, if it is not there.
pub(crate) fn make_directory(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_they_are_made_whatever_the_clock_says() {
        let mut last = None;
        for now_ms in [5, 5, 900, 0, -1, i64::MAX, 7, i64::MAX, i64::MIN] {
            for random in [[0xff; 10], [0; 10]] {
                // At the end of time the random part counts on, from a low one here.
                let random = if now_ms == i64::MAX { [0; 10] } else { random };
                let next = StreamId::after(last, now_ms, random).unwrap();
                assert!(last < Some(next), "{last:?} and then {next}");
                assert_eq!(next.to_string().parse(), Ok(next));
                last = Some(next);
            }
        }
        assert!(StreamId::after(Some(StreamId([0xff; 16])), 0, [0; 10]).is_err());
    }
}
