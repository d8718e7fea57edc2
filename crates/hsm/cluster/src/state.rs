//! What the kernel itself replicates.

use std::collections::{BTreeMap, HashMap, VecDeque};

use strongroom_crypto::digest::{Sha256, sha256};

use crate::codec::{Malformed, Reader, Writer};
use crate::member::{read_member, write_member};
use crate::{
    CommandId, FORMER_KEYS, KNOWN_AT_LEAST, KNOWN_COMMANDS, KNOWN_MS, KNOWN_REPLIES, KNOWN_REPLY_BYTES,
    MAX_DEVICE_ROOT, MAX_EPOCHS, MAX_MEMBERS, MAX_REPLY, Member, MemberId, TRAIL,
};

/// The kernel's part of the state: equal at all replicas with the same head.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) level: u32,
    pub(crate) time_ms: i64,
    pub(crate) device_root: Vec<u8>,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) former: Former,
    pub(crate) epochs: Epochs,
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
            former: Former::default(),
            epochs: Epochs::default(),
            known: Known::default(),
            trail: Trail::default(),
        }
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.level).i64(self.time_ms).bytes(&self.device_root).u32(self.members.len() as u32);
        for member in self.members.values() {
            write_member(w, member);
        }
        self.former.write(w);
        self.epochs.write(w);
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
        let (former, epochs) = (Former::read(r)?, Epochs::read(r)?);
        let (known, trail) = (Known::read(r)?, Trail::read(r)?);
        Ok(Self { level, time_ms, device_root, members, former, epochs, known, trail })
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

/// The public keys of members that are gone, by their SHA-256: what was ever sealed to such a key can be opened by
/// whoever has it. The oldest go first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Former(VecDeque<[u8; 32]>);

impl Former {
    pub(crate) fn insert(&mut self, public_key: &[u8]) {
        if !self.contains(public_key) {
            self.0.push_back(sha256(public_key));
            if self.0.len() > FORMER_KEYS {
                self.0.pop_front();
            }
        }
    }

    pub(crate) fn contains(&self, public_key: &[u8]) -> bool {
        self.0.contains(&sha256(public_key))
    }

    fn write(&self, w: &mut Writer) {
        w.u32(self.0.len() as u32);
        for key in &self.0 {
            w.raw(key);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let keys = (0..r.count(FORMER_KEYS)?).map(|_| r.array());
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }
}

/// Where the epochs of this incarnation ended, and which of their keys somebody has who is no member any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs {
    /// Epochs that are over and the last places whose cursors are of them; the oldest first.
    over: VecDeque<(u32, u64)>,
    /// Whoever left knows the keys of the epochs before this one.
    left_before: u32,
}

impl Epochs {
    /// The epoch is over: the entry after `last` began the next one.
    pub(crate) fn end(&mut self, epoch: u32, last: u64, somebody_left: bool) {
        self.over.push_back((epoch, last));
        if self.over.len() > MAX_EPOCHS {
            self.over.pop_front();
        }
        if somebody_left {
            self.left_before = epoch.saturating_add(1);
        }
    }

    /// The last place whose cursor is of an epoch that is over.
    pub(crate) fn last_of(&self, epoch: u32) -> Option<u64> {
        self.over.iter().find(|(over, _)| *over == epoch).map(|(_, last)| *last)
    }

    /// Whether somebody who is no member any more knows the epoch's keys.
    pub(crate) fn are_known_outside(&self, epoch: u32) -> bool {
        epoch < self.left_before
    }

    fn write(&self, w: &mut Writer) {
        w.u32(self.left_before).u32(self.over.len() as u32);
        for (epoch, last) in &self.over {
            w.u32(*epoch).u64(*last);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let left_before = r.u32()?;
        let mut over = VecDeque::new();
        for _ in 0..r.count(MAX_EPOCHS)? {
            over.push_back((r.u32()?, r.u64()?));
        }
        Ok(Self { over, left_before })
    }
}

/// Recent commands, and the first replies of the latest. The oldest go first, replies long before names: a retry
/// must not take effect twice, even where the first reply is too much to keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    replies: HashMap<CommandId, Option<Box<[u8]>>>,
    /// The commands with the times of their entries, the oldest first.
    order: VecDeque<(CommandId, i64)>,
    /// So many of the oldest have no reply any more.
    bare: usize,
    bytes: usize,
}

impl Known {
    /// A known command's first reply; empty when it is not kept any more.
    pub(crate) fn get(&self, id: &CommandId) -> Option<&[u8]> {
        self.replies.get(id).map(|reply| reply.as_deref().unwrap_or_default())
    }

    /// Takes a new command in, of an entry of this time.
    pub(crate) fn insert(&mut self, id: CommandId, reply: &[u8], time_ms: i64) {
        if self.replies.insert(id, Some(reply.into())).is_some() {
            return;
        }
        self.order.push_back((id, time_ms));
        self.bytes += reply.len();
        while self.order.len() - self.bare > KNOWN_REPLIES || self.bytes > KNOWN_REPLY_BYTES {
            let Some((oldest, _)) = self.order.get(self.bare) else { break };
            if let Some(reply) = self.replies.get_mut(oldest).and_then(Option::take) {
                self.bytes -= reply.len();
            }
            self.bare += 1;
        }
        while let Some((oldest, then_ms)) = self.order.front() {
            let is_old = self.order.len() > KNOWN_AT_LEAST && time_ms.saturating_sub(*then_ms) > KNOWN_MS;
            if !is_old && self.order.len() <= KNOWN_COMMANDS {
                break;
            }
            if let Some(Some(reply)) = self.replies.remove(oldest) {
                self.bytes -= reply.len();
            }
            self.order.pop_front();
            self.bare = self.bare.saturating_sub(1);
        }
    }

    fn write(&self, w: &mut Writer) {
        w.u32(self.order.len() as u32).u32(self.bare as u32);
        for (index, (id, time_ms)) in self.order.iter().enumerate() {
            w.raw(id).i64(*time_ms);
            if index >= self.bare {
                w.bytes(self.get(id).unwrap_or_default());
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = r.count(KNOWN_COMMANDS)?;
        let mut known = Self { bare: r.count(count)?, ..Self::default() };
        for index in 0..count {
            let (id, time_ms) = (r.array()?, r.i64()?);
            let reply = if index < known.bare { None } else { Some(r.bytes(MAX_REPLY)?) };
            known.bytes += reply.map_or(0, <[u8]>::len);
            known.order.push_back((id, time_ms));
            if known.replies.insert(id, reply.map(Into::into)).is_some() {
                return Err(Malformed);
            }
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
