//! Cursors: what a client has seen, in the cluster's own words.

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
    /// The client saw something so long ago ([`crate::TRAIL`] entries) that it cannot be compared any more. It is
    /// not served with this cursor.
    Expired,
}
