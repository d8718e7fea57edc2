//! Bytes in, frames out.

use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use super::{Frame, FrameError, HEADER, Header, Kind, LENGTH};

/// How much is read ahead, in bytes.
const READ_AHEAD: usize = 8 << 10;

/// Cuts what comes in into frames.
///
/// It never holds more than one frame of the longest kind, or what is read ahead. A frame is wiped when the next
/// one is asked for.
pub struct Decoder {
    /// All of it may be filled.
    buffer: Zeroizing<Vec<u8>>,
    /// What was read and not given out.
    waiting: Range<usize>,
    /// What was given out last and is not wiped yet.
    given: Range<usize>,
    max_payload: usize,
}

impl Decoder {
    /// A decoder that refuses payloads longer than `max_payload` bytes.
    #[must_use]
    pub fn new(max_payload: usize) -> Self {
        Self { buffer: Zeroizing::new(vec![0; READ_AHEAD]), waiting: 0..0, given: 0..0, max_payload }
    }

    /// Where to put what comes in next; it counts from [`Self::filled`] on. Never empty after [`Self::next`] has
    /// said that no frame is there.
    pub fn space(&mut self) -> &mut [u8] {
        self.wipe_given();
        if self.waiting.is_empty() {
            self.waiting = 0..0;
            if self.buffer.len() > READ_AHEAD {
                self.buffer = Zeroizing::new(vec![0; READ_AHEAD]);
            }
        }
        let wanted = self.length().ok().flatten().map_or(READ_AHEAD, |length| LENGTH + length);
        if wanted > self.buffer.len() {
            let mut longer = Zeroizing::new(vec![0; wanted]);
            longer[..self.waiting.len()].copy_from_slice(&self.buffer[self.waiting.clone()]);
            self.buffer = longer;
            self.waiting = 0..self.waiting.len();
        } else if self.waiting.start + wanted > self.buffer.len() {
            let moved = self.waiting.len();
            self.buffer.copy_within(self.waiting.clone(), 0);
            self.buffer[moved.max(self.waiting.start)..self.waiting.end].zeroize();
            self.waiting = 0..moved;
        }
        &mut self.buffer[self.waiting.end..]
    }

    /// Says that the first `count` bytes of [`Self::space`] are filled.
    pub fn filled(&mut self, count: usize) {
        self.waiting.end = self.waiting.end.saturating_add(count).min(self.buffer.len());
    }

    /// The next frame that is there in full.
    ///
    /// After an error the connection cannot be read any further.
    #[expect(clippy::should_implement_trait, reason = "the frame borrows from the decoder")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.wipe_given();
        let Some(length) = self.length()? else { return Ok(None) };
        if self.waiting.len() < LENGTH + length {
            return Ok(None);
        }
        self.given = self.waiting.start..self.waiting.start + LENGTH + length;
        self.waiting.start = self.given.end;
        let Some((header, payload)) = self.buffer[self.given.clone()].split_first_chunk::<HEADER>() else {
            return Err(FrameError::TooShort(length));
        };
        let [_, _, _, _, kind, rest @ ..] = *header;
        let [request @ .., _, _, _, _] = rest;
        let [_, _, _, _, _, _, _, _, deadline @ ..] = rest;
        let header = Header {
            kind: Kind::try_from(kind)?,
            request: u64::from_be_bytes(request),
            deadline_ms: u32::from_be_bytes(deadline),
        };
        Ok(Some(Frame { header, payload }))
    }

    /// Whether a frame has begun that is not there in full: its sender owes the rest.
    pub fn is_within_frame(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The length that the next frame claims, checked, as soon as it is there.
    fn length(&self) -> Result<Option<usize>, FrameError> {
        let waiting = &self.buffer[self.waiting.clone()];
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        let Some(payload) = length.checked_sub(HEADER - LENGTH) else {
            return Err(FrameError::TooShort(length));
        };
        if payload > self.max_payload {
            return Err(FrameError::TooLong { length: payload, max: self.max_payload });
        }
        if let Some(kind) = rest.first() {
            Kind::try_from(*kind)?;
        }
        Ok(Some(length))
    }

    fn wipe_given(&mut self) {
        self.buffer[self.given.clone()].zeroize();
        self.given = 0..0;
    }
}
