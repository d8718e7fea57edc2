//! Writing: what a member may propose, and sealing it.

use std::collections::HashSet;

use super::{Replica, SealedEntry};
use crate::entry::{BATCH_OVERHEAD, Body, COMMAND_OVERHEAD};
use crate::keys::{EpochKeys, Era};
use crate::member::{Invitation, seal_share};
use crate::{
    ClusterError, Command, CommandId, JoinRequest, MAX_BATCH, MAX_DEVICE_CHAIN, MAX_EFFECTS, MAX_ENTRY,
    MAX_EPOCHS, MAX_MEMBERS, MAX_REPLY, Machine, MemberId,
};

/// A known command's first reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command.
    pub id: CommandId,
    /// What its client was told first, and is told again; empty when that is not kept any more.
    pub reply: Vec<u8>,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The commands that are done already, with their first replies.
    pub answered: Vec<Answer>,
    /// How many commands of the batch, from its start, were answered or are in the entry. The others did not
    /// fit: propose them next.
    pub taken: usize,
    /// The entry to append; none when all were answered.
    pub entry: Option<SealedEntry>,
}

/// A joiner's way in. The invitation is sent once the entry is in the log, and thrown away if it lost the race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The Join entry.
    pub entry: SealedEntry,
    /// The keys, sealed to the joiner.
    pub invitation: Vec<u8>,
}

impl Command {
    /// Whether the log takes a command of this size.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.effects.len() <= MAX_EFFECTS && self.reply.len() <= MAX_REPLY
    }
}

impl<M: Machine> Replica<M> {
    /// Seals a batch for the next place; its commands were planned on the state at the head.
    ///
    /// What was under way before is forgotten; if it lands all the same, it is replayed like anyone's. A command
    /// that does not [fit](Command::fits) fails the whole call, before anything is done.
    pub fn propose(&mut self, batch: &[Command], now_ms: i64) -> Result<Proposed, ClusterError> {
        self.serving()?;
        if !batch.iter().all(Command::fits) {
            return Err(ClusterError::TooLarge);
        }
        let mut proposed = Proposed { answered: Vec::new(), taken: 0, entry: None };
        let (mut commands, mut ids, mut length) = (Vec::new(), HashSet::new(), BATCH_OVERHEAD);
        for command in batch {
            if let Some(reply) = self.known(&command.id) {
                proposed.answered.push(Answer { id: command.id, reply: reply.to_vec() });
            } else if !ids.contains(&command.id) {
                let longer = length + COMMAND_OVERHEAD + command.effects.len() + command.reply.len();
                if longer > MAX_ENTRY || commands.len() >= MAX_BATCH {
                    break;
                }
                length = longer;
                ids.insert(command.id);
                commands.push(command.clone());
            }
            proposed.taken += 1;
        }
        if !commands.is_empty() {
            proposed.entry = Some(self.seal(Body::Batch(commands), now_ms)?);
        }
        Ok(proposed)
    }

    /// Lets a joiner in, or lets one come again that lost its state. `vouch` tells whether the device
    /// certificates lead to the device root (its second argument) and the device's key signed the request.
    pub fn propose_join(
        &mut self,
        request: &JoinRequest,
        now_ms: i64,
        vouch: impl FnOnce(&JoinRequest, &[u8]) -> bool,
    ) -> Result<Admission, ClusterError> {
        self.serving()?;
        let (state, member) = (&self.ledger.state, &request.member);
        if request.partition != self.ledger.partition
            || member.id == self.me.member
            || member.device_chain.len() > MAX_DEVICE_CHAIN
        {
            return Err(ClusterError::Request);
        }
        if member.supports < state.level {
            return Err(ClusterError::Level(state.level));
        }
        if !state.members.contains_key(&member.id) && state.members.len() >= MAX_MEMBERS {
            return Err(ClusterError::Full("members"));
        }
        if state.former.contains(&member.public_key) {
            return Err(ClusterError::FormerKey);
        }
        if !vouch(request, &state.device_root) {
            return Err(ClusterError::Device);
        }
        let (head, ring, family) = (self.ledger.head, self.ledger.ring.clone(), self.family.clone());
        let sealed = Invitation { head, ring, family }.seal(self.ledger.partition, member);
        let invitation = sealed.map_err(|_| ClusterError::Request)?;
        let entry = self.seal(Body::Join(member.clone()), now_ms)?;
        Ok(Admission { entry, invitation })
    }

    /// Takes another member out and turns the epoch, in one entry: the leaver cannot read what comes after.
    pub fn propose_leave(&mut self, leaver: &MemberId, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        if *leaver == self.me.member {
            return Err(ClusterError::OwnLeave);
        }
        if !self.ledger.state.members.contains_key(leaver) {
            return Err(ClusterError::UnknownMember);
        }
        self.turn(Some(leaver.clone()), now_ms)
    }

    /// Turns the epoch: a new partition key for all members.
    pub fn propose_turn(&mut self, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        self.turn(None, now_ms)
    }

    fn turn(&mut self, leaver: Option<MemberId>, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        let (partition, head) = (self.ledger.partition, self.ledger.head);
        let epoch = head.epoch.checked_add(1).ok_or(ClusterError::Full("epochs"))?;
        if self.ledger.ring.len() >= MAX_EPOCHS {
            return Err(ClusterError::Full("epochs"));
        }
        let keys = EpochKeys::generated(Era { partition, incarnation: head.incarnation, epoch })?;
        let key = keys.root().ok_or(ClusterError::NotMember)?;
        let remaining =
            self.ledger.state.members.values().filter(|member| Some(&member.id) != leaver.as_ref());
        let shares = remaining
            .map(|member| Ok((member.id.clone(), seal_share(partition, &head, member, epoch, key)?)));
        let shares = shares.collect::<Result<_, ClusterError>>()?;
        self.seal(Body::Turn { leaver, epoch, shares }, now_ms)
    }

    /// States the digest of the state, which every replica compares with its own.
    pub fn propose_snapshot(&mut self, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        let digest = self.ledger.digest();
        self.seal(Body::Snapshot(digest), now_ms)
    }

    /// Whether the members know another feature level of this HSM than its version has.
    #[must_use]
    pub fn support_changed(&self) -> bool {
        let me = self.ledger.state.members.get(&self.me.member);
        me.is_some_and(|me| me.supports != self.me.supports)
    }

    /// Says what this HSM's version supports, after it was replaced by another.
    pub fn propose_support(&mut self, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        let (member, level) = (self.me.member.clone(), self.me.supports);
        self.seal(Body::Support { member, level }, now_ms)
    }

    /// Raises the feature level to one that every member supports.
    pub fn propose_level(&mut self, level: u32, now_ms: i64) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        let state = &self.ledger.state;
        if level <= state.level || state.members.values().any(|member| member.supports < level) {
            return Err(ClusterError::Level(level));
        }
        self.seal(Body::Level(level), now_ms)
    }

    /// Drops the keys of all epochs before the one given. Nothing may need them any more: no key token, no entry
    /// that is still in the log, no cursor that a client still holds. The keys in force stay, whatever is asked.
    pub fn propose_retire(
        &mut self,
        incarnation: u32,
        epoch: u32,
        now_ms: i64,
    ) -> Result<SealedEntry, ClusterError> {
        self.serving()?;
        self.seal(Body::Retire { incarnation, epoch }, now_ms)
    }
}
