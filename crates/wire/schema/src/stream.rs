//! Payloads that are read once, piece by piece, and never held whole.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;

/// The bytes of a streaming member, in pieces. Reading consumes them; whoever reads holds one piece at a time, and the
/// other side waits meanwhile.
///
/// Of an input, what came is not proved before the end: a signature or a digest may cover the whole. Nothing may be
/// kept of a stream that ends in an error.
pub struct ByteStream {
    length: Option<u64>,
    /// Locked by nobody: whoever reads has the stream to himself. It makes shared references harmless.
    source: Mutex<Box<dyn ByteSource>>,
}

/// Where a stream's pieces come from.
pub trait ByteSource: Send {
    /// The next piece; `None` at the end, and after an error.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>>;

    /// The names of the trailers that will come after the last piece, in lower case.
    fn announced_trailers(&self) -> &[String] {
        &[]
    }

    /// The trailers, names in lower case; there once the last piece has been read.
    fn trailers(&self) -> &[(String, String)] {
        &[]
    }
}

impl ByteStream {
    /// A stream of what `source` gives: `length` bytes, where that is known.
    pub fn new(length: Option<u64>, source: impl ByteSource + 'static) -> Self {
        Self { length, source: Mutex::new(Box::new(source)) }
    }

    /// A stream of the pieces of another: `length` bytes, where that is known.
    pub fn of_pieces(
        length: Option<u64>,
        pieces: impl Stream<Item = Result<Bytes, StreamError>> + Send + 'static,
    ) -> Self {
        Self::new(length, Pieces(Some(Box::pin(pieces))))
    }

    /// How many bytes there are from the first piece to the last, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece; `None` at the end, and after an error. Pieces are not empty.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamError>> {
        poll_fn(|context| self.poll_piece(context)).await
    }

    /// The next piece, for whoever is polled himself.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        loop {
            match self.source().poll_piece(context) {
                Poll::Ready(Some(Ok(piece))) if piece.is_empty() => {}
                polled => return polled,
            }
        }
    }

    /// Reads to the end: all bytes, which may be at most `limit`.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, StreamError> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if piece.len() > limit.saturating_sub(all.len()) {
                return Err(StreamError::refused(
                    "EntityTooLarge",
                    400,
                    "Your proposed upload exceeds the maximum allowed size",
                ));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// The names of the trailers that will come, in lower case (`x-amz-checksum-crc32`).
    pub fn announced_trailers(&mut self) -> &[String] {
        self.source().announced_trailers()
    }

    /// The trailers that came, names in lower case; none before the end.
    pub fn trailers(&mut self) -> &[(String, String)] {
        self.source().trailers()
    }

    fn source(&mut self) -> &mut dyn ByteSource {
        &mut **self.source.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("length", &self.length).finish_non_exhaustive()
    }
}

/// No bytes.
impl Default for ByteStream {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

/// Bytes that are there already, as one piece.
impl From<Bytes> for ByteStream {
    fn from(bytes: Bytes) -> Self {
        let length = u64::try_from(bytes.len()).ok();
        Self::new(length, Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl From<Vec<u8>> for ByteStream {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

/// For those who speak of streams as async Rust does.
impl Stream for ByteStream {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_piece(context)
    }
}

struct Whole(Option<Bytes>);

impl ByteSource for Whole {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// There until it has ended, so that nobody polls it after that.
struct Pieces<S>(Option<Pin<Box<S>>>);

impl<S: Stream<Item = Result<Bytes, StreamError>> + Send> ByteSource for Pieces<S> {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        let Some(pieces) = &mut self.0 else { return Poll::Ready(None) };
        let polled = pieces.as_mut().poll_next(context);
        if !matches!(polled, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            self.0 = None;
        }
        polled
    }
}

/// Why a stream ended before its end.
#[derive(Clone, Debug)]
pub struct StreamError {
    kind: Kind,
    details: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
enum Kind {
    Refused { code: &'static str, http_status: u16, message: Cow<'static, str> },
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StreamError {
    /// What the sender sent is not what he said, or he did not send it: AWS's code, status and text for it.
    pub fn refused(code: &'static str, http_status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        let kind = Kind::Refused { code, http_status, message: message.into() };
        Self { kind, details: Vec::new() }
    }

    /// Something on our side broke.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Failed(Arc::from(source.into())), details: Vec::new() }
    }

    /// The same error with a fact beside its text, as an element of XML errors (`ExpectedDigest`).
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Code, HTTP status and text, if the sender is at fault.
    pub fn refusal(&self) -> Option<(&'static str, u16, &str)> {
        match &self.kind {
            Kind::Refused { code, http_status, message } => Some((code, *http_status, message)),
            Kind::Failed(_) => None,
        }
    }

    /// The facts beside the text.
    pub fn details(&self) -> &[(&'static str, String)] {
        &self.details
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Refused { code, message, .. } => write!(f, "{code}: {message}"),
            Kind::Failed(_) => f.write_str("the stream failed"),
        }
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Refused { .. } => None,
            Kind::Failed(source) => Some(&**source),
        }
    }
}
