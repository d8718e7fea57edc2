//! Whom verification believes: the seal, or a public key and nothing else.

use strongroom_crypto::ed25519::PublicKey;
use strongroom_secret::Key256;

use crate::checkpoint::Checkpoint;

type MacKey<'a> = dyn Fn(u32) -> Option<Key256> + 'a;
type SignatureKey<'a> = dyn Fn(u32) -> Option<PublicKey> + 'a;

/// What a verification is made with.
pub struct Trust<'a> {
    /// The journal's key of an epoch, where MACs are to be checked.
    pub(super) mac_key: Option<Box<MacKey<'a>>>,
    signature_key: Box<SignatureKey<'a>>,
    /// Keys that are believed whatever epoch they say they are of.
    keys: Vec<PublicKey>,
    pub(super) anchors: Vec<Checkpoint>,
}

impl<'a> Trust<'a> {
    /// Verifies with the seal: chain, MACs and signatures. Given are, of an epoch of the seal, the journal's subkey, as
    /// [`JournalOptions::key_epoch`](crate::JournalOptions) named it when a stream was begun, and the public half of
    /// the key that signs checkpoints.
    pub fn seal(
        mac_key: impl Fn(u32) -> Option<Key256> + 'a,
        signature_key: impl Fn(u32) -> Option<PublicKey> + 'a,
    ) -> Self {
        Self {
            mac_key: Some(Box::new(mac_key)),
            signature_key: Box::new(signature_key),
            keys: Vec::new(),
            anchors: Vec::new(),
        }
    }

    /// Verifies as a stranger does, without any secret: hashes, chain and the signatures by these keys.
    #[must_use]
    pub fn public_keys(keys: Vec<PublicKey>) -> Self {
        Self { mac_key: None, signature_key: Box::new(|_| None), keys, anchors: Vec::new() }
    }

    /// Believes these keys too.
    #[must_use]
    pub fn and_public_keys(mut self, keys: Vec<PublicKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Compares the journal with checkpoints that were kept elsewhere.
    #[must_use]
    pub fn with_anchors(mut self, anchors: Vec<Checkpoint>) -> Self {
        self.anchors.extend(anchors);
        self
    }

    /// Tells whether a checkpoint names a key that is believed.
    pub(super) fn knows_key_of(&self, checkpoint: &Checkpoint) -> bool {
        self.keys.contains(&checkpoint.key)
            || (self.signature_key)(checkpoint.key_epoch) == Some(checkpoint.key)
    }

    /// Tells whether a checkpoint names an epoch of which another key is known.
    pub(super) fn knows_another_key_than(&self, checkpoint: &Checkpoint) -> bool {
        !self.knows_key_of(checkpoint) && (self.signature_key)(checkpoint.key_epoch).is_some()
    }
}
