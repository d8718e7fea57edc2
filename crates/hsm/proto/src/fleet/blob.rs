//! Large sealed things, in pieces: backups and snapshots.

use prost::{Enumeration, Message};

/// What a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum BlobKind {
    /// A backup; its name is the backup's id.
    Backup = 0,
    /// A snapshot of the log; its name is the snapshot's place in decimal. It belongs to the HSM's cluster.
    Snapshot = 1,
}

/// Stores a piece. Pieces come in order, without gaps; one at offset 0 begins anew. A blob counts as there when
/// its last piece is stored, and is then never changed.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PutPiece {
    /// What it is.
    #[prost(enumeration = "BlobKind", tag = "1")]
    pub kind: i32,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Where the piece begins.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
    /// At most [`super::MAX_PIECE`] bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub bytes: Vec<u8>,
    /// Nothing follows.
    #[prost(bool, tag = "5")]
    pub last: bool,
}

/// Fetches a piece.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GetPiece {
    /// What it is.
    #[prost(enumeration = "BlobKind", tag = "1")]
    pub kind: i32,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Where the piece begins.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
    /// How many bytes at most; at most [`super::MAX_PIECE`].
    #[prost(uint32, tag = "4")]
    pub max_bytes: u32,
}

/// The answer to [`GetPiece`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Piece {
    /// The bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub bytes: Vec<u8>,
    /// How long the whole blob is.
    #[prost(uint64, tag = "2")]
    pub total: u64,
}

/// Makes a backup.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct BackUp {
    /// What the backup is to be named by.
    #[prost(string, tag = "1")]
    pub backup_id: String,
    /// The service's half of the key, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub service_half: Vec<u8>,
}

impl std::fmt::Debug for BackUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackUp").field("backup_id", &self.backup_id).finish_non_exhaustive()
    }
}

impl Drop for BackUp {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.service_half);
    }
}

/// The answer to [`BackUp`].
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BackedUp {
    /// How long the backup is, in bytes.
    #[prost(uint64, tag = "1")]
    pub length: u64,
    /// The SHA-256 of its bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub sha256: Vec<u8>,
    /// The last entry of the log that it holds.
    #[prost(uint64, tag = "3")]
    pub sequence: u64,
}
