//! What is replicated, as the kernel sees it.

use crate::TokenKey;

/// A deterministic state machine.
///
/// From the same state, the same effects at the same time give the same state, the same snapshot and the same
/// digest, at every replica and in every version that supports the cluster's feature level.
pub trait Machine {
    /// Makes the effects of one command happen. `time_ms` is the entry's: milliseconds since 1970 that never
    /// decrease from entry to entry.
    ///
    /// Nobody is asked whether the command is allowed; that was decided when it was planned. Effects that the
    /// machine does not know must be refused: the replica then halts.
    fn apply(&mut self, effects: &[u8], time_ms: i64) -> Result<(), Refused>;

    /// Writes the whole state, canonically: equal states give equal bytes.
    fn snapshot(&self) -> Vec<u8>;

    /// Becomes the state that [`Machine::snapshot`] wrote.
    fn load(&mut self, snapshot: &[u8]) -> Result<(), Refused>;

    /// Gives a digest of the state. Equal states have equal digests.
    fn digest(&self) -> [u8; 32];

    /// Takes the keys for key tokens, all that there are, oldest first: the last one is for new tokens. Called
    /// whenever they change: at the start, when the epoch turns, after a restore, when old ones are retired.
    fn token_keys(&mut self, keys: &[TokenKey]);
}

/// A machine does not take what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state machine refuses")]
pub struct Refused;
