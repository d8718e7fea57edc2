//! Events that are put: what a call of PutLogEvents may hold (Logs API Reference, PutLogEvents).

use strongroom_api_logs::{InputLogEvent, RejectedLogEventsInfo};

use super::group::{DAY_MS, Group};
use crate::arriving::Arrival;
use crate::error::Refusal;

/// Bytes of a call; each event counts for 26 more than its text.
const MOST_BYTES: usize = 1_048_576;
const EVENT_BYTES: usize = 26;

const HOUR_MS: i64 = 3600 * 1000;

/// How far ahead and how far back events may be.
const AHEAD_MS: i64 = 2 * HOUR_MS;
const BACK_MS: i64 = 14 * DAY_MS;

/// The events of a call that are taken, and what is said of the others.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Arrival>,
    pub(crate) rejected: Option<RejectedLogEventsInfo>,
}

/// The bytes that an event counts for.
pub(crate) fn size(message: &str) -> usize {
    message.len().saturating_add(EVENT_BYTES)
}

impl Batch {
    /// Judges the events of a call. Texts: answers of AWS, quoted in public issue threads.
    pub(crate) fn new(events: Vec<InputLogEvent>, group: &Group, now_ms: i64) -> Result<Self, Refusal> {
        let sizes = || events.iter().map(|event| size(&event.message));
        if let Some(bytes) = sizes().find(|bytes| *bytes > MOST_BYTES) {
            return Err(Refusal::invalid(format!(
                "Log event too large: {bytes} bytes exceeds limit of {MOST_BYTES}"
            )));
        }
        let bytes: usize = sizes().sum();
        if bytes > MOST_BYTES {
            return Err(Refusal::invalid(format!(
                "Upload too large: {bytes} bytes exceeds limit of {MOST_BYTES}"
            )));
        }
        if !events.is_sorted_by_key(|event| event.timestamp) {
            return Err(Refusal::invalid(
                "Log events in a single PutLogEvents request must be in chronological order.",
            ));
        }
        if let (Some(first), Some(last)) = (events.first(), events.last())
            && last.timestamp.saturating_sub(first.timestamp) > DAY_MS
        {
            return Err(Refusal::invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ));
        }
        // They are in the order of time, so each kind of rejection is one end.
        let before = |limit: i64| events.partition_point(|event| event.timestamp < limit);
        let old_end = before(now_ms.saturating_sub(BACK_MS));
        let expired_end = before(group.keeps_from(now_ms));
        let new_start = before(now_ms.saturating_add(AHEAD_MS).saturating_add(1));
        let index = |at: usize| i32::try_from(at).ok();
        let rejected = RejectedLogEventsInfo {
            too_old_log_event_end_index: index(old_end).filter(|end| *end > 0),
            expired_log_event_end_index: index(expired_end).filter(|end| *end > 0),
            too_new_log_event_start_index: index(new_start).filter(|_| new_start < events.len()),
        };
        let is_any = rejected.too_old_log_event_end_index.is_some()
            || rejected.expired_log_event_end_index.is_some()
            || rejected.too_new_log_event_start_index.is_some();
        let taken = events.into_iter().take(new_start).skip(old_end.max(expired_end));
        let taken = taken.map(|event| Arrival { at_ms: event.timestamp, message: event.message });
        Ok(Self { events: taken.collect(), rejected: is_any.then_some(rejected) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::group::GroupName;
    use crate::domain::id::Id;
    use crate::domain::tags::Tags;

    const NOW: i64 = 1_700_000_000_000;

    fn batch(times: &[i64], retention_days: Option<i32>) -> Result<Batch, Refusal> {
        let name =
            GroupName { account: "111122223333".parse().unwrap(), region: "us-east-1", name: "g".into() };
        let group = Group {
            name,
            id: Id::FIRST,
            version: 1,
            created_ms: 0,
            retention_days,
            kms_key: None,
            is_protected: false,
            tags: Tags::default(),
        };
        let event = |at: &i64| InputLogEvent { timestamp: *at, message: "m".to_owned() };
        Batch::new(times.iter().map(event).collect(), &group, NOW)
    }

    #[test]
    fn what_is_too_old_or_too_new_is_left_out_and_told() {
        let all = batch(&[NOW - 1, NOW, NOW + AHEAD_MS], None).unwrap();
        assert_eq!((all.events.len(), all.rejected.is_none()), (3, true));
        let some = batch(&[NOW, NOW + AHEAD_MS + 1], None).unwrap();
        assert_eq!(some.events.len(), 1);
        assert_eq!(some.rejected.unwrap().too_new_log_event_start_index, Some(1));
        let old = batch(&[NOW - BACK_MS - 1, NOW - BACK_MS], None).unwrap();
        assert_eq!(old.events.len(), 1);
        assert_eq!(old.rejected.unwrap().too_old_log_event_end_index, Some(1));
        let expired = batch(&[NOW - DAY_MS - 1, NOW - DAY_MS], Some(1)).unwrap();
        assert_eq!(expired.rejected.unwrap().expired_log_event_end_index, Some(1));
        let none = batch(&[NOW + AHEAD_MS + 1], None).unwrap();
        assert_eq!((none.events.len(), none.rejected.unwrap().too_new_log_event_start_index), (0, Some(0)));
    }

    #[test]
    fn order_and_span_are_checked() {
        assert!(batch(&[NOW, NOW - 1], None).is_err());
        assert!(batch(&[NOW - DAY_MS - 1, NOW], None).is_err());
        assert!(batch(&[NOW - DAY_MS, NOW], None).is_ok());
    }
}
