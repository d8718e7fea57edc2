//! The conversation on one connection.

use std::sync::Arc;
use std::time::Duration;

use strongroom_crypto::digest::sha256;
use strongroom_hsm_proto::fleet::{
    Failed, FailedCode, FromHsm, FromPlane, HeadMoved, HsmCall, MAX_FLEET_CALLS, MAX_FLEET_PAYLOAD,
    PlaneAnswer, PlaneCall, ToPlane,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, FrameError, Header, Kind};
use strongroom_runtime::Shutdown;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::server::TlsStream;

use super::Session;
use super::session::Outgoing;
use crate::ControlPlane;

/// How long a stranger may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// How long its words may be, in bytes: two certificates and a few names.
const MAX_INTRODUCTION: usize = 64 << 10;

/// How long an HSM may be silent. It reports every few seconds.
const SILENCE: Duration = Duration::from_mins(1);

/// How long an HSM may take to read what waits for it.
const WRITING: Duration = Duration::from_secs(20);

/// How long an HSM may take to note that the log has grown.
const NOTE: Duration = Duration::from_secs(10);

/// Why a connection ends before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    #[error("the HSM sends what is no frame")]
    Frame(#[from] FrameError),
    #[error("the HSM is silent")]
    Silent,
    #[error("the HSM does not read what it is sent")]
    Unread,
    #[error("the HSM does not keep to the order of calls")]
    OutOfTurn,
}

/// Frames that come in.
struct Incoming<S> {
    read: ReadHalf<S>,
    decoder: Decoder,
}

/// What a frame of an HSM is.
enum Received {
    Call(u64, Box<Option<PlaneCall>>),
    Answer(u64, FromHsm),
}

impl<S: AsyncRead> Incoming<S> {
    /// The next frame; `None` when the HSM has closed the connection.
    async fn next(&mut self) -> Result<Option<Received>, Broken> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                let request = frame.header.request;
                return match frame.header.kind {
                    Kind::Call => {
                        Ok(Some(Received::Call(request, Box::new(frame.message::<ToPlane>()?.call))))
                    }
                    Kind::Answer => Ok(Some(Received::Answer(request, frame.message()?))),
                    Kind::Goodbye => Ok(None),
                    Kind::Hello | Kind::Welcome => Err(Broken::OutOfTurn),
                };
            }
            match self.read.read(self.decoder.space()).await? {
                0 => return Ok(None),
                count => self.decoder.filled(count),
            }
        }
    }
}

/// Speaks with whoever has connected until the connection ends. `permit` is the right to be a stranger.
pub(super) async fn converse(
    plane: Arc<ControlPlane>,
    stream: TlsStream<TcpStream>,
    permit: OwnedSemaphorePermit,
    shutdown: Shutdown,
) {
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let Some(device) = certificate.map(|certificate| sha256(certificate)) else { return };
    let (read, mut write) = tokio::io::split(stream);
    let mut incoming = Incoming { read, decoder: Decoder::new(MAX_INTRODUCTION) };
    let first = tokio::time::timeout(INTRODUCTION, incoming.next()).await;
    let introduced = match first {
        Ok(Ok(Some(Received::Call(request, call)))) => match *call {
            Some(PlaneCall::Register(register)) => Some((request, register)),
            _ => None,
        },
        _ => None,
    };
    let Some((request, register)) = introduced else {
        tracing::debug!("a connection of the fleet does not say who it is");
        return;
    };
    if incoming.decoder.is_within_frame() {
        // Nothing is to be said before the introduction is answered.
        return;
    }
    incoming.decoder = Decoder::new(MAX_FLEET_PAYLOAD);
    let (assignment, cluster_id) = match plane.register(&register, &device).await {
        Ok(registered) => registered,
        Err(failed) => {
            tracing::warn!(hsm = register.hsm_id, reason = failed.text, "an HSM is not taken in");
            plane.tell_why(&register, &device, &failed).await;
            drop(send_alone(&mut write, request, PlaneAnswer::Failed(failed)).await);
            return;
        }
    };
    let (session, outgoing) = Session::new(register.hsm_id, cluster_id, device);
    let session = Arc::new(session);
    *session.allowed.lock().await = assignment.rules.as_ref().map(|rules| rules.allow.clone());
    *session.fault.lock().await = assignment.fault.unwrap_or_default();
    session.head.send_replace(assignment.head);
    if !plane.fleet.admit(&session) {
        let text = "there are too many HSMs".to_owned();
        let failed = Failed { code: FailedCode::LimitExceeded.into(), text };
        drop(send_alone(&mut write, request, PlaneAnswer::Failed(failed)).await);
        return;
    }
    drop(permit);
    tracing::info!(hsm = session.hsm_id, cluster = session.cluster_id, "an HSM is connected");
    session.answer(request, FromPlane { answer: Some(PlaneAnswer::Assignment(assignment)) }).await;
    plane.nudge();
    let (told, to_tell) = (plane.clone(), session.clone());
    shutdown.spawn(async move { told.tell_news(&to_tell).await });

    let outcome = tokio::select! {
        outcome = listen(&plane, &session, &mut incoming, &shutdown) => outcome,
        outcome = speak(&mut write, outgoing, WRITING) => outcome,
        () = follow_head(&session) => Ok(()),
        () = session.ended() => Ok(()),
        () = shutdown.begun() => Ok(()),
    };
    session.close();
    plane.fleet.part(&session);
    plane.nudge();
    match outcome {
        Ok(()) => tracing::info!(hsm = session.hsm_id, "an HSM is not connected any more"),
        Err(error) => tracing::warn!(hsm = session.hsm_id, %error, "an HSM is not connected any more"),
    }
}

