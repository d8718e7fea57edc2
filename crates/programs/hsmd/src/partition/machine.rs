//! The HSM's core as the kernel sees it.

use std::sync::Arc;

use strongroom_hsm_cluster::{Machine, Refused, TokenKey};
use strongroom_hsm_core::{Hsm, Now};

/// The core, shared with those who compute.
#[derive(Clone)]
pub(crate) struct Core(pub(crate) Arc<Hsm>);

impl Machine for Core {
    fn apply(&mut self, effects: &[u8], time_ms: i64) -> Result<(), Refused> {
        // A partition is founded in two steps: its first entry makes the keys under which the second one's
        // effects are sealed.
        if effects.is_empty() {
            return Ok(());
        }
        let now = Now { domain_ms: time_ms, monotonic_ms: 0 };
        self.0.apply(effects, now).map_err(|error| {
            tracing::error!(%error, "the effects of an entry could not be applied");
            Refused
        })
    }

    fn snapshot(&self) -> Vec<u8> {
        self.0.snapshot()
    }

    fn load(&mut self, snapshot: &[u8]) -> Result<(), Refused> {
        self.0.load(snapshot).map_err(|error| {
            tracing::error!(%error, "a snapshot could not be taken over");
            Refused
        })
    }

    fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    fn token_keys(&mut self, keys: &[TokenKey]) {
        for key in keys {
            self.0.set_epoch(key.incarnation, key.epoch, &key.key);
        }
        if let Some(oldest) = keys.first() {
            self.0.forget_epochs_before(oldest.incarnation, oldest.epoch);
        }
    }
}
