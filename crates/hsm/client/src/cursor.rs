//! The highest state that a client has seen.

use std::cmp::Ordering;

use strongroom_hsm_proto::command::Cursor;

/// The highest cursor of all answers. Shown to every HSM, so that none answers from an older state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Highest(Option<Cursor>);

impl Highest {
    /// Takes note of the cursor of an answer.
    ///
    /// Two cursors of one place with different hashes are two histories. The client does not judge which is
    /// true: it keeps showing the one that it saw first, and the HSM of the other refuses it.
    pub(crate) fn note(&mut self, cursor: Option<&Cursor>) {
        let Some(cursor) = cursor else { return };
        if self.0.as_ref().is_none_or(|known| order(known, cursor) == Ordering::Less) {
            self.0 = Some(cursor.clone());
        }
    }

    /// The highest so far.
    pub(crate) fn get(&self) -> Option<Cursor> {
        self.0.clone()
    }
}

fn order(a: &Cursor, b: &Cursor) -> Ordering {
    (a.incarnation, a.sequence).cmp(&(b.incarnation, b.sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(incarnation: u32, sequence: u64, hash: u8) -> Cursor {
        Cursor { incarnation, sequence, hash: vec![hash; 32], mac: vec![hash; 32], epoch: 1 }
    }

    #[test]
    fn the_highest_is_kept_and_the_first_of_two_histories() {
        let mut highest = Highest::default();
        assert_eq!(highest.get(), None);
        for (seen, kept) in [
            (cursor(1, 7, 1), cursor(1, 7, 1)),
            (cursor(1, 3, 2), cursor(1, 7, 1)),
            (cursor(1, 7, 3), cursor(1, 7, 1)),
            (cursor(1, 8, 4), cursor(1, 8, 4)),
            (cursor(2, 1, 5), cursor(2, 1, 5)),
            (cursor(1, 99, 6), cursor(2, 1, 5)),
        ] {
            highest.note(Some(&seen));
            assert_eq!(highest.get(), Some(kept));
        }
        highest.note(None);
        assert_eq!(highest.get(), Some(cursor(2, 1, 5)));
    }
}
