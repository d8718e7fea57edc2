//! The one writer: it batches what waits, puts it into the log, and tells each caller what came of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use strongroom_crypto::random;
use strongroom_hsm_cluster::{ClusterError, Command, CommandId, MAX_BATCH, MAX_EFFECTS, Own, SealedEntry};
use strongroom_hsm_core::{ConnectionId, Hsm, Outcome, Planned};
use strongroom_hsm_proto::command::{self, Answer, Call, Failure, FailureCode};
use strongroom_runtime::Shutdown;
use tokio::sync::{mpsc, oneshot, watch};

use super::log::Turn;
use super::{Ledger, Log, LogError};
use crate::clock::Clock;
use crate::fleet::Plane;

/// How many changes may wait.
const MOST_WAITING: usize = 1_024;
/// How often a change may be overtaken by others before its caller is told that the HSM is busy.
const MOST_ROUNDS: u32 = 32;
/// How long the control plane may be away in the middle of a change before its callers are told that nobody
/// knows.
const LOST: Duration = Duration::from_secs(15);
/// How long to wait before asking again.
const AGAIN: Duration = Duration::from_millis(200);

/// Somebody who waits for a change.
struct Asker {
    connection: ConnectionId,
    call: Call,
    id: CommandId,
    rounds: u32,
    answer: oneshot::Sender<command::Outcome>,
}

/// Where changes are handed in. Clones are the same.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<(Asker, Planned)>);

/// What the writer works with.
pub(crate) struct Desk {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) log: Log,
    pub(crate) plane: Plane,
    pub(crate) clock: Clock,
    /// Why the HSM has halted, once it has.
    pub(crate) halted: watch::Sender<Option<String>>,
}

impl Writer {
    /// Starts a writer; it works until the shutdown begins, and then makes what was handed in before.
    pub(crate) fn start(desk: Desk, shutdown: &Shutdown) -> Self {
        let (sender, changes) = mpsc::channel(MOST_WAITING);
        shutdown.spawn(work(desk, changes, shutdown.clone()));
        Self(sender)
    }

    /// Makes a change; resolves when it is made, or is not.
    pub(crate) async fn make(
        &self,
        connection: ConnectionId,
        call: Call,
        planned: Planned,
    ) -> command::Outcome {
        let id = match CommandId::try_from(call.command_id.as_slice()) {
            Ok(id) => id,
            Err(_) => match random::bytes() {
                Ok(id) => id,
                Err(error) => return failed(FailureCode::Internal, &error.to_string()),
            },
        };
        let (answer, made) = oneshot::channel();
        if self.0.try_send((Asker { connection, call, id, rounds: 0, answer }, planned)).is_err() {
            return failed(FailureCode::Busy, "Too many changes wait");
        }
        made.await.unwrap_or_else(|_| failed(FailureCode::DeadlineExceeded, "The HSM is stopping"))
    }
}

/// A failure as an outcome.
pub(crate) fn failed(code: FailureCode, text: &str) -> command::Outcome {
    command::Outcome::Failure(Failure { code: code.into(), text: text.to_owned() })
}

async fn work(desk: Desk, mut changes: mpsc::Receiver<(Asker, Planned)>, shutdown: Shutdown) {
    let mut waiting = VecDeque::new();
    loop {
        let first = tokio::select! {
            biased;
            first = changes.recv() => first,
            () = shutdown.begun() => {
                // Who asks from now on is told that the HSM is stopping.
                changes.close();
                changes.recv().await
            }
        };
        let Some(first) = first else { return };
        waiting.push_back(first);
        while !waiting.is_empty() {
            while waiting.len() < MAX_BATCH
                && let Ok(change) = changes.try_recv()
            {
                waiting.push_back(change);
            }
            let turn = desk.log.turn().await;
            desk.round(&turn, &mut waiting).await;
        }
    }
}

impl Desk {
    /// One entry: as many of those that wait as go into it. What stays in `waiting` goes into a later one.
    async fn round(&self, turn: &Turn<'_>, waiting: &mut VecDeque<(Asker, Planned)>) {
        if !self.plane.is_there() {
            let away = failed(FailureCode::ReadOnly, "The control plane is away: nothing can be changed now");
            for (asker, planned) in waiting.drain(..) {
                self.refuse(asker, planned, away.clone());
            }
            return;
        }
        let (mut askers, mut plans) = self.choose(waiting);
        if askers.is_empty() {
            return;
        }
        let commands = askers.iter().zip(&plans).map(|(asker, plan)| Command {
            id: asker.id,
            effects: plan.effects.clone(),
            reply: Answer { outcome: Some(plan.answer.clone()), ..Answer::default() }.encode_to_vec(),
        });
        let commands: Vec<_> = commands.collect();
        let proposed = match self.ledger.propose(&commands, self.clock.now().domain_ms) {
            Ok(proposed) => proposed,
            Err(error) => return self.give_up(askers, plans, &error),
        };
        let later = askers.split_off(proposed.taken.min(askers.len())).into_iter();
        let later: Vec<_> = later.zip(plans.split_off(askers.len())).collect();
        for again in later.into_iter().rev() {
            waiting.push_front(again);
        }
        for answered in proposed.answered {
            if let Some(place) = askers.iter().position(|asker| asker.id == answered.id) {
                // It was made before, and settled then.
                plans.remove(place);
                let _ = askers.remove(place).answer.send(first_reply(&answered.reply));
            }
        }
        let Some(entry) = proposed.entry else { return };
        match self.place(turn, entry).await {
            Ok(Own::Landed) => {
                for (asker, planned) in askers.into_iter().zip(plans) {
                    let outcome = planned.answer.clone();
                    self.hsm.settle(planned, None, self.clock.now());
                    // Whoever asked may have gone.
                    let _ = asker.answer.send(outcome);
                }
            }
            Ok(Own::Lost) => {
                for lost in askers.into_iter().zip(plans).rev() {
                    waiting.push_front(lost);
                }
            }
            Err(error) => self.give_up(askers, plans, &error),
        }
    }

