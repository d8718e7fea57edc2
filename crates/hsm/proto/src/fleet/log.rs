//! The cluster's log, which the control plane orders and cannot read.

use prost::Message;

/// Puts an entry at the end of the log.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Append {
    /// Its place: one more than the last. In an empty log the first entry may have any place above 0.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// The sealed entry, at most [`super::MAX_ENTRY`] bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub entry: Vec<u8>,
}

/// The entry is in the log, durably.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Appended {
    /// Its place.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
}

/// Another entry has the place, or the place is not the next one. Nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Occupied {
    /// The last entry of the log.
    #[prost(uint64, tag = "1")]
    pub head: u64,
}

/// Reads entries in order.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Read {
    /// The first one wanted.
    #[prost(uint64, tag = "1")]
    pub from: u64,
    /// How many bytes of entries at most; at least one entry comes, if there is one. At most
    /// [`super::MAX_ENTRY`].
    #[prost(uint32, tag = "2")]
    pub max_bytes: u32,
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LogEntry {
    /// Its place.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// The sealed entry.
    #[prost(bytes = "vec", tag = "2")]
    pub entry: Vec<u8>,
}

/// The answer to [`Read`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entries {
    /// In order and without gaps from the first one wanted. Empty when it is past the end; empty too when it was
    /// dropped, which `first` tells.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<LogEntry>,
    /// The last entry of the log; 0 while it is empty.
    #[prost(uint64, tag = "2")]
    pub head: u64,
    /// The first entry that the log still has; 0 while it is empty.
    #[prost(uint64, tag = "3")]
    pub first: u64,
    /// The place of the snapshot that takes the place of what was dropped; 0 when none was. Its bytes are the
    /// blob [`super::BlobKind::Snapshot`] of that name (the number in decimal).
    #[prost(uint64, tag = "4")]
    pub snapshot: u64,
}

/// Drops the entries before `before`. The snapshot blob that replaces them has been stored.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Compact {
    /// The first entry that stays.
    #[prost(uint64, tag = "1")]
    pub before: u64,
    /// The place of the snapshot that replaces what is dropped.
    #[prost(uint64, tag = "2")]
    pub snapshot: u64,
}

/// The log has grown.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HeadMoved {
    /// Its last entry.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
}