/// Takes what the HSM sends, and has its calls answered beside each other.
async fn listen(
    plane: &Arc<ControlPlane>,
    session: &Arc<Session>,
    incoming: &mut Incoming<TlsStream<TcpStream>>,
    shutdown: &Shutdown,
) -> Result<(), Broken> {
    let turns = Arc::new(Semaphore::new(MAX_FLEET_CALLS));
    loop {
        let received = tokio::time::timeout(SILENCE, incoming.next()).await;
        match received.map_err(|_| Broken::Silent)?? {
            None => return Ok(()),
            Some(Received::Answer(request, answer)) => session.answered(request, answer.answer),
            Some(Received::Call(request, call)) => {
                let Ok(turn) = turns.clone().acquire_owned().await else { return Err(Broken::OutOfTurn) };
                let (plane, session) = (plane.clone(), session.clone());
                shutdown.spawn(async move {
                    let answer = plane.answer(&session, *call).await;
                    session.answer(request, FromPlane { answer: Some(answer) }).await;
                    drop(turn);
                });
            }
        }
    }
}

/// Sends what is to be sent.
async fn speak<S: AsyncWrite>(
    write: &mut WriteHalf<S>,
    mut outgoing: mpsc::Receiver<Outgoing>,
    patience: Duration,
) -> Result<(), Broken> {
    let mut encoder = Encoder::new();
    while let Some(next) = outgoing.recv().await {
        push(&mut encoder, next)?;
        // What waits already goes out together.
        while let Ok(next) = outgoing.try_recv() {
            push(&mut encoder, next)?;
        }
        tokio::time::timeout(patience, flush(write, &mut encoder)).await.map_err(|_| Broken::Unread)??;
    }
    Ok(())
}

fn push(encoder: &mut Encoder, next: Outgoing) -> Result<(), FrameError> {
    match next {
        Outgoing::Call { request, deadline_ms, call } => {
            encoder.push(Header::call(request, deadline_ms), &call, MAX_FLEET_PAYLOAD)
        }
        Outgoing::Answer { request, answer } => {
            encoder.push(Header::answer(request), &answer, MAX_FLEET_PAYLOAD)
        }
    }
}

async fn flush<S: AsyncWrite>(write: &mut WriteHalf<S>, encoder: &mut Encoder) -> Result<(), Broken> {
    while !encoder.is_empty() {
        let count = write.write(encoder.bytes()).await?;
        if count == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into());
        }
        encoder.written(count);
    }
    Ok(write.flush().await?)
}

/// Sends one answer on a connection that ends with it.
async fn send_alone<S: AsyncWrite>(
    write: &mut WriteHalf<S>,
    request: u64,
    answer: PlaneAnswer,
) -> Result<(), Broken> {
    let mut encoder = Encoder::new();
    let answer = FromPlane { answer: Some(answer) };
    encoder.push(Header::answer(request), &answer, MAX_FLEET_PAYLOAD)?;
    let sent = async {
        flush(write, &mut encoder).await?;
        Ok(write.shutdown().await?)
    };
    tokio::time::timeout(WRITING, sent).await.map_err(|_| Broken::Unread)?
}

/// Tells the HSM that the log has grown, of several times at once only the last.
async fn follow_head(session: &Session) {
    let mut head = session.head.subscribe();
    while head.changed().await.is_ok() {
        let sequence = *head.borrow_and_update();
        if let Err(error) = session.order(HsmCall::HeadMoved(HeadMoved { sequence }), NOTE).await {
            tracing::debug!(hsm = session.hsm_id, %error, "an HSM is not told that the log has grown");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_is_not_written_to_for_ever() {
        strongroom_testkit::run(async {
            let (near, far) = tokio::io::duplex(64);
            let (_, mut write) = tokio::io::split(near);
            let (out, outgoing) = mpsc::channel(1);
            let failed = Failed { code: FailedCode::Internal.into(), text: "x".repeat(1_000) };
            let answer = FromPlane { answer: Some(PlaneAnswer::Failed(failed)) };
            out.send(Outgoing::Answer { request: 1, answer }).await.unwrap();
            let outcome = speak(&mut write, outgoing, Duration::from_millis(50)).await;
            assert!(matches!(outcome, Err(Broken::Unread)), "{outcome:?}");
            drop(far);
        });
    }
}