    /// Those whose plans hold one beside the other. The others stay in `waiting`, or are answered.
    fn choose(&self, waiting: &mut VecDeque<(Asker, Planned)>) -> (Vec<Asker>, Vec<Planned>) {
        let (mut askers, mut plans) = (Vec::new(), Vec::new());
        for (mut asker, planned) in std::mem::take(waiting) {
            if let Some(reply) = self.ledger.known(&asker.id) {
                let _ = asker.answer.send(first_reply(&reply));
                continue;
            }
            if asker.rounds > MOST_ROUNDS {
                self.refuse(asker, planned, failed(FailureCode::Busy, "Others were always first"));
                continue;
            }
            asker.rounds += 1;
            let Some((asker, planned)) = self.plan_again(asker, planned) else { continue };
            if planned.effects.len() > MAX_EFFECTS {
                let outcome = outcome_of(&LogError::Cluster(ClusterError::TooLarge));
                self.refuse(asker, planned, outcome);
                continue;
            }
            // Two of one name in one entry would be the same change twice.
            let is_first = askers.iter().all(|earlier: &Asker| earlier.id != asker.id);
            if is_first && self.hsm.still_holds(&planned, &plans) {
                askers.push(asker);
                plans.push(planned);
            } else {
                waiting.push_back((asker, planned));
            }
        }
        (askers, plans)
    }

    /// Makes a plan anew if others overtook it. None when that comes to something else than a change; then the
    /// asker has been told.
    fn plan_again(&self, asker: Asker, planned: Planned) -> Option<(Asker, Planned)> {
        if self.hsm.still_holds(&planned, &[]) {
            return Some((asker, planned));
        }
        let outcome =
            tokio::task::block_in_place(|| self.hsm.execute(asker.connection, &asker.call, self.clock.now()));
        let outcome = match outcome {
            Outcome::Change(planned) => return Some((asker, planned)),
            Outcome::Done(reply) => command::Outcome::Reply(reply),
            Outcome::Refused(failure) => command::Outcome::Failure(failure),
        };
        let _ = asker.answer.send(outcome);
        None
    }

    /// Puts the entry into the log. When the answer is lost, what became of it is found out as soon as the control
    /// plane is back.
    async fn place(&self, turn: &Turn<'_>, entry: SealedEntry) -> Result<Own, LogError> {
        let placed = turn.place(entry).await;
        let Err(lost) = &placed else { return placed };
        if lost.is_certain() || matches!(lost, LogError::Unsaved(_)) {
            return placed;
        }
        let finding_out = async {
            loop {
                self.plane.there().await;
                match turn.catch_up().await {
                    // Nothing else has its place, so it is not in the log.
                    Ok(own) => return Ok(own.unwrap_or(Own::Lost)),
                    Err(error) if error.is_certain() && error.halt().is_some() => return Err(error),
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        };
        tokio::time::timeout(LOST, finding_out).await.unwrap_or(placed)
    }

    fn give_up(&self, askers: Vec<Asker>, plans: Vec<Planned>, error: &LogError) {
        tracing::warn!(%error, changes = askers.len(), "changes are not made");
        if let Some(halt) = error.halt() {
            self.halted.send_replace(Some(halt.to_string()));
        }
        let outcome = outcome_of(error);
        for (asker, planned) in askers.into_iter().zip(plans) {
            self.refuse(asker, planned, outcome.clone());
        }
    }

    fn refuse(&self, asker: Asker, planned: Planned, outcome: command::Outcome) {
        if let command::Outcome::Failure(failure) = &outcome {
            self.hsm.settle(planned, Some(failure), self.clock.now());
        }
        let _ = asker.answer.send(outcome);
    }
}

/// What a client is told when the log does not go on.
pub(crate) fn outcome_of(error: &LogError) -> command::Outcome {
    match error {
        LogError::Cluster(ClusterError::Halted(halt)) => failed(FailureCode::Halted, &halt.to_string()),
        LogError::Cluster(ClusterError::TooLarge) => {
            failed(FailureCode::LimitExceeded, "The change is too large for the log")
        }
        LogError::Unsaved(_) => failed(
            FailureCode::DeadlineExceeded,
            "The HSM cannot write its state; it is not known whether the change was made",
        ),
        error if !error.is_certain() => failed(
            FailureCode::DeadlineExceeded,
            "The control plane went away; it is not known whether the change was made",
        ),
        LogError::Plane(_) => {
            failed(FailureCode::ReadOnly, "The control plane is away: nothing can be changed now")
        }
        LogError::StaysBehind => failed(FailureCode::Behind, "This HSM is behind; ask another"),
        LogError::Raced => failed(FailureCode::Busy, "Others were always first"),
        LogError::Disk(_) | LogError::Cluster(_) | LogError::Core(_) => {
            failed(FailureCode::Internal, "The change cannot be written down")
        }
    }
}

/// What the asker of a known command was told first.
pub(crate) fn first_reply(reply: &[u8]) -> command::Outcome {
    if reply.is_empty() {
        return failed(
            FailureCode::WrongState,
            "The command is done; what it was answered is no longer kept",
        );
    }
    let answer = Answer::decode(reply).ok().and_then(|answer| answer.outcome);
    answer.unwrap_or_else(|| failed(FailureCode::Internal, "The first reply cannot be read"))
}
