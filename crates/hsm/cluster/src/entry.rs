//! Entries of the log: their header, their seal and what they say.
//!
//! ```text
//! format                          1 byte, 1
//! incarnation, epoch              4 bytes each, big-endian
//! sequence                        8 bytes, big-endian; the first is 1
//! hash of the previous entry      32 bytes; of the first: `genesis`
//! the rest, salted and sealed under the epoch's log key; associated data: partition id, all of the above
//!   kind                          1 byte
//!   time                          8 bytes, big-endian; milliseconds since 1970
//!   what the kind has             (`Body`)
//! ```
//!
//! An entry's hash is the SHA-256 of all its bytes.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{CryptoError, salted};
use strongroom_secret::Key256;

use crate::codec::{Malformed, Reader, Writer};
use crate::member::{read_member, write_member};
use crate::{
    Command, Head, MAX_BATCH, MAX_DEVICE_ROOT, MAX_EFFECTS, MAX_ENTRY, MAX_MEMBER_ID, MAX_MEMBERS, MAX_REPLY,
    MAX_SEALED_KEY, Member, MemberId, PartitionId,
};

/// The format of entries that this version writes.
pub const ENTRY_FORMAT: u8 = 1;
const LABEL: &[u8] = b"strongroom/hsm/entry";

/// The hash that the first entry of a log has before it.
#[must_use]
pub fn genesis(partition: PartitionId, incarnation: u32) -> [u8; 32] {
    sha256(&[b"strongroom/hsm/log\0".as_slice(), &partition.0, &incarnation.to_be_bytes()].concat())
}

/// The part of an entry that is not secret. Nothing in it is to be believed before the entry opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The incarnation of the cluster.
    pub incarnation: u32,
    /// The epoch under whose log key the entry is sealed.
    pub epoch: u32,
    /// The entry's place.
    pub sequence: u64,
    /// The hash of the entry before it.
    pub previous: [u8; 32],
}

/// Why the bytes of an entry are not looked at further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// They are none of an entry.
    #[error("the bytes are not those of an entry")]
    Malformed,
    /// They are an entry in a format of a later version.
    #[error("the entry has format {0}, which this version does not know")]
    Format(u8),
    /// The entry is of a kind of a later version.
    #[error("the entry is of kind {0}, which this version does not know")]
    Kind(u8),
    /// The entry does not open: another key, another partition, or changed bytes.
    #[error("the entry does not open")]
    Sealed,
}

impl From<Malformed> for EntryError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Header {
    /// Its length in bytes.
    pub const LENGTH: usize = 1 + 4 + 4 + 8 + 32;

    /// The header of the entry that follows `head`.
    pub(crate) const fn after(head: &Head) -> Self {
        Self {
            incarnation: head.incarnation,
            epoch: head.epoch,
            sequence: head.sequence + 1,
            previous: head.hash,
        }
    }

    /// Reads the header of a sealed entry; gives what follows it, too.
    pub fn read(entry: &[u8]) -> Result<(Self, &[u8]), EntryError> {
        let mut r = Reader::new(entry);
        let format = r.u8()?;
        if format != ENTRY_FORMAT {
            return Err(EntryError::Format(format));
        }
        let header =
            Self { incarnation: r.u32()?, epoch: r.u32()?, sequence: r.u64()?, previous: r.array()? };
        let sealed = r.rest();
        if entry.len() > MAX_ENTRY || sealed.len() < salted::OVERHEAD {
            return Err(EntryError::Malformed);
        }
        Ok((header, sealed))
    }

    fn write(&self, w: &mut Writer) {
        w.u8(ENTRY_FORMAT).u32(self.incarnation).u32(self.epoch).u64(self.sequence).raw(&self.previous);
    }

    fn associated_data(&self, partition: PartitionId) -> Vec<u8> {
        let mut w = Writer(Vec::with_capacity(16 + Self::LENGTH));
        w.raw(&partition.0);
        self.write(&mut w);
        w.0
    }

