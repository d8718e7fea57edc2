//! One connection on which both sides call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_hsm_proto::fleet::{
    FromHsm, FromPlane, HsmAnswer, HsmCall, MAX_FLEET_CALLS, MAX_FLEET_PAYLOAD, PlaneAnswer, PlaneCall,
    ToHsm, ToPlane,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, FrameError, Header, Kind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

/// How long the other side may take to read what we write, or to finish a frame that it began.
const STALLED: Duration = Duration::from_secs(20);

/// Our end of a connection: calls go out through it.
pub(crate) struct Link {
    outgoing: mpsc::Sender<Outgoing>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<PlaneAnswer>>>,
    credit: Semaphore,
    given_up: Notify,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// There is no connection: nothing was sent.
    #[error("the control plane is away")]
    Away,
    /// The connection broke or nothing came in time: it may have been done.
    #[error("the control plane did not answer")]
    Lost,
    /// The call is longer than a frame takes: nothing was sent.
    #[error("the call is too long")]
    TooLong,
}

enum Outgoing {
    Call(u64, Box<PlaneCall>),
    Answer(u64, HsmAnswer),
}

/// A call of the control plane.
pub(crate) struct IncomingCall {
    pub(crate) call: HsmCall,
    answer: AnswerTo,
}

struct AnswerTo {
    link: Arc<Link>,
    request: u64,
}

impl IncomingCall {
    /// Answers it.
    pub(crate) async fn answer(self, answer: HsmAnswer) {
        // When the connection is gone, nobody waits any more.
        let _ = self.answer.link.outgoing.send(Outgoing::Answer(self.answer.request, answer)).await;
    }
}

/// What is read and written between them.
pub(crate) struct Wire<S> {
    stream: S,
    link: Arc<Link>,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl Link {
    /// A connection over `stream`; the wire has to be [run](Wire::run).
    pub(crate) fn over<S>(stream: S) -> (Arc<Self>, Wire<S>) {
        let (sender, outgoing) = mpsc::channel(2 * MAX_FLEET_CALLS);
        let link = Arc::new(Self {
            outgoing: sender,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            credit: Semaphore::new(MAX_FLEET_CALLS),
            given_up: Notify::new(),
        });
        (link.clone(), Wire { stream, link, outgoing })
    }

    /// Calls the control plane and waits for its answer, at most this long.
    pub(crate) async fn call(&self, call: PlaneCall, patience: Duration) -> Result<PlaneAnswer, LinkError> {
        let call = async {
            let Ok(_credit) = self.credit.acquire().await else { return Err(LinkError::Lost) };
            let request = self.next.fetch_add(1, Ordering::Relaxed);
            let (sender, answer) = oneshot::channel();
            self.waiting().insert(request, sender);
            let _forgotten = Forgotten { link: self, request };
            if self.outgoing.send(Outgoing::Call(request, Box::new(call))).await.is_err() {
                return Err(LinkError::Away);
            }
            answer.await.map_err(|_| LinkError::Lost)
        };
        tokio::time::timeout(patience, call).await.unwrap_or(Err(LinkError::Lost))
    }

    /// Ends a connection on which nothing is answered.
    pub(crate) fn give_up(&self) {
        self.given_up.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<PlaneAnswer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a call off the list of those that wait, however waiting ends.
struct Forgotten<'a> {
    link: &'a Link,
    request: u64,
}

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        self.link.waiting().remove(&self.request);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads and writes until the connection ends, and says why it did. Calls of the control plane go to `calls`.
    pub(crate) async fn run(self, calls: mpsc::Sender<IncomingCall>) -> String {
        let Self { stream, link, outgoing } = self;
        let (reader, writer) = tokio::io::split(stream);
        let reason = tokio::select! {
            reason = read(reader, link.clone(), calls) => reason,
            reason = write(writer, outgoing) => reason,
            () = link.given_up.notified() => "nothing was answered any more".to_owned(),
        };
        // Whoever waits for an answer is told that none comes.
        link.waiting().clear();
        link.credit.close();
        reason
    }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    link: Arc<Link>,
    calls: mpsc::Sender<IncomingCall>,
) -> String {
    let mut decoder = Decoder::new(MAX_FLEET_PAYLOAD);
    loop {
        let is_within = decoder.is_within_frame();
        let reading = reader.read(decoder.space());
        let read = if is_within {
            match tokio::time::timeout(STALLED, reading).await {
                Ok(read) => read,
                Err(_) => return "it did not finish what it began to say".to_owned(),
            }
        } else {
            reading.await
        };
        match read {
            Ok(0) => return "it was closed".to_owned(),
            Ok(count) => decoder.filled(count),
            Err(error) => return error.to_string(),
        }
        if let Err(error) = take_frames(&mut decoder, &link, &calls) {
            return error.to_string();
        }
    }
}

fn take_frames(
    decoder: &mut Decoder,
    link: &Arc<Link>,
    calls: &mpsc::Sender<IncomingCall>,
) -> Result<(), FrameError> {
    while let Some(frame) = decoder.next()? {
        let request = frame.header.request;
        match frame.header.kind {
            Kind::Answer => {
                let answer = frame.message::<FromPlane>()?.answer.ok_or(FrameError::Malformed)?;
                if let Some(waiting) = link.waiting().remove(&request) {
                    // Whoever asked may have gone.
                    let _ = waiting.send(answer);
                }
            }
            Kind::Call => {
                let call = frame.message::<ToHsm>()?.call.ok_or(FrameError::Malformed)?;
                let answer = AnswerTo { link: link.clone(), request };
                // The control plane keeps to its bound, or is not served.
                calls.try_send(IncomingCall { call, answer }).map_err(|_| FrameError::Malformed)?;
            }
            Kind::Hello | Kind::Welcome | Kind::Goodbye => return Err(FrameError::Malformed),
        }
    }
    Ok(())
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Outgoing>) -> String {
    let mut encoder = Encoder::new();
    while let Some(first) = outgoing.recv().await {
        let mut next = Some(first);
        while let Some(message) = next {
            let pushed = match message {
                Outgoing::Call(request, call) => {
                    encoder.push(Header::call(request, 0), &ToPlane { call: Some(*call) }, MAX_FLEET_PAYLOAD)
                }
                Outgoing::Answer(request, answer) => encoder.push(
                    Header::answer(request),
                    &FromHsm { answer: Some(answer) },
                    MAX_FLEET_PAYLOAD,
                ),
            };
            if let Err(error) = pushed {
                return error.to_string();
            }
            next = outgoing.try_recv().ok();
        }
        let writing = async {
            while !encoder.is_empty() {
                let count = writer.write(encoder.bytes()).await?;
                if count == 0 {
                    return Err(std::io::ErrorKind::WriteZero.into());
                }
                encoder.written(count);
            }
            writer.flush().await
        };
        match tokio::time::timeout(STALLED, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return "it did not read what was written".to_owned(),
        }
    }
    "nobody speaks any more".to_owned()
}
