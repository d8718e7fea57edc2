//! An answer's body on its way, with a note that the request is at work until it has been written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Response;
use hyper::body::{Body, Frame, SizeHint};
use strongroom_protocols::rest::Answer;
use strongroom_schema::{ByteStream, StreamError};

use super::activity::Work;

/// The body of an answer.
pub(super) struct Sending {
    body: Left,
    work: Option<Arc<Work>>,
}

enum Left {
    /// One piece, which may be empty.
    Whole(Option<Bytes>),
    Stream(ByteStream),
}

/// A part of it that the HTTP library keeps until it is written, and with it the work.
pub(super) struct Piece {
    bytes: Bytes,
    _work: Option<Arc<Work>>,
}

impl Sending {
    /// The answer that keeps `work` up.
    pub(super) fn of(response: Response<Answer>, work: Option<Work>) -> Response<Self> {
        let work = work.map(Arc::new);
        response.map(|answer| match answer {
            Answer::Whole(bytes) => {
                Self { body: Left::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())), work }
            }
            Answer::Stream(stream) => Self { body: Left::Stream(stream), work },
        })
    }
}

impl Body for Sending {
    type Data = Piece;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, StreamError>>> {
        let bytes = match &mut self.body {
            Left::Whole(bytes) => bytes.take().map(Ok),
            Left::Stream(stream) => ready!(stream.poll_piece(context)),
        };
        Poll::Ready(match bytes {
            None => None,
            Some(Ok(bytes)) => {
                if let Some(work) = &self.work {
                    work.has_moved();
                }
                let work = match &self.body {
                    // The one piece that there is takes the work along.
                    Left::Whole(_) => self.work.take(),
                    Left::Stream(_) => self.work.clone(),
                };
                Some(Ok(Frame::data(Piece { bytes, _work: work })))
            }
            Some(Err(error)) => {
                // The status is out; all that can be said now is that the answer has no end.
                tracing::warn!(error = &error as &dyn std::error::Error, "an answer broke off");
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.body, Left::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Left::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Left::Stream(stream) => stream.length().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
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
