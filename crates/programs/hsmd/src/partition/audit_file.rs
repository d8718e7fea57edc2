//! Audit records that wait to be stored, in a file: they outlive the process, and go when they are stored.
//!
//! The file is a row of items, each a length (4 bytes), a kind (1 byte) and its content: a record, or the first
//! sequence number that is not stored yet.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_hsm_core::{AuditRecord, Hsm};
use strongroom_hsm_proto::fleet;

use super::LogError;
use crate::state::{Folder, Tail};

const FILE: &str = "audit";
/// The file is written anew when it is longer, in bytes.
const LONG: usize = 4 << 20;
const RECORD: u8 = 0;
const STORED: u8 = 1;

/// The file of the audit log.
pub(crate) struct AuditFile {
    hsm: Arc<Hsm>,
    folder: Arc<Folder>,
    file: Mutex<Open>,
}

struct Open {
    tail: Tail,
    length: usize,
    /// The first number that this process gave, until it is known what is stored.
    began_at: Option<u64>,
}

impl AuditFile {
    /// Goes on with the records that are in the folder.
    pub(crate) fn open(hsm: Arc<Hsm>, folder: Arc<Folder>) -> Result<Self, LogError> {
        let saved = folder.read(FILE).map_err(LogError::disk)?;
        let saved = saved.as_ref().map_or(&[][..], |saved| saved.expose());
        let (mut rest, mut next, mut waiting) = (saved, 0, Vec::new());
        // A crash may have cut the last item off in its middle.
        while let Some((kind, content, after)) = item(rest) {
            match kind {
                RECORD => waiting.push(AuditRecord::decode(content).map_err(|_| LogError::damaged(FILE))?),
                STORED => {
                    let stored = content.try_into().map_err(|_| LogError::damaged(FILE))?;
                    next = next.max(u64::from_be_bytes(stored));
                }
                _ => return Err(LogError::damaged(FILE)),
            }
            rest = after;
        }
        waiting.retain(|record: &AuditRecord| record.sequence >= next);
        // One that was written while the file was made anew is there twice.
        waiting.dedup_by_key(|record| record.sequence);
        let began_at = Some(waiting.last().map_or(next, |last| last.sequence + 1));
        hsm.restore_audit(next, waiting);
        let length = saved.len() - rest.len();
        let tail = folder.tail(FILE, length).map_err(LogError::disk)?;
        Ok(Self { hsm, folder, file: Mutex::new(Open { tail, length, began_at }) })
    }

    /// Saves records that are new. To be called before an answer is sent that they are about.
    pub(crate) fn save(&self) -> io::Result<()> {
        // The lock comes first, or a later record could be written before an earlier one.
        self.save_to(&mut self.file())
    }

    fn save_to(&self, file: &mut Open) -> io::Result<()> {
        let records = self.hsm.unsaved_audit();
        if records.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = records.iter().flat_map(|record| framed(RECORD, &record.encode())).collect();
        file.length += bytes.len();
        file.tail.write(&bytes)
    }

    /// The oldest records that are not stored yet, at most `most`.
    pub(crate) fn waiting(&self, most: usize) -> Vec<fleet::AuditRecord> {
        self.hsm.drain_audit(most).iter().map(on_the_wire).collect()
    }

    /// The control plane has all records before `next`, it says when it takes the HSM. If that is more than this
    /// process began with, the machine has forgotten some, and this process gave their numbers again.
    pub(crate) fn go_on_from(&self, next: u64) -> Result<(), LogError> {
        let mut file = self.file();
        // No audit log is longer than the store's numbers.
        let is_possible = i64::try_from(next).is_ok();
        let began_at = file.began_at.take().filter(|began_at| *began_at < next && is_possible);
        let Some(began_at) = began_at else { return Ok(()) };
        tracing::warn!(from = began_at, to = next, "the last records of the audit log were lost here");
        self.hsm.renumber_audit(began_at, next);
        self.save_to(&mut file).map_err(|error| LogError::Disk(error.to_string()))?;
        self.note_stored(&mut file, next)
    }

    /// All records before `next` are stored.
    pub(crate) fn stored(&self, next: u64) -> Result<(), LogError> {
        let mut file = self.file();
        file.began_at = None;
        self.note_stored(&mut file, next)
    }

    fn note_stored(&self, file: &mut Open, next: u64) -> Result<(), LogError> {
        let Some(last) = next.checked_sub(1) else { return Ok(()) };
        self.hsm.audit_stored(last);
        let item = framed(STORED, &next.to_be_bytes());
        if file.length < LONG {
            file.length += item.len();
            return file.tail.write(&item).map_err(|error| LogError::Disk(error.to_string()));
        }
        // What was not saved yet is written now, along with what waits.
        let _ = self.hsm.unsaved_audit();
        let waiting = self.hsm.drain_audit(usize::MAX);
        let mut anew = item;
        anew.extend(waiting.iter().flat_map(|record| framed(RECORD, &record.encode())));
        self.folder.write(FILE, &anew).map_err(LogError::disk)?;
        file.tail = self.folder.tail(FILE, anew.len()).map_err(LogError::disk)?;
        file.length = anew.len();
        Ok(())
    }

    fn file(&self) -> MutexGuard<'_, Open> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn framed(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len() as u32 + 1;
    [&length.to_be_bytes(), &[kind][..], content].concat()
}

/// The first item, and what follows it.
fn item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (item, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (kind, content) = item.split_first()?;
    Some((*kind, content, rest))
}

fn on_the_wire(record: &AuditRecord) -> fleet::AuditRecord {
    fleet::AuditRecord { text: record.to_string(), ..fleet::AuditRecord::from(record) }
}
