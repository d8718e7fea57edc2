//! Records, one after the other.

use std::vec;

use super::sealed::SealedFrame;
use super::{Frames, Order};
use crate::error::JournalError;
use crate::record::{Record, RecordError};
use crate::stream::Position;

/// The records of a journal, one after the other, with their positions. Damage comes as errors in between.
pub struct Records {
    parts: Vec<Part>,
}

/// The records of a sequence of frames.
struct Part {
    frames: Frames,
    /// The frame at hand, and what is still to be taken of it. All of it is read at once: to find one record, a frame's
    /// table has to be gone through from its beginning.
    frame: Option<(SealedFrame, vec::IntoIter<Decoded>)>,
    /// The next record, if it was looked at.
    next: Option<(Position, Record)>,
}

type Decoded = (Position, Result<Record, RecordError>);

impl Records {
    /// The records of several sequences of frames, merged by their times, newest first; those of one as they stand.
    pub(super) fn of(frames: Vec<Frames>) -> Self {
        let part = |frames| Part { frames, frame: None, next: None };
        Self { parts: frames.into_iter().map(part).collect() }
    }
}

impl Records {
    /// The same, passing over what is damaged: that is [`verify`](crate::verify())'s to name. What comes as an error then is
    /// a file that cannot be read now, and may be later.
    pub fn past_damage(self) -> impl Iterator<Item = Result<(Position, Record), JournalError>> {
        self.filter(|record| !matches!(record, Err(JournalError::Damaged { .. })))
    }
}

impl Iterator for Records {
    type Item = Result<(Position, Record), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        for part in self.parts.iter_mut().filter(|part| part.next.is_none()) {
            match part.advance() {
                Some(Ok(next)) => part.next = Some(next),
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
        }
        let newest = self.parts.iter_mut().max_by_key(|part| {
            part.next.as_ref().map(|(position, record)| (record.event_time_ms, *position))
        })?;
        newest.next.take().map(Ok)
    }
}

impl Part {
    fn advance(&mut self) -> Option<Result<(Position, Record), JournalError>> {
        let Self { frames, frame: at_hand, .. } = self;
        loop {
            if let Some((frame, records)) = at_hand {
                let range = frames.range.records(frame.stream());
                if let Some((position, record)) = records.find(|(at, _)| range.contains(&at.record)) {
                    return Some(match record {
                        Ok(record) => Ok((position, record)),
                        Err(_) => Err(frame.unreadable(position)),
                    });
                }
            }
            let frame = match frames.next()? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            let records: Vec<_> = match frames.order {
                Order::OldestFirst => frame.decoded().collect(),
                Order::NewestFirst => frame.decoded().rev().collect(),
            };
            *at_hand = Some((frame, records.into_iter()));
        }
    }
}
