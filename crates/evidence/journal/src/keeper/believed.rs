//! Whose checkpoints a keeper goes on from. Anybody who can write to the folder can write one; what it says counts, and
//! is carried on under the journal's own signature, only if the seal knows the key that signed it.

use std::io;

use strongroom_crypto::ed25519::PublicKey;

use super::KeeperOptions;
use crate::checkpoint::{Checkpoint, CheckpointKey, CheckpointStore};

/// The public halves of the keys that the seal knows, behind their epochs, latest first.
pub(super) struct Believed(Vec<(u32, PublicKey)>);

impl Believed {
    pub(super) fn new(options: &KeeperOptions) -> Self {
        let mut believed = Self(Vec::new());
        options.keys_before.iter().chain([&options.key]).for_each(|key| believed.add(key));
        believed
    }

    pub(super) fn add(&mut self, key: &CheckpointKey) {
        self.0.push((key.epoch, *key.key.public_key()));
        self.0.sort_unstable_by_key(|(epoch, _)| std::cmp::Reverse(*epoch));
    }

    /// Tells whether one of the keys signed the checkpoint.
    pub(super) fn has_signed(&self, checkpoint: &Checkpoint) -> bool {
        self.0.contains(&(checkpoint.key_epoch, checkpoint.key)) && checkpoint.is_signed()
    }

    /// The newest checkpoint by the latest of the keys that has signed any: an earlier one may have been stolen since, and
    /// is not heard any more.
    pub(super) fn newest(&self, checkpoints: &dyn CheckpointStore) -> io::Result<Option<Checkpoint>> {
        for named in &self.0 {
            let by_it = |one: &Checkpoint| (one.key_epoch, one.key) == *named && one.is_signed();
            if let Some(newest) = checkpoints.newest(&by_it)? {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }
}
