//! The next events of several streams in one order.

use std::cmp::Ordering;

use crate::domain::id::Id;
use crate::repo::events::{EventRow, Portion, Read};

/// Where an event stands among those of a group.
type Key = (i64, Id, i64);

/// Events of several streams, in their order, as far as each of the streams has been read.
pub(super) struct Merge {
    is_descending: bool,
    room: Portion,
    rows: Vec<EventRow>,
    /// The last event up to which all events are known; none if nothing follows.
    horizon: Option<Key>,
}

impl Merge {
    /// Keeps as many events as have room, but one at least.
    pub(super) fn new(is_descending: bool, room: Portion) -> Self {
        Self { is_descending, room, rows: Vec::new(), horizon: None }
    }

    /// The moment behind which no event is of use any more; `end_ms` as long as there is none.
    pub(super) fn end_ms(&self, end_ms: i64) -> i64 {
        self.horizon.map_or(end_ms, |(at_ms, ..)| at_ms)
    }

    /// Adds what was read of one stream.
    pub(super) fn add(&mut self, read: Read) {
        if let Some(last) = read.rows.last().filter(|_| !read.is_last) {
            self.end_at(key(last));
        }
        self.rows.extend(read.rows);
        let is_descending = self.is_descending;
        self.rows.sort_by(|one, other| order(is_descending, &key(one), &key(other)));
        let mut bytes = 0_usize;
        let fitting = self.rows.iter().take(self.room.events).take_while(|row| {
            bytes = bytes.saturating_add(row.bytes);
            bytes <= self.room.bytes
        });
        let count = fitting.count().max(1);
        if count < self.rows.len() {
            self.rows.truncate(count);
            if let Some(last) = self.rows.last().map(key) {
                self.end_at(last);
            }
        }
    }

    fn end_at(&mut self, key: Key) {
        let is_sooner = |horizon: &Key| order(self.is_descending, &key, horizon).is_lt();
        if self.horizon.as_ref().is_none_or(is_sooner) {
            self.horizon = Some(key);
        }
    }

    /// The events, and whether nothing follows them.
    pub(super) fn into_rows(self) -> (Vec<EventRow>, bool) {
        let Self { is_descending, mut rows, horizon, .. } = self;
        if let Some(horizon) = horizon {
            rows.retain(|row| order(is_descending, &key(row), &horizon).is_le());
        }
        (rows, horizon.is_none())
    }
}

fn key(row: &EventRow) -> Key {
    (row.place.at_ms, row.stream, row.place.sequence)
}

fn order(is_descending: bool, one: &Key, other: &Key) -> Ordering {
    if is_descending { other.cmp(one) } else { one.cmp(other) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tokens::Place;

    const ROOM: Portion = Portion { events: 4, bytes: 100 };

    /// What was read of a stream: moments, and bytes.
    fn read(stream: u8, events: &[(i64, usize)], is_last: bool) -> Read {
        let stream = Id::from_bytes(&[stream; 16]).unwrap();
        let row = |&(at_ms, bytes): &(i64, usize)| EventRow {
            stream,
            place: Place::from_ms(at_ms),
            ingested_ms: 0,
            data_key: 0,
            bytes,
            sealed: Vec::new(),
        };
        Read { rows: events.iter().map(row).collect(), is_last }
    }

    fn merged(is_descending: bool, reads: Vec<Read>) -> (Vec<i64>, bool) {
        let mut merge = Merge::new(is_descending, ROOM);
        for read in reads {
            merge.add(read);
        }
        let (rows, is_last) = merge.into_rows();
        (rows.iter().map(|row| row.place.at_ms).collect(), is_last)
    }

    #[test]
    fn what_is_beyond_the_end_of_a_stream_that_goes_on_is_not_known_yet() {
        let reads = || vec![read(1, &[(1, 1), (3, 1)], false), read(2, &[(2, 1), (4, 1)], true)];
        assert_eq!(merged(false, reads()), (vec![1, 2, 3], false));
        let reads = vec![read(1, &[(4, 1), (3, 1)], false), read(2, &[(5, 1), (2, 1)], true)];
        assert_eq!(merged(true, reads), (vec![5, 4, 3], false));
        let reads = vec![read(1, &[(1, 1)], true), read(2, &[(2, 1)], true)];
        assert_eq!(merged(false, reads), (vec![1, 2], true));
    }

    #[test]
    fn what_has_no_room_comes_the_next_time() {
        let reads = vec![read(2, &[(2, 30), (3, 30)], true), read(1, &[(1, 60), (5, 60)], true)];
        assert_eq!(merged(false, reads), (vec![1, 2], false));
        let reads = vec![read(1, &[(2, 500)], true), read(2, &[(1, 500)], true)];
        assert_eq!(merged(false, reads), (vec![1], false), "one always has room");
        let reads = vec![read(1, &[(1, 1), (2, 1), (3, 1)], true), read(2, &[(4, 1), (5, 1)], true)];
        assert_eq!(merged(false, reads), (vec![1, 2, 3, 4], false));
    }
}
