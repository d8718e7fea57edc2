//! The SQL of the walk. Names are the catalogue's own, and quoted.

use sqlx::AssertSqlSafe;
use strongroom_seal::Sealer;

use super::{Aim, Place, SealedTable, Sealing};
use crate::snapshot::quoted;
use crate::{RowMac, Value};

/// A page of rows, and its parameters. To reseal, rows that the current epoch has sealed wholly are left out.
pub(super) fn page(
    table: &SealedTable,
    sealing: &Sealing,
    aim: Aim,
    after: Option<&Place>,
    most: u32,
) -> (AssertSqlSafe<String>, Vec<Value>) {
    let mut values = Vec::new();
    let mut conditions = Vec::new();
    let key: Vec<_> = table.key.iter().map(|place| name(table, *place)).collect();
    if let Some(after) = after {
        let parameters: Vec<_> = (1..=after.len()).map(|number| format!("${number}")).collect();
        conditions.push(format!("({}) > ({})", key.join(", "), parameters.join(", ")));
        values.extend(after.iter().cloned());
    }
    if aim == Aim::Reseal {
        conditions.push(older(table, sealing, &mut values));
    }
    let columns: Vec<_> = table.table.columns.iter().map(|(name, _)| quoted(name)).collect();
    let mut sql = format!("SELECT {} FROM {}", columns.join(", "), quoted(table.name()));
    if !conditions.is_empty() {
        sql = format!("{sql} WHERE {}", conditions.join(" AND "));
    }
    (AssertSqlSafe(format!("{sql} ORDER BY {} LIMIT {most}", key.join(", "))), values)
}

/// That another than the current epoch has sealed something of a row; the parameters join `values`.
fn older(table: &SealedTable, sealing: &Sealing, values: &mut Vec<Value>) -> String {
    let epoch = sealing.root().current_epoch();
    let mac = table.mac.map(|place| (place, RowMac::head_of(epoch)));
    let sealed = table.sealed.iter().map(|(place, _)| (*place, Sealer::head_of(epoch).to_vec()));
    let others = mac.into_iter().chain(sealed).map(|(place, head)| {
        let length = head.len();
        values.push(head.into());
        format!("substr({}, 1, {length}) <> ${}", name(table, place), values.len())
    });
    format!("({})", others.collect::<Vec<_>>().join(" OR "))
}

/// A row changed, if what is sealed in it is as it was read; and the parameters.
pub(super) fn change(table: &SealedTable, row: &[Value], new: &[Value]) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut parameter = |value: Option<&Value>| {
        values.extend(value.cloned());
        format!("${}", values.len())
    };
    let places = || table.mac.into_iter().chain(table.sealed.iter().map(|(place, _)| *place));
    let sets: Vec<_> = places()
        .filter(|place| row.get(*place) != new.get(*place))
        .map(|place| format!("{} = {}", name(table, place), parameter(new.get(place))))
        .collect();
    let mut conditions: Vec<_> = table
        .key
        .iter()
        .map(|place| format!("{} = {}", name(table, *place), parameter(row.get(*place))))
        .collect();
    // A MAC covers the whole row.
    let unchanged: Vec<_> = match table.mac {
        Some(place) => vec![place],
        None => places().collect(),
    };
    for place in unchanged {
        let value = parameter(row.get(place));
        conditions.push(format!("{} IS NOT DISTINCT FROM {value}", name(table, place)));
    }
    let (sets, conditions) = (sets.join(", "), conditions.join(" AND "));
    (format!("UPDATE {} SET {sets} WHERE {conditions}", quoted(table.name())), values)
}

fn name(table: &SealedTable, place: usize) -> String {
    table.table.columns.get(place).map(|(name, _)| quoted(name)).unwrap_or_default()
}
