//! Frames proved: that whoever had the seal's journal key wrote them.
//!
//! Reading checks hashes, which anybody can compute. Whoever makes something that is believed of what he reads, signed files for
//! one, has each frame proved as [`verify`](crate::verify()) does: by its MAC, under a key that evolves from frame to frame.

use strongroom_crypto::CryptoError;
use strongroom_secret::Key256;

use super::sealed::SealedFrame;
use super::segment_reader::Segment;
use crate::chain::ChainKey;
use crate::stream::StreamId;

/// Keys that are computed at the most to reach a frame from a stream's beginning: some minutes' work. A stream of a thousand
/// frames a second has as many in twelve days; behind that it is proved only by whoever follows it, or noted its key on the way.
const FROM_THE_BEGINNING: u64 = 1 << 30;
/// The same from a key on that was noted: what is between is damaged. A forged number must not keep the reader busy for ever.
const BEHIND_DAMAGE: u64 = 1 << 24;

/// What a proof says of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Who has the key wrote it.
    Genuine {
        /// How many frames are not there between the one proved before and this one.
        missing: u64,
    },
    /// Somebody else wrote it, or altered it; or it lies before the place where the proof is.
    Forged,
    /// It lies too far behind the stream's beginning, from which the proof would have to go to it.
    OutOfReach,
}

/// Proves the frames of one stream, in their order.
pub struct Proof {
    stream: StreamId,
    key: ChainKey,
    frame: u64,
    /// A frame was proved before: the next one follows it.
    is_placed: bool,
    /// Keys that may still be computed for frames that turn out to be nobody's.
    spare: u64,
}

impl Proof {
    /// From a stream's first frame on. `journal_key` is the journal's subkey of the epoch that the
    /// [stream's segments name](super::Segment::key_epoch).
    pub fn from_the_beginning(stream: StreamId, journal_key: &Key256) -> Result<Self, CryptoError> {
        let key = ChainKey::first(journal_key, stream)?;
        Ok(Self { stream, key, frame: 0, is_placed: false, spare: FROM_THE_BEGINNING })
    }

    /// From a frame on whose [key](Self::key) was noted.
    pub fn from_frame(stream: StreamId, frame: u64, key: &Key256) -> Result<Self, CryptoError> {
        Ok(Self { stream, key: ChainKey::resumed(key)?, frame, is_placed: true, spare: BEHIND_DAMAGE })
    }

    /// The number of the next frame.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// The key of the next frame. Who has it can forge what comes from there on, and nothing before.
    pub fn key(&self) -> &Key256 {
        self.key.expose()
    }

    /// Tells whether a frame is the next one, or a later one of the stream. If so, what comes after it is next.
    pub fn judge(&mut self, frame: &SealedFrame) -> Verdict {
        let Some(ahead) = frame.sequence().checked_sub(self.frame) else { return Verdict::Forged };
        if frame.stream() != self.stream {
            return Verdict::Forged;
        }
        if ahead > self.spare {
            return if self.is_placed { Verdict::Forged } else { Verdict::OutOfReach };
        }
        let mut key = self.key.clone();
        let reached = (0..ahead).try_for_each(|_| key.evolve()).is_ok();
        if !reached || !key.frame_mac_is(&frame.hash(), &frame.mac()) || key.evolve().is_err() {
            self.spare -= ahead;
            return Verdict::Forged;
        }
        // What is before the first one that is proved may have been removed since it was written: it was old enough.
        let missing = if self.is_placed { ahead } else { 0 };
        (self.key, self.frame, self.is_placed) = (key, frame.sequence() + 1, true);
        self.spare = self.spare.min(BEHIND_DAMAGE);
        Verdict::Genuine { missing }
    }

    /// Whether a segment begins this stream, of which no frame was proved yet, behind the stream `before`: then that one is
    /// complete. Its head carries a MAC as frames do.
    pub fn begins(&self, segment: &Segment, before: StreamId) -> bool {
        let Some((header, (hash, mac))) = segment.header.as_ref().zip(segment.seal) else { return false };
        let names = header.predecessor.is_some_and(|predecessor| predecessor.stream == before);
        let is_first = header.stream == self.stream && header.first_frame == 0 && self.frame == 0;
        names && is_first && self.key.segment_mac_is(&hash, &mac)
    }
}
