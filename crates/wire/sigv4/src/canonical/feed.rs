//! Many small pieces into one digest, or one text.

use strongroom_crypto::digest::Sha256;

/// Where the pieces go.
pub(super) trait Sink {
    fn take(&mut self, bytes: &[u8]);
}

impl Sink for Sha256 {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sink for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Gathers pieces on the stack: a call into the digest for each of them would cost more than their bytes.
pub(super) struct Feed<S> {
    sink: S,
    buffer: [u8; 512],
    length: usize,
}

impl<S: Sink> Feed<S> {
    pub(super) fn new(sink: S) -> Self {
        Self { sink, buffer: [0; 512], length: 0 }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        if piece.len() > self.buffer.len() - self.length {
            self.flush();
        }
        match self.buffer[self.length..].get_mut(..piece.len()) {
            Some(place) => {
                place.copy_from_slice(piece);
                self.length += piece.len();
            }
            None => self.sink.take(piece),
        }
    }

    pub(super) fn finish(mut self) -> S {
        self.flush();
        self.sink
    }

    fn flush(&mut self) {
        self.sink.take(&self.buffer[..self.length]);
        self.length = 0;
    }
}
