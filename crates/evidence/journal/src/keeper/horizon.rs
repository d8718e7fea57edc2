//! How old is old enough to go: what the machine's clock says, but no faster than time was seen to pass.
//!
//! A clock may be wrong for a minute, ten years ahead: a machine that wakes up before its time is set, a slip of a hand.
//! What is dropped does not come back. So a journal's beginning moves on with the time that has passed by a clock that
//! nobody sets, four times as fast at the most: a clock that is wrong for an hour costs the four hours that would have
//! been dropped next. It starts from the first segment that is still there, and not from what a clock says.

use std::time::Duration;

use super::Keeper;
use crate::error::JournalError;
use crate::segment::SegmentHeader;

/// How much faster than time passes the beginning may move: a server that runs a quarter of the time still keeps up.
const RATE: i64 = 4;

/// Up to when records are old enough to be dropped.
pub struct Horizon {
    retention_ms: i64,
    seen: Option<Seen>,
}

struct Seen {
    /// What is older may go, as far as time was seen to pass.
    allowed_ms: i64,
    uptime: Duration,
}

/// What may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Old {
    /// Records before this time, in milliseconds since 1970 UTC.
    pub before_ms: i64,
    /// How much longer than they should records are kept, because the clock is that far ahead of the time that was seen
    /// to pass, in milliseconds.
    pub held_back_ms: i64,
}

impl Horizon {
    /// For records that are kept for so long, in milliseconds.
    pub fn new(retention_ms: i64) -> Self {
        Self { retention_ms, seen: None }
    }

    /// Tells what may be dropped. `now_ms` is what the clock says, `uptime` the time by a clock that nobody sets. None as
    /// long as there is nothing that could be.
    pub fn look(
        &mut self,
        keeper: &Keeper,
        now_ms: i64,
        uptime: Duration,
    ) -> Result<Option<Old>, JournalError> {
        let by_clock = now_ms.saturating_sub(self.retention_ms);
        let allowed_ms = if let Some(seen) = &self.seen {
            let passed = uptime.saturating_sub(seen.uptime).as_millis();
            let passed = i64::try_from(passed).unwrap_or(i64::MAX).saturating_mul(RATE);
            // A clock that is behind holds back what is dropped now, and not what may be once it is right again.
            by_clock.min(seen.allowed_ms.saturating_add(passed)).max(seen.allowed_ms)
        } else {
            let Some(ends) = keeper.first_segment_ends_ms()? else { return Ok(None) };
            by_clock.max(ends.saturating_sub(self.retention_ms)).min(ends)
        };
        self.seen = Some(Seen { allowed_ms, uptime });
        let before_ms = by_clock.min(allowed_ms);
        Ok(Some(Old { before_ms, held_back_ms: by_clock.saturating_sub(before_ms) }))
    }
}

impl Keeper {
    /// The greatest event time of the first segment that is there; none if there is no other behind it.
    fn first_segment_ends_ms(&self) -> Result<Option<i64>, JournalError> {
        for listed in self.reader.segments()?.into_iter().skip(1) {
            let sealed = self.storage.open(listed.id).and_then(|content| SegmentHeader::read(&content));
            // What follows a damaged header may still be told by the next one.
            if let Ok(sealed) = sealed.map_err(JournalError::io("read", &self.storage.name_of(listed.id)))? {
                return Ok(Some(sealed.header.newest_before_ms));
            }
        }
        Ok(None)
    }
}
