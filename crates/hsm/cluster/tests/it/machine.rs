//! A machine that writes down what it is given.

use strongroom_crypto::digest::sha256;
use strongroom_hsm_cluster::{Machine, Refused, TokenKey};

/// Effects that the machine does not take.
pub(crate) const POISON: &[u8] = b"poison";

/// Every effect with its time, in order; and the epochs of the token keys, which are not part of the state.
#[derive(Debug, Default)]
pub(crate) struct Diary {
    pub(crate) lines: Vec<(i64, Vec<u8>)>,
    pub(crate) epochs: Vec<(u32, u32)>,
    pub(crate) newest_key: Option<[u8; 32]>,
    /// Makes the digest lie, as a broken replica's would.
    pub(crate) broken: bool,
}

impl Diary {
    /// The effects alone.
    pub(crate) fn effects(&self) -> Vec<&[u8]> {
        self.lines.iter().map(|(_, effects)| effects.as_slice()).collect()
    }

    /// How often an effect was applied.
    pub(crate) fn count(&self, effects: &[u8]) -> usize {
        self.lines.iter().filter(|(_, line)| line == effects).count()
    }
}

impl Machine for Diary {
    fn apply(&mut self, effects: &[u8], time_ms: i64) -> Result<(), Refused> {
        if effects == POISON {
            return Err(Refused);
        }
        self.lines.push((time_ms, effects.to_vec()));
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (time, effects) in &self.lines {
            bytes.extend_from_slice(&time.to_be_bytes());
            bytes.extend_from_slice(&(effects.len() as u32).to_be_bytes());
            bytes.extend_from_slice(effects);
        }
        bytes
    }

    fn load(&mut self, mut snapshot: &[u8]) -> Result<(), Refused> {
        self.lines.clear();
        while let Some((time, rest)) = snapshot.split_first_chunk::<8>() {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(Refused)?;
            let (effects, rest) =
                rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(Refused)?;
            self.lines.push((i64::from_be_bytes(*time), effects.to_vec()));
            snapshot = rest;
        }
        if snapshot.is_empty() { Ok(()) } else { Err(Refused) }
    }

    fn digest(&self) -> [u8; 32] {
        if self.broken { [0; 32] } else { sha256(&self.snapshot()) }
    }

    fn token_keys(&mut self, keys: &[TokenKey]) {
        self.epochs = keys.iter().map(|key| (key.incarnation, key.epoch)).collect();
        self.newest_key = keys.last().map(|key| *key.key.expose());
    }
}
