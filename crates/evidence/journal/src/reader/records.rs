//! Records, one after the other.

use super::sealed::SealedFrame;
use super::{Frames, Order};
use crate::error::JournalError;
use crate::record::Record;
use crate::stream::Position;

/// The records of a journal, one after the other, with their positions. Damage comes as errors in between.
pub struct Records {
    parts: Vec<Part>,
}

/// The records of a sequence of frames.
struct Part {
    frames: Frames,
    /// The frame at hand and how many of its records were taken.
    frame: Option<(SealedFrame, u32)>,
    /// The next record, if it was looked at.
    next: Option<(Position, Record)>,
}

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
        loop {
            let Some((frame, taken)) = self.frame.as_mut().filter(|(frame, taken)| *taken < frame.count())
            else {
                match self.frames.next()? {
                    Ok(frame) => self.frame = Some((frame, 0)),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let index = match self.frames.order {
                Order::OldestFirst => *taken,
                Order::NewestFirst => frame.count() - 1 - *taken,
            };
            *taken += 1;
            let position =
                Position { stream: frame.stream(), record: frame.first_record() + u64::from(index) };
            if !self.frames.range.records(position.stream).contains(&position.record) {
                continue;
            }
            return match frame.record(index)? {
                Ok(record) => Some(Ok((position, record))),
                Err(_) => Some(Err(frame.unreadable(position))),
            };
        }
    }
}
