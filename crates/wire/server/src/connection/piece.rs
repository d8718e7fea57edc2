//! An answer's body, with a note that the request is at work until it has been written.

use bytes::{Buf, Bytes};
use http::Response;
use http_body_util::Full;

use super::activity::Work;

/// A body that the HTTP library keeps until it is written, and with it the work.
pub(super) struct Piece {
    bytes: Bytes,
    _work: Option<Work>,
}

impl Piece {
    /// The answer that keeps `work` up.
    pub(super) fn of(response: Response<Bytes>, work: Option<Work>) -> Response<Full<Self>> {
        response.map(|bytes| Full::new(Self { bytes, _work: work }))
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}
