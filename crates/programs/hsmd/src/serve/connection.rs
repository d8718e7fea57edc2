//! One client's connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_hsm_core::{ConnectionId, Peer};
use strongroom_hsm_proto::command::{Answer, Call, Failure, FailureCode, Hello, Welcome};
use strongroom_hsm_proto::frame::{Decoder, Encoder, FrameError, Header, Kind, MAX_ANSWER, MAX_CALL};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::Service;

/// How long a client may take for its first frame, or for the rest of one that it began.
const SLOW: Duration = Duration::from_secs(10);
/// How long a client may take to read [`PROGRESS`] bytes of what it asked for, or all of it.
const STALLED: Duration = Duration::from_secs(30);
/// See [`STALLED`].
const PROGRESS: usize = 16 << 10;
/// How many calls of one connection are under way at a time. More are not read before one is answered.
const CREDIT: usize = 64;
/// How many frames are taken before others get their turn.
const AT_ONCE: usize = 16;
/// How much may wait to be written before no more is read, in bytes.
const MOST_UNWRITTEN: usize = 1 << 20;
/// The version of the protocol.
const VERSION: u32 = 1;
/// The longest name that a client gives itself, in bytes.
const LONGEST_NAME: usize = 64;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the client has gone")]
    Gone,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the client was too slow")]
    Slow,
    #[error("{}", .0.text)]
    Refused(Failure),
}

impl End {
    fn refused(code: FailureCode, text: &str) -> Self {
        Self::Refused(Failure { code: code.into(), text: text.to_owned() })
    }
}

/// Serves a client until it goes, does what it may not, or the HSM stops.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(service: Arc<Service>, stream: S, peer: Peer) {
    let address = peer.address.clone();
    let connection = service.partition.hsm.connect(peer);
    let (reader, writer) = tokio::io::split(stream);
    let mut talk = Talk { service: service.clone(), connection, reader, writer, encoder: Encoder::new() };
    let end = talk.talk().await;
    service.partition.hsm.disconnect(connection, service.clock.now());
    if let Err(error) = service.partition.save() {
        tracing::error!(%error, "the end of a connection could not be written down");
    }
    match end {
        End::Gone => tracing::debug!(client = address, "a client has gone"),
        end => {
            tracing::info!(client = address, reason = %end, "a connection was ended");
            talk.say_goodbye(end).await;
        }
    }
}

struct Talk<R, W> {
    service: Arc<Service>,
    connection: ConnectionId,
    reader: R,
    writer: W,
    encoder: Encoder,
}

/// What happened.
enum Event {
    Read(usize),
    More,
    Written(usize),
    Answered(u64, Box<Answer>),
    Changed,
    Stopping,
    Stalled,
}

/// What came of looking for frames.
#[derive(Clone, Copy, Default)]
struct Taken {
    any: bool,
    /// There may be more that is not looked at yet, so that others get their turn.
    more: bool,
}

/// What a client owes, and until when. A few bytes now and then do not put it off.
#[derive(Default)]
struct Timers {
    /// The rest of a frame.
    frame: Option<Pin<Box<Sleep>>>,
    /// Reading what was written.
    reading: Option<Pin<Box<Sleep>>>,
    read: usize,
}

impl Timers {
    /// Whether the client owes the rest of a frame, and whether that is another frame than before.
    fn owes_frame(&mut self, does: bool, is_another: bool) {
        if !does || is_another {
            self.frame = None;
        }
        if does && self.frame.is_none() {
            self.frame = Some(Box::pin(tokio::time::sleep(SLOW)));
        }
    }

    fn owes_reading(&mut self, does: bool) {
        if !does || self.read >= PROGRESS {
            self.reading = None;
            self.read = 0;
        }
        if does && self.reading.is_none() {
            self.reading = Some(Box::pin(tokio::time::sleep(STALLED)));
        }
    }

    /// The client has read so many bytes.
    const fn read(&mut self, count: usize) {
        self.read = self.read.saturating_add(count);
    }

    /// Resolves when something is owed for too long.
    async fn stalled(&mut self) {
        let Self { frame, reading, .. } = self;
        tokio::select! {
            () = ended(frame) => {}
            () = ended(reading) => {}
        }
    }
}

