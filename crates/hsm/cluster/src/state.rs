//! What the kernel itself replicates.

use std::collections::{BTreeMap, HashMap, VecDeque};

use strongroom_crypto::digest::Sha256;

use crate::codec::{Malformed, Reader, Writer};
use crate::member::{read_member, write_member};
use crate::{
    CommandId, KNOWN_COMMANDS, KNOWN_REPLY_BYTES, MAX_DEVICE_ROOT, MAX_MEMBERS, MAX_REPLY, Member, MemberId,
    TRAIL,
};

/// The kernel's part of the state: equal at all replicas with the same head.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) level: u32,
    pub(crate) time_ms: i64,
    pub(crate) device_root: Vec<u8>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) known: Known,
    pub(crate) trail: Trail,
}

impl State {
    /// The state before the first entry.
    pub(crate) fn empty() -> Self {
        Self {
            level: 0,
            time_ms: i64::MIN,
            device_root: Vec::new(),
            members: BTreeMap::new(),
            known: Known::default(),
            trail: Trail::default(),
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.level).i64(self.time_ms).bytes(&self.device_root).u32(self.members.len() as u32);
        for member in self.members.values() {
            write_member(w, member);
        }
        self.known.write(w);
        self.trail.write(w);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (level, time_ms) = (r.u32()?, r.i64()?);
        let device_root = r.bytes(MAX_DEVICE_ROOT)?.to_vec();
        let mut members = BTreeMap::new();
        for _ in 0..r.count(MAX_MEMBERS)? {
            let member = read_member(r)?;
            members.insert(member.id.clone(), member);
        }
        let (known, trail) = (Known::read(r)?, Trail::read(r)?);
        Ok(Self { level, time_ms, device_root, members, known, trail })
    }

    /// The digest over this and the machine's.
    pub(crate) fn digest(&self, machine: &[u8; 32]) -> [u8; 32] {
        let mut w = Writer::default();
        self.write(&mut w);
        let mut digest = Sha256::new();
        digest.update(b"strongroom/hsm/state\0");
        digest.update(machine);
        digest.update(&w.0);
        digest.finish()
    }
}

/// Recent commands with their first replies. The oldest go first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    replies: HashMap<CommandId, Box<[u8]>>,
    order: VecDeque<CommandId>,
    bytes: usize,
}

impl Known {
    pub(crate) fn get(&self, id: &CommandId) -> Option<&[u8]> {
        self.replies.get(id).map(AsRef::as_ref)
    }

    /// Takes a new command in.
    pub(crate) fn insert(&mut self, id: CommandId, reply: &[u8]) {
        if self.replies.insert(id, reply.into()).is_some() {
            return;
        }
        self.order.push_back(id);
        self.bytes += reply.len();
        while self.order.len() > KNOWN_COMMANDS || self.bytes > KNOWN_REPLY_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(reply) = self.replies.remove(&oldest) {
                self.bytes -= reply.len();
            }
        }
    }

    fn write(&self, w: &mut Writer) {
        w.u32(self.order.len() as u32);
        for id in &self.order {
            w.raw(id).bytes(self.get(id).unwrap_or_default());
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut known = Self::default();
        for _ in 0..r.count(KNOWN_COMMANDS)? {
            let id = r.array()?;
            known.insert(id, r.bytes(MAX_REPLY)?);
        }
        Ok(known)
    }
}

/// How much of an entry's hash the trail keeps.
const MARK: usize = 16;

/// What the trail says of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// It is the entry's.
    Same,
    /// It is not.
    Other,
    /// The trail does not reach there.
    Beyond,
}

/// The hashes of the last entries, to compare with what clients, snapshots and the store say of the past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    /// The place of the last mark.
    last: u64,
    marks: VecDeque<[u8; MARK]>,
}

impl Trail {
    /// Takes the next entry's hash.
    pub(crate) fn push(&mut self, sequence: u64, hash: &[u8; 32]) {
        let mut mark = [0; MARK];
        mark.copy_from_slice(&hash[..MARK]);
        self.last = sequence;
        self.marks.push_back(mark);
        if self.marks.len() > TRAIL {
            self.marks.pop_front();
        }
    }

    pub(crate) fn trace(&self, sequence: u64, hash: &[u8; 32]) -> Trace {
        let back = self.last.checked_sub(sequence).and_then(|back| usize::try_from(back).ok());
        let mark = back
            .and_then(|back| self.marks.len().checked_sub(1)?.checked_sub(back))
            .and_then(|index| self.marks.get(index));
        match mark {
            None => Trace::Beyond,
            Some(mark) if hash[..MARK] == *mark => Trace::Same,
            Some(_) => Trace::Other,
        }
    }

    fn write(&self, w: &mut Writer) {
        w.u64(self.last).u32(self.marks.len() as u32);
        for mark in &self.marks {
            w.raw(mark);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let last = r.u64()?;
        let mut marks = VecDeque::new();
        for _ in 0..r.count(TRAIL)? {
            marks.push_back(r.array()?);
        }
        Ok(Self { last, marks })
    }
}
