//! What servers leave in a store that do not come back: their journals are kept for as long as others, and then go, but for
//! a last segment each.

use std::io;

use super::{Keeper, KeeperOptions, Kept, Retired};
use crate::error::JournalError;
use crate::journal::Journal;
use crate::reader::SegmentId;
use crate::segment::SegmentHeader;
use crate::storage::Storage;
use crate::stream::Position;
use crate::walk::{Skim, Walk};

impl Journal {
    /// Drops what is old of the journal of another server in the same store that has recorded nothing since `older_than_ms`
    /// and was not started since (domain time, milliseconds since 1970 UTC), as [`Keeper::retire`] does. None if it has, or
    /// there is nothing to drop, or it has no checkpoint. A server that comes back all the same has to start again. Blocks on
    /// the store.
    pub fn retire_gone(
        &self,
        chain: &str,
        options: KeeperOptions,
        now_ms: i64,
        older_than_ms: i64,
        may_drop_before: Option<Position>,
    ) -> Result<Option<Retired>, JournalError> {
        let Some(storage) = self.other_chain(chain) else { return Ok(None) };
        let reader = self.reader().of_chain(chain);
        let segments = reader.segments()?;
        let Some(last) = segments.last().filter(|_| segments.len() > 1) else { return Ok(None) };
        let newest = newest_ms(&*storage, last.id);
        let newest = newest.map_err(JournalError::io("read", &storage.name_of(last.id)))?;
        if newest.is_none_or(|newest| newest >= older_than_ms) {
            return Ok(None);
        }
        storage.close().map_err(JournalError::io("take over", &storage.name()))?;
        let kept = Kept { storage, reader, durable: None };
        let mut keeper = Keeper::open(kept, options, now_ms)?;
        if keeper.newest().is_none() {
            return Ok(None);
        }
        keeper.retire(now_ms, older_than_ms, may_drop_before)
    }
}

/// When the stream that a segment ends was begun, or its last record made, whichever is later; none if that cannot be told.
fn newest_ms(storage: &dyn Storage, id: SegmentId) -> io::Result<Option<i64>> {
    let content = storage.open(id)?;
    let Ok(sealed) = SegmentHeader::read(&content)? else { return Ok(None) };
    let mut newest = sealed.header.newest_before_ms.max(sealed.header.opened_ms);
    let mut walk = Walk::new(&content, None)?;
    loop {
        match walk.skim()? {
            Skim::Frame { header, .. } if header.count > 0 => newest = newest.max(header.newest_ms),
            Skim::Frame { .. } => {}
            Skim::Damaged { .. } => return Ok(None),
            Skim::End => return Ok(Some(newest)),
        }
    }
}