async fn ended(timer: &mut Option<Pin<Box<Sleep>>>) {
    match timer {
        Some(timer) => timer.as_mut().await,
        None => std::future::pending().await,
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Talk<R, W> {
    async fn talk(&mut self) -> End {
        match self.greet().await {
            Ok(decoder) => self.answer_calls(decoder).await.err().unwrap_or(End::Gone),
            Err(end) => end,
        }
    }

    /// Hello and welcome.
    async fn greet(&mut self) -> Result<Decoder, End> {
        let mut decoder = Decoder::new(MAX_CALL);
        let reading = async {
            loop {
                if let Some(frame) = decoder.next()? {
                    if frame.header.kind != Kind::Hello {
                        return Err(End::refused(FailureCode::InvalidRequest, "The first frame is a hello"));
                    }
                    return Ok(frame.message::<Hello>()?);
                }
                let count = self.reader.read(decoder.space()).await?;
                if count == 0 {
                    return Err(End::Gone);
                }
                decoder.filled(count);
            }
        };
        let hello: Hello = tokio::time::timeout(SLOW, reading).await.map_err(|_| End::Slow)??;
        if hello.version != VERSION {
            let text = format!("This HSM speaks version {VERSION} of the protocol");
            return Err(End::refused(FailureCode::InvalidRequest, &text));
        }
        if hello.client.len() > LONGEST_NAME {
            return Err(End::refused(FailureCode::InvalidRequest, "The client's name is too long"));
        }
        tracing::debug!(client = hello.client, "a client says hello");
        let service = &self.service;
        service.come_late().await;
        let welcome = Welcome {
            version: VERSION,
            hsm_id: service.hsm_id.clone(),
            cluster_id: service.cluster_id.clone(),
            cursor: service.partition.view.cursor().map(|cursor| (*cursor).clone()),
            peers: service.peers.borrow().clone(),
            load: service.counts.load(),
        };
        self.encoder.push(Header::of(Kind::Welcome), &welcome, MAX_ANSWER)?;
        Ok(decoder)
    }

    async fn answer_calls(&mut self, mut decoder: Decoder) -> Result<(), End> {
        let (answers, mut answered) = mpsc::channel::<(u64, Answer)>(CREDIT);
        let mut changed = self.service.changed.clone();
        let mut under_way = 0;
        let mut timers = Timers::default();
        // What was read along with the hello.
        let mut taken = self.take_frames(&mut decoder, &answers, &mut under_way)?;
        loop {
            let may_read = under_way < CREDIT && self.encoder.bytes().len() < MOST_UNWRITTEN;
            let Taken { any, more } = taken;
            timers.owes_frame(may_read && !more && decoder.is_within_frame(), any);
            let has_unwritten = !self.encoder.is_empty();
            timers.owes_reading(has_unwritten);
            taken = Taken { any: false, more };
            let event = {
                let (reader, writer, encoder) = (&mut self.reader, &mut self.writer, &self.encoder);
                tokio::select! {
                    biased;
                    written = writer.write(encoder.bytes()), if has_unwritten => Event::Written(written?),
                    Some((request, answer)) = answered.recv() => Event::Answered(request, Box::new(answer)),
                    () = tokio::task::yield_now(), if more => Event::More,
                    read = reader.read(decoder.space()), if may_read && !more => Event::Read(read?),
                    Ok(()) = changed.changed() => Event::Changed,
                    () = self.service.shutdown.begun() => Event::Stopping,
                    () = timers.stalled() => Event::Stalled,
                }
            };
            match event {
                Event::Read(0) | Event::Written(0) => return Ok(()),
                Event::Read(count) => {
                    decoder.filled(count);
                    taken = self.take_frames(&mut decoder, &answers, &mut under_way)?;
                }
                Event::Written(count) => {
                    timers.read(count);
                    self.encoder.written(count);
                    if self.encoder.is_empty() {
                        let flushing = tokio::time::timeout(STALLED, self.writer.flush());
                        flushing.await.map_err(|_| End::Slow)??;
                    }
                    // Frames may wait that were read when too much was unwritten.
                    taken = self.take_frames(&mut decoder, &answers, &mut under_way)?;
                }
                Event::Answered(request, answer) => {
                    self.push(request, &answer)?;
                    while let Ok((request, answer)) = answered.try_recv() {
                        self.push(request, &answer)?;
                        under_way -= 1;
                    }
                    under_way -= 1;
                    // Frames may wait that were read when there was no credit.
                    taken = self.take_frames(&mut decoder, &answers, &mut under_way)?;
                }
                Event::More => taken = self.take_frames(&mut decoder, &answers, &mut under_way)?,
                Event::Changed => {
                    if self.service.partition.hsm.unwelcome().contains(&self.connection) {
                        return Err(End::refused(
                            FailureCode::Forbidden,
                            "The client's certificate is not accepted any more, or one is needed",
                        ));
                    }
                }
                Event::Stopping if under_way == 0 => {
                    return Err(End::refused(FailureCode::Busy, "The HSM is stopping"));
                }
                // Those under way are finished; no more are read.
                Event::Stopping => {
                    self.finish(&mut answered, under_way).await?;
                    return Err(End::refused(FailureCode::Busy, "The HSM is stopping"));
                }
                Event::Stalled => return Err(End::Slow),
            }
        }
    }

    /// Begins what is asked in the frames that are there, as far as there is credit, and not more than [`AT_ONCE`].
    fn take_frames(
        &mut self,
        decoder: &mut Decoder,
        answers: &mpsc::Sender<(u64, Answer)>,
        under_way: &mut usize,
    ) -> Result<Taken, End> {
        let mut taken = 0;
        while *under_way < CREDIT && self.encoder.bytes().len() < MOST_UNWRITTEN {
            if taken == AT_ONCE {
                return Ok(Taken { any: true, more: true });
            }
            let Some(frame) = decoder.next()? else { break };
            taken += 1;
            match frame.header.kind {
                Kind::Call => {}
                Kind::Goodbye => return Err(End::Gone),
                Kind::Hello | Kind::Welcome | Kind::Answer => return Err(FrameError::Malformed.into()),
            }
            let (request, deadline_ms) = (frame.header.request, frame.header.deadline_ms);
            let call: Call = frame.message()?;
            if !self.service.faults.is_slow()
                && let Some(answer) = self.service.answer_now(self.connection, &call)
            {
                self.push(request, &answer)?;
                continue;
            }
            *under_way += 1;
            let (service, connection, answers) = (self.service.clone(), self.connection, answers.clone());
            let shutdown = service.shutdown.clone();
            shutdown.spawn(async move {
                service.counts.under_way.fetch_add(1, Ordering::Relaxed);
                let answer = service.clone().answer_in_time(connection, call, deadline_ms).await;
                service.come_late().await;
                service.counts.under_way.fetch_sub(1, Ordering::Relaxed);
                // The client may have gone.
                let _ = answers.send((request, answer)).await;
            });
        }
        Ok(Taken { any: taken > 0, more: false })
    }

    fn push(&mut self, request: u64, answer: &Answer) -> Result<(), FrameError> {
        let header = Header::answer(request);
        match self.encoder.push(header, answer, MAX_ANSWER) {
            Err(FrameError::TooLong { .. }) => {
                let failure = Failure {
                    code: FailureCode::LimitExceeded.into(),
                    text: "The answer is too long; ask for less at a time".to_owned(),
                };
                let outcome = Some(strongroom_hsm_proto::command::Outcome::Failure(failure));
                self.encoder.push(header, &Answer { outcome, ..answer.clone() }, MAX_ANSWER)
            }
            pushed => pushed,
        }
    }

    /// Waits for the calls under way and writes their answers.
    async fn finish(
        &mut self,
        answered: &mut mpsc::Receiver<(u64, Answer)>,
        under_way: usize,
    ) -> Result<(), End> {
        for _ in 0..under_way {
            let waiting = tokio::time::timeout(STALLED, answered.recv()).await;
            let Ok(Some((request, answer))) = waiting else { break };
            self.push(request, &answer)?;
        }
        self.write_all().await
    }

    async fn write_all(&mut self) -> Result<(), End> {
        let writing = async {
            while !self.encoder.is_empty() {
                let count = self.writer.write(self.encoder.bytes()).await?;
                if count == 0 {
                    return Err(End::Gone);
                }
                self.encoder.written(count);
            }
            Ok(self.writer.flush().await?)
        };
        tokio::time::timeout(SLOW, writing).await.unwrap_or(Err(End::Slow))
    }

    /// Says why the connection ends, if the client still listens.
    async fn say_goodbye(&mut self, end: End) {
        let failure = match end {
            End::Refused(failure) => failure,
            End::Frame(error) => {
                Failure { code: FailureCode::InvalidRequest.into(), text: error.to_string() }
            }
            End::Slow => Failure {
                code: FailureCode::InvalidRequest.into(),
                text: "The client was too slow".to_owned(),
            },
            End::Gone | End::Io(_) => return,
        };
        if self.encoder.push(Header::of(Kind::Goodbye), &failure, MAX_ANSWER).is_ok()
            && self.write_all().await.is_ok()
        {
            let _ = self.writer.shutdown().await;
        }
    }
}