    /// Seals an entry with this header.
    pub fn seal(
        &self,
        partition: PartitionId,
        log_key: &Key256,
        entry: &Entry,
    ) -> Result<Vec<u8>, CryptoError> {
        let plaintext = entry.encode();
        let mut w = Writer(Vec::with_capacity(Self::LENGTH + salted::OVERHEAD + plaintext.len()));
        self.write(&mut w);
        salted::seal_into(log_key, LABEL, &self.associated_data(partition), &plaintext, &mut w.0)?;
        Ok(w.0)
    }

    /// Tells whether a member of `partition` sealed this.
    #[must_use]
    pub fn is_genuine(&self, partition: PartitionId, log_key: &Key256, sealed: &[u8]) -> bool {
        salted::open(log_key, LABEL, &self.associated_data(partition), sealed).is_ok()
    }

    /// Opens what follows this header.
    pub fn open(&self, partition: PartitionId, log_key: &Key256, sealed: &[u8]) -> Result<Entry, EntryError> {
        let plaintext = salted::open(log_key, LABEL, &self.associated_data(partition), sealed)
            .map_err(|_| EntryError::Sealed)?;
        Entry::decode(plaintext.expose())
    }
}

/// What an entry says, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since 1970; never less than the previous entry's.
    pub time_ms: i64,
    /// What is to happen.
    pub body: Body,
}

/// What is to happen. All kinds but [`Body::Batch`] are the kernel's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// The first entry of a partition.
    Found {
        /// The feature level to begin with.
        level: u32,
        /// The trust anchor for devices.
        device_root: Vec<u8>,
        /// The first member.
        founder: Member,
        /// What the machine begins with.
        effects: Vec<u8>,
    },
    /// Commands.
    Batch(Vec<Command>),
    /// A member more, or one that comes again.
    Join(Member),
    /// A new epoch, and a member less if one left.
    Turn {
        /// Who left.
        leaver: Option<MemberId>,
        /// The new epoch.
        epoch: u32,
        /// The new partition key, sealed for each remaining member, in the order of their names.
        shares: Vec<(MemberId, Vec<u8>)>,
    },
    /// The digest of the state just before this entry.
    Snapshot([u8; 32]),
    /// A member's version was replaced by one that supports another level.
    Support {
        /// The member.
        member: MemberId,
        /// The highest level that it supports now.
        level: u32,
    },
    /// The feature level rises.
    Level(u32),
    /// The first entry of an incarnation that begins with a backup.
    Restore {
        /// The partition that the backup is of.
        origin: PartitionId,
        /// The digest of the state that it brings.
        digest: [u8; 32],
        /// The trust anchor for devices.
        device_root: Vec<u8>,
        /// The first member.
        founder: Member,
        /// What the machine has to do to the restored state.
        effects: Vec<u8>,
    },
    /// The keys of the epochs before this one are dropped.
    Retire {
        /// Its incarnation.
        incarnation: u32,
        /// The epoch.
        epoch: u32,
    },
}

/// The bytes of a batch's entry besides its commands.
pub(crate) const BATCH_OVERHEAD: usize = Header::LENGTH + salted::OVERHEAD + 1 + 8 + 4;
/// The bytes that a command needs besides effects and reply.
pub(crate) const COMMAND_OVERHEAD: usize = 16 + 4 + 4;

impl Entry {
    /// Writes the entry as it is sealed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        let kind = match &self.body {
            Body::Found { .. } => 1,
            Body::Batch(_) => 2,
            Body::Join(_) => 3,
            Body::Turn { .. } => 4,
            Body::Snapshot(_) => 5,
            Body::Support { .. } => 6,
            Body::Level(_) => 7,
            Body::Restore { .. } => 8,
            Body::Retire { .. } => 9,
        };
        w.u8(kind).i64(self.time_ms);
        self.body.write(&mut w);
        w.0
    }

    /// Reads an opened entry. Whatever bytes come, nothing is read beyond them or kept beyond the bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader::new(bytes);
        let kind = r.u8()?;
        if !(1..=9).contains(&kind) {
            return Err(EntryError::Kind(kind));
        }
        let time_ms = r.i64()?;
        let body = Body::read(kind, &mut r)?;
        r.end()?;
        Ok(Self { time_ms, body })
    }
}

