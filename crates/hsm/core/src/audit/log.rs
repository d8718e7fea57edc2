//! The records that wait to be stored.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_hsm_proto::command::FailureCode;

use super::{AuditDetail, AuditRecord, Opcode, response};
use crate::Now;
use crate::refusal::Refusal;

/// The records that wait, and room for those that are about to be written.
pub(crate) struct AuditLog {
    inner: Mutex<Inner>,
    capacity: usize,
    reboot_counter: u32,
}

/// Of the room, one part in so many is kept for sessions in which somebody is logged in.
const KEPT_FOR_USERS: usize = 4;
/// Room beyond the capacity for records that nothing can be refused for.
const SPARE: usize = 4_096;

struct Inner {
    next_sequence: u64,
    /// Records before this one were given out to be saved.
    unsaved_from: u64,
    waiting: VecDeque<AuditRecord>,
    reserved: usize,
    /// Whether the last record says that there is no more room.
    end_is_marked: bool,
}

impl AuditLog {
    pub(crate) fn new(capacity: usize, reboot_counter: u32) -> Arc<Self> {
        let inner = Inner {
            next_sequence: 0,
            unsaved_from: 0,
            waiting: VecDeque::new(),
            reserved: 0,
            end_is_marked: false,
        };
        Arc::new(Self { inner: Mutex::new(inner), capacity, reboot_counter })
    }

    /// Keeps room for one record. The first time that there is none, the log says so. Strangers, in whose session
    /// nobody is logged in, do not take all of it.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        opcode: Opcode,
        session: u64,
        is_stranger: bool,
        now: Now,
    ) -> Result<Slot, Refusal> {
        const FULL: Refusal = Refusal::new(FailureCode::AuditLogFull, "The HSM's audit log is full");
        let mut inner = self.lock();
        let taken = inner.waiting.len() + inner.reserved;
        if is_stranger && (self.capacity - self.capacity / KEPT_FOR_USERS..self.capacity).contains(&taken) {
            return Err(FULL);
        }
        if taken >= self.capacity {
            let told = std::mem::replace(&mut inner.end_is_marked, true);
            drop(inner);
            if !told {
                self.note(Opcode::EndMarker, 0, AuditDetail::None, now);
            }
            return Err(FULL);
        }
        inner.reserved += 1;
        Ok(Slot { log: Arc::clone(self), opcode, session, detail: AuditDetail::None, companion: None })
    }

    /// Writes a record of something that happens whether there is room or not, such as a connection's end. It is
    /// left out, and no sequence number with it, when even the spare room is full.
    pub(crate) fn note(&self, opcode: Opcode, session: u64, detail: AuditDetail, now: Now) {
        if self.lock().waiting.len() >= self.capacity + SPARE {
            return;
        }
        self.write(opcode, session, detail, (0, "HSM Return: SUCCESS".to_owned()), now);
    }

    fn write(
        &self,
        opcode: Opcode,
        session: u64,
        detail: AuditDetail,
        (response, response_text): (u32, String),
        now: Now,
    ) {
        let mut inner = self.lock();
        let record = AuditRecord {
            sequence: inner.next_sequence,
            time_us: now.domain_ms.saturating_mul(1_000),
            reboot_counter: self.reboot_counter,
            opcode: opcode.published(),
            session,
            response,
            response_text,
            detail,
        };
        inner.next_sequence += 1;
        inner.waiting.push_back(record);
    }

    pub(crate) fn oldest(&self, most: usize) -> Vec<AuditRecord> {
        self.lock().waiting.iter().take(most).cloned().collect()
    }

    pub(crate) fn stored(&self, up_to: u64) {
        let mut inner = self.lock();
        inner.end_is_marked = false;
        while inner.waiting.front().is_some_and(|record| record.sequence <= up_to) {
            inner.waiting.pop_front();
        }
    }

    /// Records that were not given out here before.
    pub(crate) fn unsaved(&self) -> Vec<AuditRecord> {
        let mut inner = self.lock();
        let next = inner.next_sequence;
        let from = std::mem::replace(&mut inner.unsaved_from, next);
        let known = inner.waiting.partition_point(|record| record.sequence < from);
        inner.waiting.range(known..).cloned().collect()
    }

    pub(crate) fn restore(&self, next_sequence: u64, waiting: Vec<AuditRecord>) {
        let mut inner = self.lock();
        inner.next_sequence = waiting.last().map_or(next_sequence, |last| last.sequence + 1);
        inner.unsaved_from = inner.next_sequence;
        inner.waiting = waiting.into();
    }

    /// Gives the records that have the numbers from `from` on numbers from `to` on. They are to be saved again.
    pub(crate) fn renumber(&self, from: u64, to: u64) {
        let Some(by) = to.checked_sub(from) else { return };
        let mut inner = self.lock();
        for record in inner.waiting.iter_mut().filter(|record| record.sequence >= from) {
            record.sequence += by;
        }
        inner.next_sequence += by;
        inner.unsaved_from = inner.unsaved_from.min(from);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for the record of a command that is under way. If it is dropped unwritten, nothing happened.
pub(crate) struct Slot {
    log: Arc<AuditLog>,
    pub(crate) opcode: Opcode,
    session: u64,
    pub(crate) detail: AuditDetail,
    pub(crate) companion: Option<Companion>,
}

/// A second record that a command leaves when it is done: of the key that wraps or unwraps another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Companion {
    /// It comes before the command's own.
    Before(u64),
    /// It comes after it.
    After(u64),
}

impl Slot {
    /// Writes the record.
    pub(crate) fn write(self, refused: Option<(FailureCode, &str)>, now: Now) {
        let companion = self.companion.filter(|_| refused.is_none());
        if let Some(Companion::Before(key)) = companion {
            self.write_companion(key, now);
        }
        self.write_own(refused, now);
        if let Some(Companion::After(key)) = companion {
            self.write_companion(key, now);
        }
    }

    fn write_companion(&self, key: u64, now: Now) {
        let detail = AuditDetail::Keys { private: key, public: 0 };
        self.log.note(Opcode::NistAesWrap, self.session, detail, now);
    }

    fn write_own(&self, refused: Option<(FailureCode, &str)>, now: Now) {
        let is_login = self.opcode == Opcode::Login;
        let response = match refused {
            Some((code, text)) => response(Some(code), text, is_login),
            None => response(None, "", is_login),
        };
        self.log.write(self.opcode, self.session, self.detail.clone(), response, now);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.log.lock().reserved -= 1;
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("opcode", &self.opcode).finish_non_exhaustive()
    }
}
