//! Names and places.

use std::fmt;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;

use crate::MAX_MEMBER_ID;

/// Names a partition: what an HSM cluster replicates.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartitionId(pub [u8; 16]);

impl PartitionId {
    /// The partition of the cluster that is called `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&sha256(&[b"strongroom/hsm/partition\0", name.as_bytes()].concat())[..16]);
        Self(id)
    }
}

impl fmt::Debug for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionId({})", hex::encode(&self.0))
    }
}

/// Names an HSM within its cluster: 1 to [`MAX_MEMBER_ID`] printable ASCII characters without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(String);

impl MemberId {
    /// Takes a name, if it can be one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits =
            (1..=MAX_MEMBER_ID).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a command. The client draws it at random and keeps it when it tries again, at whatever HSM.
pub type CommandId = [u8; 16];

/// A planned change.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// The client's name for it.
    pub id: CommandId,
    /// What it does to the machine, resolved: at most [`crate::MAX_EFFECTS`] bytes.
    pub effects: Vec<u8>,
    /// What the client is told, now and when it tries again: at most [`crate::MAX_REPLY`] bytes.
    pub reply: Vec<u8>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({}, {} bytes)", hex::encode(&self.id), self.effects.len())
    }
}

/// A place in the log: what a replica has, up to and with the entry `sequence`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Counts the restores from backups.
    pub incarnation: u32,
    /// Counts the changes of the partition key.
    pub epoch: u32,
    /// The last entry's place; 0 before the first.
    pub sequence: u64,
    /// The last entry's hash.
    pub hash: [u8; 32],
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { incarnation, epoch, sequence, hash } = self;
        write!(f, "Head({incarnation}.{epoch} #{sequence} {})", hex::encode(&hash[..4]))
    }
}
