//! Cursors: what a client has seen, in the cluster's own words.
//!
//! `format (1 byte) || incarnation, epoch, sequence, hash || HMAC-SHA-256 (32 bytes)` under the epoch's cursor key
//! over the partition and all before. Clients keep the latest one and show it to every HSM; a store that shows
//! HSMs different logs cannot make up for it.

use strongroom_crypto::CryptoError;
use strongroom_crypto::hmac::HmacSha256;

use crate::codec::{Malformed, Reader, Writer};
use crate::member::{read_head, write_head};
use crate::{Head, PartitionId};

/// The length of a cursor, in bytes.
pub const CURSOR_LENGTH: usize = 1 + 4 + 4 + 8 + 32 + 32;
const FORMAT: u8 = 1;

/// What a client's cursor means to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admit {
    /// The replica has all that the client has seen.
    Served,
    /// The client has seen more; the replica serves it once it has replayed up to this place.
    Behind(u64),
    /// The client has seen what never was in this replica's log. The replica has halted.
    Forked,
    /// The client shows what never was in this replica's log, with a cursor of an epoch whose keys an HSM has that
    /// left since: that HSM may have made it up, so it proves no fork. The client is told of one, and is not
    /// served with this cursor; the replica goes on.
    Disputed,
    /// The client saw something so long ago ([`crate::TRAIL`] entries) that it cannot be compared any more. It is
    /// not served with this cursor.
    Expired,
}

/// What a client has seen.
pub(crate) struct Cursor(pub(crate) Head);

impl Cursor {
    fn signed(&self) -> Vec<u8> {
        let mut w = Writer(Vec::with_capacity(CURSOR_LENGTH));
        w.u8(FORMAT);
        write_head(&mut w, &self.0);
        w.0
    }

    pub(crate) fn encode(&self, partition: PartitionId, key: &HmacSha256) -> Vec<u8> {
        let mut cursor = self.signed();
        let tag = key.sign(&[&partition.0, &cursor]);
        cursor.extend_from_slice(&tag);
        cursor
    }

    pub(crate) fn verify(
        &self,
        partition: PartitionId,
        key: &HmacSha256,
        tag: [u8; 32],
    ) -> Result<(), CryptoError> {
        key.verify(&[&partition.0, &self.signed()], &tag)
    }
}

/// Reads a cursor, and the tag that it is to be checked with.
pub(crate) fn read_cursor(bytes: &[u8]) -> Result<(Cursor, [u8; 32]), Malformed> {
    let mut r = Reader::new(bytes);
    if r.u8()? != FORMAT {
        return Err(Malformed);
    }
    let (head, tag) = (read_head(&mut r)?, r.array()?);
    r.end()?;
    Ok((Cursor(head), tag))
}
