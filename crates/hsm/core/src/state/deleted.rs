//! Keys that were deleted.

use std::collections::{HashSet, VecDeque};

/// The most handles that are remembered: several times as many as a cluster has keys.
const MOST: usize = 65_536;

/// The handles of the last keys that were deleted. They do not come back with what a clone still has of them: that
/// would undo what was forbidden, revoked or deleted since.
#[derive(Default)]
pub(crate) struct Deleted {
    known: HashSet<u64>,
    oldest_first: VecDeque<u64>,
}

impl Deleted {
    pub(crate) fn contains(&self, handle: u64) -> bool {
        self.known.contains(&handle)
    }

    pub(crate) fn add(&mut self, handle: u64) {
        if self.known.insert(handle) {
            self.oldest_first.push_back(handle);
        }
        while self.oldest_first.len() > MOST {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.oldest_first.iter().copied()
    }
}
