//! A backup read from its beginning to its end, before anything is made of it.

use anyhow::{Context as _, Result};
use strongroom_backup::{Item, Origin, Totals};

use super::opening::Opened;
use crate::backup::RowCheck;

/// What a backup holds that is whole and as it was written.
pub(super) struct Checked {
    pub(super) origin: Origin,
    pub(super) totals: Totals,
    /// The MACs of its rows.
    pub(super) macs: RowCheck,
    /// Bytes of the file.
    pub(super) length: u64,
}

/// Reads it all. A row that was altered before the backup was made is a finding, and no reason to have nothing.
pub(super) fn check(opened: &Opened) -> Result<Checked> {
    let mut macs = RowCheck::new(&opened.root);
    let mut reading = opened.reading()?;
    let (mut origin, mut totals, mut table) = (None, None, None);
    while let Some(item) =
        reading.next_item().with_context(|| format!("reading {}", opened.file.display()))?
    {
        match item {
            Item::Origin(found) => origin = Some(found),
            Item::Table(found) => table = Some(found),
            Item::Rows(rows) => {
                if let Some(table) = &table {
                    for row in &rows {
                        macs.look(table, row);
                    }
                }
            }
            Item::End(found) => totals = Some(found),
            _ => {}
        }
    }
    let (origin, totals) = origin.zip(totals).context("the backup has neither beginning nor end")?;
    Ok(Checked { origin, totals, macs, length: reading.offset() })
}
