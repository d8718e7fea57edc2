//! The index of the segment that is being written.

use strongroom_journal::{JournalError, Segment, SegmentId};

use crate::draft::Draft;

/// The index of the open segment, and how far it goes.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) id: SegmentId,
    pub(crate) draft: Draft,
    /// Where the next frame begins; 0 before the first.
    pub(crate) next: u64,
    /// The last damaged place that was counted: what is behind all frames is met each time.
    damaged: Option<u64>,
}

/// Read before others get their turn, in bytes.
const STRIDE: usize = 1 << 20;

impl Tail {
    pub(crate) fn new(id: SegmentId) -> Self {
        Self { id, draft: Draft::default(), next: 0, damaged: None }
    }

    /// Takes in the next frames; tells whether there may be more.
    pub(crate) fn catch_up(&mut self, segment: &Segment) -> Result<bool, JournalError> {
        let mut read = 0;
        if self.damaged.is_none() && segment.first_record().is_none() {
            self.damaged = Some(0);
            self.draft.damage();
        }
        for frame in segment.frames(self.next)? {
            match frame {
                Ok(frame) => {
                    let head = frame.head();
                    self.draft.add(&head, frame.facts().map(|(_, record)| record));
                    self.next = head.offset + u64::from(head.length);
                    read += frame.length();
                }
                Err(JournalError::Damaged { offset, .. }) => {
                    if self.damaged.is_none_or(|counted| counted < offset) {
                        self.damaged = Some(offset);
                        self.draft.damage();
                    }
                }
                Err(error) => return Err(error),
            }
            if read >= STRIDE {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
