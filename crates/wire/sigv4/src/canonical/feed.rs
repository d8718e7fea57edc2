//! Many small pieces into one digest.

use strongroom_crypto::digest::Sha256;

/// Gathers pieces on the stack: a call into the digest for each of them would cost more than their bytes.
pub(super) struct Feed {
    digest: Sha256,
    buffer: [u8; 512],
    length: usize,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { digest: Sha256::new(), buffer: [0; 512], length: 0 }
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
            None => self.digest.update(piece),
        }
    }

    pub(super) fn finish(mut self) -> Sha256 {
        self.flush();
        self.digest
    }

    fn flush(&mut self) {
        self.digest.update(&self.buffer[..self.length]);
        self.length = 0;
    }
}
