//! A backup read from its beginning to its end, before anything is made of it.

use anyhow::{Context as _, Result, bail};
use strongroom_backup::{Item, Origin, Totals};
use strongroom_store::{RowMac, Table, Value};

use super::opening::Opened;

/// The column of a row's MAC.
const MAC: &str = "mac";

/// What a backup holds that is whole and as it was written.
pub(super) struct Checked {
    pub(super) origin: Origin,
    pub(super) totals: Totals,
    /// Rows whose MACs are right: all that have one.
    pub(super) with_mac: u64,
    /// Bytes of the file.
    pub(super) length: u64,
}

/// Reads it all.
pub(super) fn check(opened: &Opened) -> Result<Checked> {
    let mac = RowMac::new(&opened.root);
    let mut reading = opened.reading()?;
    let (mut origin, mut totals, mut table, mut with_mac) = (None, None, None, 0);
    while let Some(item) =
        reading.next_item().with_context(|| format!("reading {}", opened.file.display()))?
    {
        match item {
            Item::Origin(found) => origin = Some(found),
            Item::Table(found) => table = Some(found),
            Item::Rows(rows) => {
                if let Some(table) = &table {
                    with_mac += check_rows(&mac, table, &rows)?;
                }
            }
            Item::End(found) => totals = Some(found),
            _ => {}
        }
    }
    let (origin, totals) = origin.zip(totals).context("the backup has neither beginning nor end")?;
    Ok(Checked { origin, totals, with_mac, length: reading.offset() })
}

/// Checks the MACs of the rows of a table, and answers how many there are.
fn check_rows(mac: &RowMac, table: &Table, rows: &[Vec<Value>]) -> Result<u64> {
    let Some(at) = table.columns.iter().position(|(name, _)| name == MAC) else { return Ok(0) };
    for row in rows {
        let columns: Vec<_> = table
            .columns
            .iter()
            .zip(row)
            .filter(|((name, _), _)| name != MAC)
            .map(|((name, _), value)| (name.as_str(), value))
            .collect();
        let fits = matches!(row.get(at), Some(Value::Blob(found)) if mac.fits(&table.name, &columns, found));
        if !fits {
            bail!(
                "a row of {} in the backup was altered before the backup was made: its MAC is wrong. A server refuses that \
                 row alone; restore an older backup, or look into the store that this one was made of",
                table.name
            );
        }
    }
    Ok(rows.len() as u64)
}
