//! What is killed, and when.

use std::time::Duration;

use super::stage::ZONES;
use crate::choices::Choices;

/// How much longer than a connection usually takes the moment may come, in hundredths.
const UNTIL: u64 = 120;

/// The longest time for which the server is away, in milliseconds.
const LONGEST_AWAY_MS: u64 = 300;

/// One round.
#[derive(Debug)]
pub(super) struct Blow {
    /// HSMs, by their place among the processes.
    pub(super) hsms: Vec<usize>,
    pub(super) server: bool,
    /// When it comes, after the change was asked for.
    pub(super) moment: Duration,
    /// How long the server is away.
    pub(super) away: Duration,
    /// The administrator sets another password first, and the owner tells KMS.
    pub(super) resets: bool,
    /// It comes while KMS disconnects.
    pub(super) disconnecting: bool,
}

impl Blow {
    /// Anything, within the time that a connection usually takes and a little more.
    pub(super) fn choose(choices: &mut Choices, usual: Duration) -> Self {
        let (count, server) = match choices.next(0..8) {
            0..=2 => (0, true),
            3 => (1, true),
            4 => (ZONES.len(), true),
            5 | 6 => (1, false),
            _ => (ZONES.len(), false),
        };
        let mut left: Vec<_> = (0..ZONES.len()).collect();
        let hsms =
            (0..count).map(|_| left.swap_remove(choices.next(0..left.len() as u64) as usize)).collect();
        let longest = u64::try_from(usual.as_micros()).unwrap() * UNTIL / 100;
        Self {
            hsms,
            server,
            moment: Duration::from_micros(choices.next(0..longest.max(1))),
            away: Duration::from_millis(choices.next(0..LONGEST_AWAY_MS)),
            resets: choices.next(0..4) == 0,
            disconnecting: choices.next(0..8) == 0,
        }
    }
}
