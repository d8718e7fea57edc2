//! Which parts of the state the last changes wrote: how a plan learns that it is out of date.

use std::collections::{HashSet, VecDeque};

use crate::effect::{Kind, UserRef};

/// So many changes are remembered. A plan that more changes than these came before, made or in the same batch, does
/// not hold. As a change adds a user or two keys at most, a plan's counts are off by so much at most.
pub(crate) const REMEMBERED_CHANGES: usize = 512;

/// A part of the state that a plan relies on or a change writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    /// The partition's own keys.
    Foundation,
    /// One user.
    User(UserRef),
    /// Who there is.
    Users,
    /// One key, or that a handle is free.
    Key(u64),
    /// Which keys a crypto user owns, or may be needed for to approve.
    KeysOf(String),
    /// How many keys there are.
    KeyCount,
    /// Quorum values.
    Quorum,
    /// Whether an approval is used up, by the random part of a record.
    Approval(Vec<u8>),
    /// Trust anchors and their enforcement.
    Anchors,
}

/// What an effect writes.
pub(crate) fn written_by(effect: &Kind) -> Vec<Resource> {
    match effect {
        Kind::Foundation(_) => vec![Resource::Foundation],
        Kind::PutUser(record) => vec![Resource::User(record.user.clone()), Resource::Users],
        Kind::DeleteUser(user) => vec![Resource::User(user.clone()), Resource::Users],
        Kind::PutKey(record) => {
            let approvers = if record.highest_quorum() > 0 { record.shared_with.as_slice() } else { &[] };
            let names = std::iter::once(&record.owner).chain(approvers);
            let mut writes: Vec<_> = names.cloned().map(Resource::KeysOf).collect();
            writes.extend([Resource::Key(record.handle), Resource::KeyCount]);
            writes
        }
        Kind::DeleteKey(key) => vec![Resource::Key(key.handle), Resource::KeyCount],
        Kind::SetQuorum(_) => vec![Resource::Quorum],
        Kind::Spend(approval) => approval.nonces.iter().cloned().map(Resource::Approval).collect(),
        Kind::LogOut(_) | Kind::LogOutElsewhere(_) => Vec::new(),
        Kind::PutAnchor(_) | Kind::DeleteAnchor(_) | Kind::SetEnforcement(_) => vec![Resource::Anchors],
    }
}

/// The last changes.
#[derive(Default)]
pub(crate) struct History {
    revision: u64,
    changes: VecDeque<HashSet<Resource>>,
}

impl History {
    /// Counts the changes since the HSM was started.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn add(&mut self, writes: HashSet<Resource>) {
        self.revision += 1;
        self.changes.push_back(writes);
        if self.changes.len() > REMEMBERED_CHANGES {
            self.changes.pop_front();
        }
    }

    /// All that was planned up to now is out of date.
    pub(crate) fn begin_anew_after(&mut self, old: &Self) {
        self.revision = old.revision + 1;
    }

    /// Tells whether nothing in `reads` was written since `revision`, and that and what is `about_to_come` are not
    /// too many changes.
    pub(crate) fn untouched_since(
        &self,
        revision: u64,
        reads: &HashSet<Resource>,
        about_to_come: usize,
    ) -> bool {
        let Some(newer) = self.revision.checked_sub(revision) else {
            return false;
        };
        let newer = newer as usize;
        let Some(known) = self.changes.len().checked_sub(newer) else {
            return false;
        };
        newer + about_to_come < REMEMBERED_CHANGES
            && self.changes.range(known..).all(|writes| writes.is_disjoint(reads))
    }
}
