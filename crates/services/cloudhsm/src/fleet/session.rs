//! One connected HSM.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_hsm_proto::fleet::{
    Failed, FailedCode, Fault, FromPlane, HsmAnswer, HsmCall, HsmState, MAX_FLEET_CALLS, Report, ToHsm,
};
use tokio::sync::{mpsc, oneshot, watch};

/// After how many milliseconds without a report an HSM may be stuck. It reports every two seconds.
const SILENT_MS: i64 = 10_000;

/// Why an HSM did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// It is not connected any more.
    #[error("the HSM is not connected any more")]
    Gone,
    /// It did not answer in time.
    #[error("the HSM did not answer in time")]
    Late,
    /// It says no.
    #[error("the HSM refused: {text} ({code:?})")]
    Refused {
        /// The kind of refusal.
        code: Option<FailedCode>,
        /// Its words.
        text: String,
    },
    /// Its answer is that of another call.
    #[error("the HSM gave the answer of another call")]
    Unexpected,
}

/// What goes out on a connection.
#[derive(Debug)]
pub(super) enum Outgoing {
    Call { request: u64, deadline_ms: u32, call: ToHsm },
    Answer { request: u64, answer: FromPlane },
}

/// The connection of an HSM that has said who it is.
pub(crate) struct Session {
    pub(crate) hsm_id: String,
    pub(crate) cluster_id: String,
    /// The digest of its device certificate.
    pub(crate) device: [u8; 32],
    out: mpsc::Sender<Outgoing>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<HsmAnswer>>>,
    next: AtomicU64,
    report: Mutex<Option<Report>>,
    /// When it has last said something of itself, in milliseconds of real time.
    reported_ms: AtomicI64,
    /// How often it has failed at work for its cluster since it last did some.
    failures: AtomicU32,
    /// The last entry of its cluster's log that it is to know of.
    pub(super) head: watch::Sender<u64>,
    /// The sources that it was last told of.
    pub(super) allowed: tokio::sync::Mutex<Option<Vec<String>>>,
    /// What it was last told to do wrong.
    pub(crate) fault: tokio::sync::Mutex<Fault>,
    closed: watch::Sender<bool>,
}

impl Session {
    pub(super) fn new(
        hsm_id: String,
        cluster_id: String,
        device: [u8; 32],
    ) -> (Self, mpsc::Receiver<Outgoing>) {
        let (out, outgoing) = mpsc::channel(MAX_FLEET_CALLS);
        let session = Self {
            hsm_id,
            cluster_id,
            device,
            out,
            waiting: Mutex::default(),
            next: AtomicU64::new(1),
            report: Mutex::default(),
            reported_ms: AtomicI64::new(0),
            failures: AtomicU32::new(0),
            head: watch::Sender::new(0),
            allowed: tokio::sync::Mutex::default(),
            fault: tokio::sync::Mutex::default(),
            closed: watch::Sender::new(false),
        };
        (session, outgoing)
    }

    /// Asks the HSM to do something and waits for its answer.
    pub(crate) async fn call(&self, call: HsmCall, patience: Duration) -> Result<HsmAnswer, CallError> {
        let (answered, answer) = oneshot::channel();
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting().insert(request, answered);
        let deadline_ms = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        let outgoing = Outgoing::Call { request, deadline_ms, call: ToHsm { call: Some(call) } };
        let exchange = async {
            self.out.send(outgoing).await.map_err(|_| CallError::Gone)?;
            tokio::select! {
                answer = answer => answer.map_err(|_| CallError::Gone),
                () = self.ended() => Err(CallError::Gone),
            }
        };
        let answer = tokio::time::timeout(patience, exchange).await;
        self.waiting().remove(&request);
        match answer.map_err(|_| CallError::Late)?? {
            HsmAnswer::Failed(Failed { code, text }) => {
                Err(CallError::Refused { code: FailedCode::try_from(code).ok(), text })
            }
            answer => Ok(answer),
        }
    }

    /// Asks the HSM for something that any HSM of its cluster could do.
    pub(crate) async fn work(&self, call: HsmCall, patience: Duration) -> Result<HsmAnswer, CallError> {
        let answer = self.call(call, patience).await;
        match &answer {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => drop(self.failures.fetch_add(1, Ordering::Relaxed)),
        }
        answer
    }

    /// How little is to be expected of it: whether it is silent longer than HSMs are, and how often it failed.
    pub(super) fn doubts(&self, now_ms: i64) -> (bool, u32) {
        let silent_ms = now_ms.saturating_sub(self.reported_ms.load(Ordering::Relaxed));
        (silent_ms > SILENT_MS, self.failures.load(Ordering::Relaxed))
    }

    /// The same for what only has to be done.
    pub(crate) async fn order(&self, call: HsmCall, patience: Duration) -> Result<(), CallError> {
        match self.call(call, patience).await? {
            HsmAnswer::Done(_) => Ok(()),
            _ => Err(CallError::Unexpected),
        }
    }

    /// Has the HSM told that its cluster's log has grown to there.
    pub(super) fn log_grew(&self, sequence: u64) {
        self.head.send_if_modified(|head| {
            let grew = *head < sequence;
            *head = sequence.max(*head);
            grew
        });
    }

    /// Sends an answer. One that cannot be sent is of no use to anybody.
    pub(super) async fn answer(&self, request: u64, answer: FromPlane) {
        drop(self.out.send(Outgoing::Answer { request, answer }).await);
    }

    /// Takes the answer to a call. One to no call that waits comes too late, and is nothing.
    pub(super) fn answered(&self, request: u64, answer: Option<HsmAnswer>) {
        let Some(waiting) = self.waiting().remove(&request) else { return };
        let silent = Failed { code: FailedCode::Internal.into(), text: "no answer".to_owned() };
        drop(waiting.send(answer.unwrap_or(HsmAnswer::Failed(silent))));
    }

    /// What the HSM has last said of itself.
    pub(crate) fn report(&self) -> Option<Report> {
        self.lock_report().clone()
    }

    /// What the HSM does, as it has last said.
    pub(crate) fn state(&self) -> Option<HsmState> {
        self.lock_report().as_ref().and_then(|report| HsmState::try_from(report.state).ok())
    }

    /// Keeps a report. Answers whether it says something new.
    pub(super) fn reported(&self, report: Report, now_ms: i64) -> bool {
        self.reported_ms.store(now_ms, Ordering::Relaxed);
        let mut known = self.lock_report();
        let facts = |report: &Report| {
            let Report { state, halt_reason, certificates, activated, cluster_certificate, .. } = report;
            (*state, halt_reason.clone(), certificates.clone(), *activated, cluster_certificate.clone())
        };
        let news = known.as_ref().is_none_or(|known| facts(known) != facts(&report));
        *known = Some(report);
        news
    }

    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
        self.waiting().clear();
    }

    /// Resolves when the connection is to end, or has ended.
    pub(crate) async fn ended(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<HsmAnswer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_report(&self) -> MutexGuard<'_, Option<Report>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
