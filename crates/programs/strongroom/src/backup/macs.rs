//! MACs of rows, checked while rows stream by.

use std::collections::BTreeMap;

use strongroom_seal::Root;
use strongroom_store::{RowMac, Table, Value};

/// The column of a row's MAC.
const MAC: &str = "mac";

/// What was seen of rows' MACs so far.
pub(crate) struct RowCheck {
    mac: RowMac,
    right: u64,
    /// How many rows of each table have a MAC that does not fit.
    wrong: BTreeMap<String, u64>,
}

impl RowCheck {
    /// Under the keys of a seal.
    pub(crate) fn new(root: &Root) -> Self {
        Self { mac: RowMac::new(root), right: 0, wrong: BTreeMap::new() }
    }

    /// Checks a row, if rows of its table carry a MAC.
    pub(crate) fn look(&mut self, table: &Table, row: &[Value]) {
        let Some(at) = table.columns.iter().position(|(name, _)| name == MAC) else { return };
        let columns: Vec<_> = table
            .columns
            .iter()
            .zip(row)
            .filter(|((name, _), _)| name != MAC)
            .map(|((name, _), value)| (name.as_str(), value))
            .collect();
        let fits =
            matches!(row.get(at), Some(Value::Blob(found)) if self.mac.fits(&table.name, &columns, found));
        if fits {
            self.right += 1;
        } else {
            *self.wrong.entry(table.name.clone()).or_default() += 1;
        }
    }

    /// How many rows have a MAC that is right.
    pub(crate) fn right(&self) -> u64 {
        self.right
    }

    /// How many have one that is not.
    pub(crate) fn wrong(&self) -> u64 {
        self.wrong.values().sum()
    }

    /// What was found, a line for each table.
    pub(crate) fn findings(&self) -> Vec<String> {
        let line = |(table, count): (&String, &u64)| {
            format!(
                "rows of {table} whose MAC does not fit: {count}. Somebody has altered them behind the server's back, and the \
                 server refuses them one by one"
            )
        };
        self.wrong.iter().map(line).collect()
    }
}
