//! Which segments there are, and which of them have an index.

use std::collections::BTreeMap;
use std::ops::Bound;

use strongroom_journal::{ListedSegment, SegmentId};

use crate::file::IndexHead;

/// How a segment can be searched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// The one that is being written.
    Open,
    /// Closed, and without an index so far.
    Waiting,
    /// By an index of this length in bytes.
    Indexed(IndexHead, u64),
}

/// The segments of a journal. It holds some 150 bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    segments: BTreeMap<SegmentId, State>,
}

impl Catalog {
    /// Takes in what there is now.
    pub(crate) fn update(&mut self, listed: &[ListedSegment]) {
        let mut now = BTreeMap::new();
        for segment in listed {
            let state = match self.segments.remove(&segment.id) {
                Some(State::Indexed(head, length)) => State::Indexed(head, length),
                _ if segment.is_closed => State::Waiting,
                _ => State::Open,
            };
            now.insert(segment.id, state);
        }
        self.segments = now;
    }

    /// The newest segment within a bound, and how it can be searched.
    pub(crate) fn newest(&self, within: Bound<SegmentId>) -> Option<(SegmentId, State)> {
        self.segments.range((Bound::Unbounded, within)).next_back().map(|(&id, &state)| (id, state))
    }

    /// The newest segment that waits for its index.
    pub(crate) fn waiting(&self) -> Option<SegmentId> {
        let waiting = |(id, state): (&SegmentId, &State)| matches!(state, State::Waiting).then_some(*id);
        self.segments.iter().rev().find_map(waiting)
    }

    /// The segment that is being written, if one is.
    pub(crate) fn open(&self) -> Option<SegmentId> {
        self.segments.iter().next_back().filter(|(_, state)| matches!(state, State::Open)).map(|(&id, _)| id)
    }

    /// Notes a change of a segment that is still there.
    pub(crate) fn set(&mut self, id: SegmentId, state: State) {
        if let Some(known) = self.segments.get_mut(&id) {
            *known = state;
        }
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &State> {
        self.segments.values()
    }

    pub(crate) fn has(&self, id: SegmentId) -> bool {
        self.segments.contains_key(&id)
    }
}
