//! From a call to its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_hsm_cluster::{Admit, ClusterError, CommandId};
use strongroom_hsm_core::{ConnectionId, Outcome};
use strongroom_hsm_proto::command::{self, Answer, Call, Cursor, FailureCode};
use tokio::sync::oneshot;

use super::Service;
use super::weight::{Weight, is_traceless};
use crate::partition::{LogError, failed, first_reply, outcome_of};

/// How long a call without a deadline may take.
const LONGEST: Duration = Duration::from_mins(1);
/// How many calls wait at most for a password to be hashed; a flood of log-ins goes no further.
const MOST_PASSWORDS: u32 = 64;
/// How long catching up with a client's cursor may take, however long the deadline is: the client asks another.
const CATCH_UP: Duration = Duration::from_secs(5);

/// A place in the queue of those whose password is to be hashed.
struct Place(Arc<Service>);

impl Place {
    fn take(service: &Arc<Service>) -> Option<Self> {
        let place = Self(service.clone());
        let before = service.waiting_passwords.fetch_add(1, Ordering::Relaxed);
        (before < MOST_PASSWORDS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting_passwords.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service {
    /// Answers a call at once, if it is light and nothing has to be waited for.
    pub(super) fn answer_now(&self, connection: ConnectionId, call: &Call) -> Option<Answer> {
        let is_seen = call.cursor.as_ref().is_none_or(|cursor| self.partition.view.knows(cursor));
        if !is_seen || !call.command_id.is_empty() || Weight::of(call) != Weight::Light {
            return None;
        }
        if let Some(reason) = self.halted.borrow().as_ref() {
            return Some(self.answer(failed(FailureCode::Halted, reason)));
        }
        match self.partition.hsm.execute(connection, call, self.clock.now()) {
            Outcome::Done(reply) => Some(self.answer(self.saved(call, command::Outcome::Reply(reply)))),
            Outcome::Refused(failure) => {
                Some(self.answer(self.saved(call, command::Outcome::Failure(failure))))
            }
            // Planned in vain: dropped, it leaves nothing behind, and the slow way plans it again.
            Outcome::Change(_) => None,
        }
    }

    /// Answers a call, within its deadline (milliseconds, 0 for none).
    pub(super) async fn answer_in_time(
        self: Arc<Self>,
        connection: ConnectionId,
        call: Call,
        deadline_ms: u32,
    ) -> Answer {
        let patience = match deadline_ms {
            0 => LONGEST,
            ms => Duration::from_millis(ms.into()).min(LONGEST),
        };
        let outcome = tokio::time::timeout(patience, self.outcome(connection, call, patience)).await;
        let late = || failed(FailureCode::DeadlineExceeded, "The call took longer than it may");
        self.answer(outcome.unwrap_or_else(|_| late()))
    }

    fn answer(&self, outcome: command::Outcome) -> Answer {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        self.partition.hsm.note_answered();
        if matches!(outcome, command::Outcome::Failure(_)) {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        let cursor = self.partition.view.cursor().map(|cursor| Cursor::clone(&cursor));
        Answer { cursor, outcome: Some(outcome), load: self.counts.load() }
    }

    async fn outcome(
        self: &Arc<Self>,
        connection: ConnectionId,
        call: Call,
        patience: Duration,
    ) -> command::Outcome {
        if let Some(reason) = self.halted.borrow().as_ref() {
            return failed(FailureCode::Halted, reason);
        }
        if let Some(cursor) = &call.cursor
            && let Err(outcome) = self.see(cursor, patience.min(CATCH_UP)).await
        {
            return outcome;
        }
        if !call.command_id.is_empty() {
            let Ok(id) = CommandId::try_from(call.command_id.as_slice()) else {
                return failed(FailureCode::InvalidRequest, "A command id has 16 bytes");
            };
            if let Some(first) = self.first_answer(&id) {
                return first;
            }
        }
        let place = match Weight::of(&call) {
            Weight::Light => {
                let outcome = self.partition.hsm.execute(connection, &call, self.clock.now());
                return self.bring_about(connection, call, outcome).await;
            }
            Weight::Heavy => None,
            Weight::Password => match Place::take(self) {
                Some(place) => Some(place),
                None => return failed(FailureCode::Busy, "The HSM is busy. Try again later"),
            },
        };
        // By itself: what has begun is finished, however long the caller waits. A wrong password counts.
        let (answer, answered) = oneshot::channel();
        self.shutdown.spawn(self.clone().compute(connection, call, place, answer));
        answered.await.unwrap_or_else(|_| failed(FailureCode::Internal, "The call could not be computed"))
    }

    /// What a command was answered when it was made, if it was.
    fn first_answer(&self, id: &CommandId) -> Option<command::Outcome> {
        let reply = self.partition.ledger.known(id)?;
        Some(match self.partition.ledger.trouble() {
            // Nothing is acknowledged that is not written down.
            Some(broken) => outcome_of(&LogError::Unsaved(broken)),
            None => first_reply(&reply),
        })
    }

    /// Makes sure that the state holds what the client has seen.
    async fn see(&self, cursor: &Cursor, patience: Duration) -> Result<(), command::Outcome> {
        if self.partition.view.knows(cursor) {
            return Ok(());
        }
        let mut is_first = true;
        loop {
            match self.partition.ledger.admit(&cursor.mac) {
                Ok(Admit::Served) => return Ok(()),
                Ok(Admit::Behind(sequence)) if is_first => {
                    is_first = false;
                    match tokio::time::timeout(patience, self.partition.log.reach(sequence)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) if error.halt().is_some() => {
                            self.halt(&error);
                            return Err(outcome_of(&error));
                        }
                        Ok(Err(_)) | Err(_) => return Err(behind()),
                    }
                }
                Ok(Admit::Behind(_)) => return Err(behind()),
                Ok(Admit::Forked) => {
                    let reason =
                        self.partition.ledger.ask(|replica| replica.halted().map(ToString::to_string));
                    let reason = reason.unwrap_or_else(|| "the cluster's log was forked".to_owned());
                    self.halted.send_replace(Some(reason.clone()));
                    return Err(failed(FailureCode::Forked, &reason));
                }
                Ok(Admit::Disputed) => {
                    return Err(failed(FailureCode::Forked, "The cursor contradicts the log of the cluster"));
                }
                Ok(Admit::Expired) => {
                    return Err(failed(FailureCode::InvalidRequest, "The cursor is too old to be compared"));
                }
                Err(ClusterError::Halted(halt)) => {
                    return Err(failed(FailureCode::Halted, &halt.to_string()));
                }
                Err(_) => {
                    return Err(failed(FailureCode::InvalidRequest, "The cursor is not one of this cluster"));
                }
            }
        }
    }

    /// Notes that the HSM stands still, if that is what an error says.
    pub(crate) fn halt(&self, error: &LogError) {
        if let Some(halt) = error.halt() {
            self.halted.send_replace(Some(halt.to_string()));
        }
    }

    /// Computes where there is room for it, and brings about what comes of it.
    async fn compute(
        self: Arc<Self>,
        connection: ConnectionId,
        call: Call,
        place: Option<Place>,
        mut answer: oneshot::Sender<command::Outcome>,
    ) {
        let rooms = if place.is_some() { &self.passwords } else { &self.cores };
        let room = tokio::select! {
            biased;
            // Nobody waits any more, and nothing has begun.
            () = answer.closed() => return,
            room = rooms.clone().acquire_owned() => room,
        };
        let Ok(room) = room else { return };
        let service = self.clone();
        let computing = tokio::task::spawn_blocking(move || {
            // Taken for as long as it is computed, whoever waits for that.
            let _taken = (room, place);
            let outcome = service.partition.hsm.execute(connection, &call, service.clock.now());
            (outcome, call)
        });
        if let Ok((outcome, call)) = computing.await {
            let _ = answer.send(self.bring_about(connection, call, outcome).await);
        }
    }

    /// Makes the change that a call comes to, if it is one, and writes down what must not be forgotten.
    async fn bring_about(&self, connection: ConnectionId, call: Call, outcome: Outcome) -> command::Outcome {
        let outcome = match outcome {
            Outcome::Done(reply) => return self.saved(&call, command::Outcome::Reply(reply)),
            Outcome::Refused(failure) => {
                // The command's own entry may have come in after it was looked for: then it is refused for being
                // done.
                let id = CommandId::try_from(call.command_id.as_slice());
                let first = id.ok().and_then(|id| self.first_answer(&id));
                return self.saved(&call, first.unwrap_or(command::Outcome::Failure(failure)));
            }
            // It would have to know what is last in the log.
            Outcome::Change(_) if self.faults.stays_behind() => return behind(),
            Outcome::Change(planned) => {
                self.counts.changes.fetch_add(1, Ordering::Relaxed);
                self.partition.writer.make(connection, call, planned).await
            }
        };
        self.written_down(outcome)
    }

    /// Writes down what this HSM alone must not forget of a call, before it is answered. Cryptography leaves
    /// nothing, and does not wait for the disk of those who log in.
    fn saved(&self, call: &Call, outcome: command::Outcome) -> command::Outcome {
        if is_traceless(call) { outcome } else { self.written_down(outcome) }
    }

    fn written_down(&self, outcome: command::Outcome) -> command::Outcome {
        match self.partition.save() {
            Ok(()) => outcome,
            Err(error) => {
                tracing::error!(%error, "what must not be forgotten could not be written");
                failed(FailureCode::Internal, "The HSM cannot write its state")
            }
        }
    }
}

fn behind() -> command::Outcome {
    failed(FailureCode::Behind, "This HSM does not have yet what the caller has seen; ask another")
}