impl Body {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Found { level, device_root, founder, effects } => {
                w.u32(*level).bytes(device_root);
                write_member(w, founder);
                w.bytes(effects);
            }
            Self::Batch(commands) => {
                w.u32(commands.len() as u32);
                for command in commands {
                    w.raw(&command.id).bytes(&command.effects).bytes(&command.reply);
                }
            }
            Self::Join(member) => write_member(w, member),
            Self::Turn { leaver, epoch, shares } => {
                match leaver {
                    Some(leaver) => w.u8(1).bytes(leaver.as_str().as_bytes()),
                    None => w.u8(0),
                };
                w.u32(*epoch).u32(shares.len() as u32);
                for (member, sealed) in shares {
                    w.bytes(member.as_str().as_bytes()).bytes(sealed);
                }
            }
            Self::Snapshot(digest) => {
                w.raw(digest);
            }
            Self::Support { member, level } => {
                w.bytes(member.as_str().as_bytes()).u32(*level);
            }
            Self::Level(level) => {
                w.u32(*level);
            }
            Self::Restore { origin, digest, device_root, founder, effects } => {
                w.raw(&origin.0).raw(digest).bytes(device_root);
                write_member(w, founder);
                w.bytes(effects);
            }
            Self::Retire { incarnation, epoch } => {
                w.u32(*incarnation).u32(*epoch);
            }
        }
    }

    fn read(kind: u8, r: &mut Reader<'_>) -> Result<Self, EntryError> {
        Ok(match kind {
            1 => Self::Found {
                level: r.u32()?,
                device_root: r.bytes(MAX_DEVICE_ROOT)?.to_vec(),
                founder: read_member(r)?,
                effects: r.bytes(MAX_EFFECTS)?.to_vec(),
            },
            2 => {
                let mut commands = Vec::new();
                for _ in 0..r.count(MAX_BATCH)? {
                    commands.push(Command {
                        id: r.array()?,
                        effects: r.bytes(MAX_EFFECTS)?.to_vec(),
                        reply: r.bytes(MAX_REPLY)?.to_vec(),
                    });
                }
                Self::Batch(commands)
            }
            3 => Self::Join(read_member(r)?),
            4 => {
                let leaver = match r.u8()? {
                    0 => None,
                    1 => Some(read_member_id(r)?),
                    _ => return Err(EntryError::Malformed),
                };
                let epoch = r.u32()?;
                let mut shares = Vec::new();
                for _ in 0..r.count(MAX_MEMBERS)? {
                    shares.push((read_member_id(r)?, r.bytes(MAX_SEALED_KEY)?.to_vec()));
                }
                Self::Turn { leaver, epoch, shares }
            }
            5 => Self::Snapshot(r.array()?),
            6 => Self::Support { member: read_member_id(r)?, level: r.u32()? },
            7 => Self::Level(r.u32()?),
            8 => Self::Restore {
                origin: PartitionId(r.array()?),
                digest: r.array()?,
                device_root: r.bytes(MAX_DEVICE_ROOT)?.to_vec(),
                founder: read_member(r)?,
                effects: r.bytes(MAX_EFFECTS)?.to_vec(),
            },
            9 => Self::Retire { incarnation: r.u32()?, epoch: r.u32()? },
            other => return Err(EntryError::Kind(other)),
        })
    }
}

/// Reads a member's name.
pub(crate) fn read_member_id(r: &mut Reader<'_>) -> Result<MemberId, Malformed> {
    let name = std::str::from_utf8(r.bytes(MAX_MEMBER_ID)?).map_err(|_| Malformed)?;
    MemberId::new(name).ok_or(Malformed)
}
