//! Answers that are read while they are sent. Each has a place, and one that its client does not take is let go of: what it
//! is read from is closed, although the HTTP library waits for the client and asks for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use strongroom_protocols::rest::Answer;
use strongroom_runtime::Shutdown;
use strongroom_schema::{ByteSource, ByteStream, StreamError};
use tokio::sync::oneshot;

use crate::limits::Pace;
use crate::places::Place;

/// Bytes that the HTTP library is given at once: it keeps them until the client takes them, whatever becomes of the rest.
/// That many are a frame of HTTP/2.
const PIECE: usize = 16 * 1024;

/// An answer on its way to a client.
struct Download {
    sent: Arc<Mutex<Sent>>,
    /// Tells whoever watches that this is gone.
    _here: oneshot::Sender<()>,
}

/// How far it is.
enum Sent {
    Open(Open),
    /// The client was too slow, and is still to be told.
    LetGo,
    Ended,
}

struct Open {
    stream: ByteStream,
    /// What was read and not given away yet.
    rest: Bytes,
    /// Bytes given away since somebody looked.
    taken: u64,
    /// It is not the client who is waited for.
    is_awaited: bool,
    _place: Arc<Place>,
}

/// The same answer, which has the place for as long as it is sent, and is sent for as long as the client keeps pace.
pub(crate) fn placed(answer: Answer, place: Arc<Place>, pace: Pace, shutdown: &Shutdown) -> Answer {
    let Answer::Stream(stream) = answer else { return answer };
    let length = stream.length();
    let open = Open { stream, rest: Bytes::new(), taken: 0, is_awaited: false, _place: place };
    let sent = Arc::new(Mutex::new(Sent::Open(open)));
    let (here, gone) = oneshot::channel();
    shutdown.spawn(watch(sent.clone(), pace, gone));
    Answer::Stream(ByteStream::new(length, Download { sent, _here: here }))
}

/// Looks at a download now and then until it is gone, and lets go of it if it does not move.
async fn watch(sent: Arc<Mutex<Sent>>, pace: Pace, mut gone: oneshot::Receiver<()>) {
    while tokio::time::timeout(pace.time, &mut gone).await.is_err() {
        let mut sent = lock(&sent);
        match &mut *sent {
            Sent::Open(open) if open.is_awaited || open.taken >= pace.bytes => open.taken = 0,
            Sent::Open(_) => {
                *sent = Sent::LetGo;
                return;
            }
            Sent::LetGo | Sent::Ended => return,
        }
    }
}

impl Open {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        if self.rest.is_empty() {
            self.is_awaited = true;
            match ready!(self.stream.poll_piece(context)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        self.is_awaited = false;
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.taken = self.taken.saturating_add(piece.len() as u64);
        Poll::Ready(Some(Ok(piece)))
    }
}

impl ByteSource for Download {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        let mut sent = lock(&self.sent);
        let polled = match &mut *sent {
            Sent::Open(open) => ready!(open.poll(context)),
            Sent::LetGo => Some(Err(StreamError::refused(
                "RequestTimeout",
                400,
                "the client took too little of it in time",
            ))),
            Sent::Ended => None,
        };
        if !matches!(polled, Some(Ok(_))) {
            *sent = Sent::Ended;
        }
        Poll::Ready(polled)
    }
}

fn lock(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
