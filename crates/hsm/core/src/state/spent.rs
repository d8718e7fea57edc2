//! Approvals that are used up.

use std::collections::{HashSet, VecDeque};

/// The most random parts that are remembered. Tokens live for minutes, so the oldest go long after the tokens
/// they belong to: an approval holds one part for each HSM, and every approval took people to sign it.
const MOST: usize = 32_768;

/// The random parts of the records of used approvals.
#[derive(Default)]
pub(crate) struct Spent {
    known: HashSet<[u8; 16]>,
    oldest_first: VecDeque<[u8; 16]>,
}

impl Spent {
    pub(crate) fn contains(&self, nonce: &[u8; 16]) -> bool {
        self.known.contains(nonce)
    }

    /// Adds them; what has another length than 16 is no nonce of ours and is passed over by every HSM alike.
    pub(crate) fn add(&mut self, nonces: &[Vec<u8>]) {
        for nonce in nonces.iter().filter_map(|nonce| <[u8; 16]>::try_from(nonce.as_slice()).ok()) {
            if self.known.insert(nonce) {
                self.oldest_first.push_back(nonce);
            }
        }
        while self.oldest_first.len() > MOST {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.oldest_first.iter()
    }
}
