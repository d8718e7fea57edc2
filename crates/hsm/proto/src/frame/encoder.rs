//! Messages in, bytes out.

use prost::Message;
use prost::bytes::BufMut;
use zeroize::{Zeroize, Zeroizing};

use super::{FrameError, HEADER, Header, LENGTH};

/// How much room an idle encoder keeps, in bytes.
const KEPT: usize = 16 << 10;

/// Collects frames until they are written. What is written is wiped.
#[derive(Default)]
pub struct Encoder {
    buffer: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Encoder {
    /// An encoder with nothing to write.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a frame, unless its payload is longer than `max_payload` bytes; then nothing is added.
    pub fn push(
        &mut self,
        header: Header,
        message: &impl Message,
        max_payload: usize,
    ) -> Result<(), FrameError> {
        let length = message.encoded_len();
        if length > max_payload {
            return Err(FrameError::TooLong { length, max: max_payload });
        }
        let following = u32::try_from(HEADER - LENGTH + length)
            .map_err(|_| FrameError::TooLong { length, max: max_payload })?;
        self.reserve(HEADER + length);
        self.buffer.put_u32(following);
        self.buffer.put_u8(header.kind as u8);
        self.buffer.put_u64(header.request);
        self.buffer.put_u32(header.deadline_ms);
        message.encode(&mut *self.buffer).map_err(|_| FrameError::Malformed)
    }

    /// Adds what another encoder has to write.
    pub fn append(&mut self, other: &Self) {
        self.reserve(other.bytes().len());
        self.buffer.extend_from_slice(other.bytes());
    }

    /// What is to be written next; empty when nothing is.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Says that the first `count` of [`Self::bytes`] are written.
    pub fn written(&mut self, count: usize) {
        let end = self.written.saturating_add(count).min(self.buffer.len());
        self.buffer[self.written..end].zeroize();
        self.written = end;
        if self.is_empty() {
            self.buffer.clear();
            self.written = 0;
            if self.buffer.capacity() > KEPT {
                self.buffer = Zeroizing::default();
            }
        }
    }

    /// Makes room without leaving a copy behind, which a growing `Vec` would.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes().len() + more;
        if self.buffer.len() + more > self.buffer.capacity() {
            let mut longer = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            longer.extend_from_slice(self.bytes());
            self.buffer = longer;
            self.written = 0;
        }
    }
}
