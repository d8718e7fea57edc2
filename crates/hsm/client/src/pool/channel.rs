//! One connection to one HSM, on which calls do not wait for each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_hsm_proto::command::{Answer, Call, Failure};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind, MAX_CALL};
use strongroom_runtime::Shutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio_rustls::client::TlsStream;

use crate::error::Reason;
use crate::limits::MAX_IN_FLIGHT;

/// How much is gathered before it is written, in bytes.
const GATHERED: usize = 32 << 10;

/// What the calls that wait are told when nothing better is known.
const CLOSED: &str = "the connection is closed";

/// A connection and a session. It is closed when it breaks, and stays closed.
pub(super) struct Channel {
    /// The session in which calls are made; 0 is none.
    pub(super) session: u64,
    /// Which of the connections to the HSM this is.
    pub(super) number: u64,
    /// How much longer than it may the HSM can take to say that the time was too short.
    grace: Duration,
    frames: mpsc::Sender<Encoder>,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Answer, String>>>>,
    last_request: AtomicU64,
    room: Semaphore,
    is_closed: AtomicBool,
    closing: Notify,
}

/// Stops waiting, also when the caller stops.
struct Waiting<'a> {
    shared: &'a Shared,
    request: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.waiting().remove(&self.request);
    }
}

impl Channel {
    /// Takes over a connection on which the HSM has welcomed the client; `decoder` holds what it has read.
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        decoder: Decoder,
        server: String,
        (number, grace): (u64, Duration),
        shutdown: &Shutdown,
    ) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let (frames, to_write) = mpsc::channel(MAX_IN_FLIGHT);
        let shared = Arc::new(Shared {
            server,
            waiting: Mutex::default(),
            last_request: AtomicU64::new(0),
            room: Semaphore::new(MAX_IN_FLIGHT),
            is_closed: AtomicBool::new(false),
            closing: Notify::new(),
        });
        shutdown.spawn({
            let (shared, shutdown) = (Arc::clone(&shared), shutdown.clone());
            async move {
                let reason = tokio::select! {
                    reason = write(writer, to_write) => reason,
                    reason = read(reader, decoder, &shared) => reason,
                    () = shared.closing.notified() => CLOSED.to_owned(),
                    () = shutdown.begun() => CLOSED.to_owned(),
                };
                shared.close(&reason);
            }
        });
        Self { session: 0, number, grace, frames, shared }
    }

    /// Sends a call and waits for its answer. The HSM is told to have `wait`.
    pub(super) async fn call(&self, call: &Call, wait: Duration) -> Result<Answer, Reason> {
        let was_sent = AtomicBool::new(false);
        let broken = |reason: &str| Reason {
            text: format!("{}: {reason}", self.shared.server),
            lasts: false,
            was_sent: was_sent.load(Ordering::Relaxed),
            is_absent: false,
        };
        let answered = tokio::time::timeout(wait + self.grace, async {
            let _room = self.shared.room.acquire().await.map_err(|_| broken(CLOSED))?;
            let request = self.shared.last_request.fetch_add(1, Ordering::Relaxed) + 1;
            let deadline_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
            let mut frame = Encoder::new();
            frame
                .push(Header::call(request, deadline_ms), call, MAX_CALL)
                .map_err(|error| broken(&error.to_string()))?;
            let (sender, answer) = oneshot::channel();
            self.shared.waiting().insert(request, sender);
            let _waiting = Waiting { shared: &self.shared, request };
            if self.is_closed() || self.frames.send(frame).await.is_err() {
                return Err(broken(CLOSED));
            }
            was_sent.store(true, Ordering::Relaxed);
            answer.await.map_err(|_| broken(CLOSED))?.map_err(|reason| broken(&reason))
        });
        answered.await.unwrap_or_else(|_| {
            // It does not even say that it needs longer: it is not asked again on this connection.
            self.close();
            Err(broken("no answer in time"))
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::SeqCst)
    }

    pub(super) fn close(&self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.shared.closing.notify_one();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<Answer, String>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everyone who waits.
    fn close(&self, reason: &str) {
        self.is_closed.store(true, Ordering::SeqCst);
        for (_, waiting) in self.waiting().drain() {
            // Whoever has stopped waiting need not be told.
            let _ = waiting.send(Err(reason.to_owned()));
        }
    }
}

/// Writes frames, those that wait together in one go, until it cannot. Answers why.
async fn write(mut writer: WriteHalf<TlsStream<TcpStream>>, mut frames: mpsc::Receiver<Encoder>) -> String {
    while let Some(mut gathered) = frames.recv().await {
        // One record of TLS and one system call for all of them.
        while gathered.bytes().len() < GATHERED
            && let Ok(next) = frames.try_recv()
        {
            gathered.append(&next);
        }
        if let Err(error) = writer.write_all(gathered.bytes()).await {
            return error.to_string();
        }
        let length = gathered.bytes().len();
        gathered.written(length);
        if let Err(error) = writer.flush().await {
            return error.to_string();
        }
    }
    CLOSED.to_owned()
}

/// Reads answers and gives them to those who wait, until it cannot. Answers why.
async fn read(mut reader: ReadHalf<TlsStream<TcpStream>>, mut decoder: Decoder, shared: &Shared) -> String {
    loop {
        loop {
            match decoder.next() {
                Ok(Some(frame)) => match frame.header.kind {
                    Kind::Answer => {
                        let waiting = shared.waiting().remove(&frame.header.request);
                        // An answer that nobody waits for any more came too late.
                        if let Some(waiting) = waiting {
                            let answer = frame.message::<Answer>().map_err(|error| error.to_string());
                            let _ = waiting.send(answer);
                        }
                    }
                    Kind::Goodbye => return frame.message::<Failure>().unwrap_or_default().text,
                    _ => return "it sends what was not asked for".to_owned(),
                },
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        match reader.read(decoder.space()).await {
            Ok(0) => return CLOSED.to_owned(),
            Ok(count) => decoder.filled(count),
            Err(error) => return error.to_string(),
        }
    }
}
