//! Members of a structure that a message has had.

use std::collections::BTreeSet;

use strongroom_schema::{Kind, ReadError, Schema};

use crate::missing::Missing;
use crate::path::Path;
use crate::text;

/// A set of member positions, without allocation for structures of usual size.
#[derive(Default)]
pub(crate) struct Seen {
    low: u128,
    high: BTreeSet<usize>,
}

impl Seen {
    /// Adds a position; `false` if it was there.
    pub(crate) fn insert(&mut self, index: usize) -> bool {
        if index >= 128 {
            return self.high.insert(index);
        }
        let fresh = !self.has(index);
        self.low |= 1 << index;
        fresh
    }

    /// Whether the position is in the set.
    pub(crate) fn has(&self, index: usize) -> bool {
        if index < 128 { self.low >> index & 1 == 1 } else { self.high.contains(&index) }
    }

    fn len(&self) -> usize {
        self.low.count_ones() as usize + self.high.len()
    }

    /// Closes a structure: notes the required members that did not come, and holds unions to exactly one.
    pub(crate) fn close(
        &self,
        schema: &'static Schema,
        path: &Path<'_>,
        missing: &mut Missing,
    ) -> Result<(), ReadError> {
        if matches!(schema.kind, Kind::Union(_)) && self.len() != 1 {
            return Err(ReadError::new(text::NOT_ONE_OF_UNION));
        }
        for (index, member) in schema.members().iter().enumerate() {
            if member.required && !self.has(index) {
                missing.note(&path.member(member.name));
            }
        }
        Ok(())
    }
}
