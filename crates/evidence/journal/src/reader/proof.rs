//! Frames proved: that whoever had the seal's journal key wrote them.
//!
//! Reading checks hashes, which anybody can compute. Whoever makes something that is believed of what he reads, signed files for
//! one, has each frame proved as [`verify`](crate::verify()) does: by its MAC, under a key that evolves from frame to frame.

use strongroom_crypto::CryptoError;
use strongroom_secret::Key256;

use super::sealed::SealedFrame;
use crate::chain::ChainKey;
use crate::stream::StreamId;

/// Keys that are computed at the most to reach a frame from a stream's beginning: some minutes' work. A stream of a thousand
/// frames a second has as many in twelve days; behind that it is proved only by whoever follows it, or noted its key on the way.
const FROM_THE_BEGINNING: u64 = 1 << 30;
/// The same from a key on that was noted: what is between is damaged. A forged number must not keep the reader busy for ever.
const BEHIND_DAMAGE: u64 = 1 << 24;

/// Proves the frames of one stream, in their order.
pub struct Proof {
    stream: StreamId,
    key: ChainKey,
    frame: u64,
    /// Keys that may still be computed for frames that turn out to be nobody's.
    spare: u64,
}

impl Proof {
    /// From a stream's first frame on. `journal_key` is the journal's subkey of the epoch that the
    /// [stream's segments name](super::Segment::key_epoch).
    pub fn from_the_beginning(stream: StreamId, journal_key: &Key256) -> Result<Self, CryptoError> {
        let key = ChainKey::first(journal_key, stream)?;
        Ok(Self { stream, key, frame: 0, spare: FROM_THE_BEGINNING })
    }

    /// From a frame on whose [key](Self::key) was noted.
    pub fn from_frame(stream: StreamId, frame: u64, key: &Key256) -> Result<Self, CryptoError> {
        Ok(Self { stream, key: ChainKey::resumed(key)?, frame, spare: BEHIND_DAMAGE })
    }

    /// The number of the next frame.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// The key of the next frame. Who has it can forge what comes from there on, and nothing before.
    pub fn key(&self) -> &Key256 {
        self.key.expose()
    }

    /// Whether a frame is the next one, or a later one of the stream. If so, what comes after it is next.
    pub fn proves(&mut self, frame: &SealedFrame) -> bool {
        let Some(ahead) = frame.sequence().checked_sub(self.frame) else { return false };
        if frame.stream() != self.stream || ahead > self.spare {
            return false;
        }
        let mut key = self.key.clone();
        let reached = (0..ahead).try_for_each(|_| key.evolve()).is_ok();
        if !reached || !key.frame_mac_is(&frame.hash(), &frame.mac()) || key.evolve().is_err() {
            self.spare -= ahead;
            return false;
        }
        (self.key, self.frame) = (key, frame.sequence() + 1);
        self.spare = self.spare.min(BEHIND_DAMAGE);
        true
    }
}
