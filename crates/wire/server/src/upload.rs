//! Bodies that an operation reads while they come: never held whole, and proved as they pass.

mod proof;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use hyper::body::{Body as _, Incoming};
use strongroom_runtime::Stopwatch;
use strongroom_schema::{ByteSource, ByteStream, StreamError};
use strongroom_sigv4::BodyProof;
use tokio::time::Sleep;

pub(crate) use self::proof::Proving;
use crate::limits::Pace;
use crate::places::Place;

/// How long the body is once it is taken out of its chunks.
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// The names of the trailers that a client announces.
const TRAILER: &str = "x-amz-trailer";

/// How far an upload is, for those who wait for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    seen: AtomicU64,
}

impl Progress {
    /// Bytes that have come.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Notes bytes that have come.
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether any have come since this was asked before.
    pub(crate) fn has_moved(&self) -> bool {
        let bytes = self.bytes();
        self.seen.swap(bytes, Ordering::Relaxed) != bytes
    }
}

/// A body on its way to an operation.
struct Upload {
    incoming: Incoming,
    proving: Proving,
    /// The last piece that was proved to be in its place; given away when the next has come, or the end: whoever has all
    /// the bytes has all the proof.
    held: Option<Bytes>,
    announced: Vec<String>,
    progress: Arc<Progress>,
    /// Set when nothing of the body is left on the connection.
    ended: Arc<AtomicBool>,
    idle: Pin<Box<Sleep>>,
    idle_time: Duration,
    pacing: Pacing,
    /// Somebody waits for the next piece.
    is_awaited: bool,
    is_over: bool,
    _place: Place,
}

/// Whether the client sends as much as it has to in the time that it is waited for.
struct Pacing {
    pace: Pace,
    /// Bytes that came in this time,
    came: u64,
    /// how long it was waited for them,
    waited: Duration,
    /// and since when it is.
    since: Stopwatch,
    end: Pin<Box<Sleep>>,
}

impl Pacing {
    fn new(pace: Pace) -> Self {
        let end = Box::pin(tokio::time::sleep(pace.time));
        Self { pace, came: 0, waited: Duration::ZERO, since: Stopwatch::start(), end }
    }

    /// The client is waited for.
    fn wait(&mut self) {
        self.since = Stopwatch::start();
        self.end.set(tokio::time::sleep(self.pace.time.saturating_sub(self.waited)));
    }

    /// It is not any more.
    fn rest(&mut self) {
        self.waited += self.since.elapsed();
    }

    /// Resolves when the client was waited for in vain.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.end.as_mut().poll(context));
            if self.came < self.pace.bytes {
                return Poll::Ready(());
            }
            (self.came, self.waited) = (0, Duration::ZERO);
            self.wait();
        }
    }
}

/// What an upload is bounded by.
pub(crate) struct Bounds {
    /// Bytes of the object.
    pub(crate) most: u64,
    /// How long the client may send nothing.
    pub(crate) idle_time: Duration,
    /// How much it has to send in which time.
    pub(crate) pace: Pace,
    /// One of the places of uploads.
    pub(crate) place: Place,
}

/// The body of a request as a stream, which knows its length: S3 takes none that does not.
pub(crate) fn stream(
    (incoming, ended): (Incoming, Arc<AtomicBool>),
    headers: &HeaderMap,
    proof: BodyProof,
    bounds: Bounds,
    progress: Arc<Progress>,
) -> Result<ByteStream, StreamError> {
    let length = length(headers, &proof)?;
    if length > bounds.most {
        let message = "Your proposed upload exceeds the maximum allowed size";
        let refused = StreamError::refused("EntityTooLarge", 400, message);
        return Err(refused
            .with_detail("ProposedSize", length.to_string())
            .with_detail("MaxSizeAllowed", bounds.most.to_string()));
    }
    let upload = Upload {
        incoming,
        proving: Proving::new(proof, Some(length), announced(headers)),
        held: None,
        announced: announced(headers),
        progress,
        ended,
        idle: Box::pin(tokio::time::sleep(bounds.idle_time)),
        idle_time: bounds.idle_time,
        pacing: Pacing::new(bounds.pace),
        is_awaited: false,
        is_over: false,
        _place: bounds.place,
    };
    Ok(ByteStream::new(Some(length), upload))
}

/// The names of the trailers that come with a body, in lower case.
pub(crate) fn announced(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(TRAILER).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// How long the object is.
fn length(headers: &HeaderMap, proof: &BodyProof) -> Result<u64, StreamError> {
    let name = match proof {
        BodyProof::Chunks { .. } => DECODED_LENGTH,
        _ => CONTENT_LENGTH.as_str(),
    };
    let length = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    length.ok_or_else(|| {
        let message = "You must provide the Content-Length HTTP header.";
        StreamError::refused("MissingContentLength", 411, message)
    })
}

/// The client has gone, or has not sent what it said.
pub(crate) fn incomplete() -> StreamError {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    StreamError::refused("IncompleteBody", 400, message)
}

impl Upload {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamError>> {
        loop {
            if let Some(piece) = self.proving.piece() {
                if let Some(proved) = self.held.replace(piece) {
                    return Poll::Ready(Ok(Some(proved)));
                }
                continue;
            }
            if self.proving.is_over() {
                return Poll::Ready(Ok(self.held.take()));
            }
            let frame = match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    if self.idle.as_mut().poll(context).is_pending() {
                        ready!(self.pacing.poll(context));
                    }
                    let message = "Your socket connection to the server was not read from or written to within the \
                                   timeout period. Idle connections will be closed.";
                    return Poll::Ready(Err(StreamError::refused("RequestTimeout", 400, message)));
                }
            };
            match frame {
                None => {
                    self.ended.store(true, Ordering::Relaxed);
                    self.proving.finish()?;
                }
                Some(Err(_)) => return Poll::Ready(Err(incomplete())),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.idle.set(tokio::time::sleep(self.idle_time));
                    self.pacing.came += data.len() as u64;
                    self.progress.add(data.len());
                    self.proving.give(data)?;
                }
            }
        }
    }
}

impl ByteSource for Upload {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if !self.is_awaited {
            // What the operation takes its time for is not the client's idleness.
            self.is_awaited = true;
            self.idle.set(tokio::time::sleep(self.idle_time));
            self.pacing.wait();
        }
        let polled = ready!(self.poll(context)).transpose();
        self.is_awaited = false;
        self.pacing.rest();
        if !matches!(polled, Some(Ok(_))) {
            self.is_over = true;
        }
        Poll::Ready(polled)
    }

    fn announced_trailers(&self) -> &[String] {
        &self.announced
    }

    fn trailers(&self) -> &[(String, String)] {
        self.proving.trailers()
    }
}
