//! What is sealed in tables, sealed afresh where it stands, or opened to see that it opens.
//!
//! The walk finds tables with row MACs in the database's catalogue, so that none can be forgotten; which columns hold
//! sealed values, and what these are bound to, services say with [`SealedColumn`]s. It goes by primary key in
//! [steps](Db::reseal) of a few rows and changes a row only if it is as it was read: running changes are not kept waiting,
//! and what they write meanwhile stays.

mod statements;

use strongroom_seal::{Purpose, Root, Sealer};

use crate::snapshot::{Table, value};
use crate::{Db, Row, RowMac, Statement, StoreError, Value};

/// The column that holds a row's MAC.
const MAC: &str = "mac";

/// Rows that are looked at together when they are counted.
const COUNTED_AT_ONCE: u32 = 1000;

/// The columns of primary keys, from the database's catalogue.
const KEYS_ON_SQLITE: Statement = Statement::new(
    "SELECT tables.name AS table_name, columns.name AS column_name \
     FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns \
     WHERE tables.type = 'table' AND columns.pk > 0 ORDER BY tables.name, columns.pk",
);
const KEYS_ON_POSTGRES: Statement = Statement::new(
    "SELECT CAST(keys.table_name AS TEXT) AS table_name, CAST(keys.column_name AS TEXT) AS column_name \
     FROM information_schema.table_constraints AS rules JOIN information_schema.key_column_usage AS keys \
     ON keys.constraint_schema = rules.constraint_schema AND keys.constraint_name = rules.constraint_name \
     AND keys.table_name = rules.table_name \
     WHERE rules.constraint_type = 'PRIMARY KEY' AND rules.table_schema = current_schema() \
     ORDER BY 1, keys.ordinal_position",
);

/// A column whose values a service seals. NULLs are not sealed.
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column, of the type `BYTEA`.
    pub column: &'static str,
    /// What its values are sealed for.
    pub purpose: Purpose,
    /// What a value is bound to, from its row.
    pub bound_to: fn(&Fields<'_>) -> Binding,
}

/// What a value of a sealed column is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// These bytes, without which it does not open.
    To(Vec<u8>),
    /// Nothing: in this row the column holds something that is not sealed.
    NotSealed,
    /// The row is not one that its service would have written: what is sealed in it is out of reach, and the row is named
    /// with those that do not open.
    Malformed,
}

impl From<Option<Vec<u8>>> for Binding {
    /// Nothing is what is read from a malformed row.
    fn from(bound_to: Option<Vec<u8>>) -> Self {
        bound_to.map_or(Self::Malformed, Self::To)
    }
}

/// A row's values by the names of their columns.
pub struct Fields<'r> {
    table: &'r Table,
    values: &'r [Value],
}

impl Fields<'_> {
    /// A text; `None` if there is no such column, or another kind of value.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number.
    pub fn i64(&self, column: &str) -> Option<i64> {
        match self.get(column)? {
            Value::I64(number) => Some(*number),
            _ => None,
        }
    }

    /// Bytes.
    pub fn blob(&self, column: &str) -> Option<&[u8]> {
        match self.get(column)? {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn get(&self, column: &str) -> Option<&Value> {
        self.values.get(place_of(self.table, column)?)
    }
}

/// A table in which something is sealed.
pub struct SealedTable {
    table: Table,
    /// The places of the primary key's columns.
    key: Vec<usize>,
    /// The place of the MAC.
    mac: Option<usize>,
    /// The places of sealed columns.
    sealed: Vec<(usize, &'static SealedColumn)>,
}

impl SealedTable {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.table.name
    }
}

/// What a walk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Seal afresh what another than the current epoch sealed.
    Reseal,
    /// Open everything and change nothing.
    Check,
}

/// With what values are sealed.
#[derive(Clone)]
pub struct Sealing {
    root: Root,
    mac: RowMac,
}

impl Sealing {
    /// Under that root.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Self { root: root.clone(), mac: RowMac::new(root) }
    }

    /// The root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The MACs of rows.
    pub fn mac(&self) -> &RowMac {
        &self.mac
    }
}

/// How far a walk has come in a table: the primary key of the last row that was looked at.
pub type Place = Vec<Value>;

/// What one step of a walk did.
#[derive(Debug, Default)]
pub struct Step {
    /// Rows looked at.
    pub looked: u64,
    /// Rows sealed afresh.
    pub resealed: u64,
    /// Rows that had changed when they were to be written; whoever wrote them sealed them.
    pub overtaken: u64,
    /// Rows whose MAC does not fit, or in which something does not open: what names them.
    pub refused: Vec<String>,
    /// Where the next step begins; `None` at the end.
    pub next: Option<Place>,
}

impl Db {
    /// The tables in which something is sealed: those with a MAC, except `others`, of which somebody else takes care; and
    /// those of `columns`.
    pub async fn sealed_tables(
        &self,
        columns: &[&'static [SealedColumn]],
        others: &[&str],
    ) -> Result<Vec<SealedTable>, StoreError> {
        let keys = self.query(self.pick(KEYS_ON_SQLITE, KEYS_ON_POSTGRES), &[]).await?;
        let mut found = Vec::new();
        for table in self.tables().await? {
            if others.contains(&table.name.as_str()) {
                continue;
            }
            let of_table = columns.iter().copied().flatten().filter(|column| column.table == table.name);
            let sealed: Option<Vec<_>> =
                of_table.map(|column| Some((place_of(&table, column.column)?, column))).collect();
            let sealed = sealed.ok_or_else(|| amiss(&table, "lacks a column whose values are sealed"))?;
            let mac = place_of(&table, MAC);
            if mac.is_none() && sealed.is_empty() {
                continue;
            }
            let mut key = Vec::new();
            for row in &keys {
                if row.text("table_name")? == table.name {
                    let place = place_of(&table, &row.text("column_name")?);
                    key.push(place.ok_or_else(|| amiss(&table, "has a key of columns that are not there"))?);
                }
            }
            if key.is_empty() {
                return Err(amiss(&table, "has no primary key"));
            }
            found.push(SealedTable { table, key, mac, sealed });
        }
        let missing = columns.iter().copied().flatten().find(|column| {
            !found.iter().any(|table| table.name() == column.table) && !others.contains(&column.table)
        });
        match missing {
            None => Ok(found),
            Some(column) => Err(StoreError::Setup(format!("there is no table {}", column.table))),
        }
    }

    /// How many rows of a table have a MAC with another epoch than the current, or a sealed value.
    pub async fn count_older(&self, table: &SealedTable, sealing: &Sealing) -> Result<u64, StoreError> {
        let (mut count, mut after) = (0, None);
        loop {
            let (sql, values) =
                statements::page(table, sealing, Aim::Reseal, after.as_ref(), COUNTED_AT_ONCE);
            let rows = self.reading().await?.select(sql, &values).await?;
            for row in &rows {
                let row = table.values_of(row)?;
                count += u64::from(table.is_older(sealing, &row));
                after = Some(table.key_of(&row));
            }
            if rows.len() < COUNTED_AT_ONCE as usize {
                return Ok(count);
            }
        }
    }

    /// Goes through at most `most` rows of a table, those behind `after`.
    pub async fn reseal(
        &self,
        table: &SealedTable,
        sealing: &Sealing,
        aim: Aim,
        after: Option<&Place>,
        most: u32,
    ) -> Result<Step, StoreError> {
        let (sql, values) = statements::page(table, sealing, aim, after, most);
        let rows = self.reading().await?.select(sql, &values).await?;
        let mut step = Step { looked: rows.len() as u64, ..Step::default() };
        let mut changes = Vec::new();
        let mut last = None;
        for row in &rows {
            let row = table.values_of(row)?;
            last = Some(table.key_of(&row));
            match table.look(sealing, aim, &row) {
                Ok(None) => {}
                Ok(Some(new)) => changes.push(statements::change(table, &row, &new)),
                Err(Refused) => step.refused.push(table.name_of(&row)),
            }
        }
        if rows.len() as u64 == u64::from(most) {
            step.next = last;
        }
        if !changes.is_empty() {
            let (wanted, changes) = (changes.len() as u64, &changes);
            step.resealed = self
                .transaction(|tx| {
                    Box::pin(async move {
                        let mut changed = 0;
                        for (sql, values) in changes {
                            changed += tx.change(sqlx::AssertSqlSafe(sql.clone()), values).await?;
                        }
                        Ok::<_, StoreError>(changed)
                    })
                })
                .await?;
            step.overtaken = wanted.saturating_sub(step.resealed);
        }
        Ok(step)
    }
}

/// A row does not fit its MAC, or something in it does not open.
struct Refused;

impl SealedTable {
    fn values_of(&self, row: &Row) -> Result<Vec<Value>, StoreError> {
        self.table.columns.iter().map(|(name, kind)| value(row, name, *kind)).collect()
    }

    /// Whether another than the current epoch has made a row's MAC or sealed one of its values.
    fn is_older(&self, sealing: &Sealing, row: &[Value]) -> bool {
        let current = Some(sealing.root.current_epoch());
        let mac = self
            .mac
            .and_then(|place| row.get(place))
            .is_some_and(|mac| !matches!(mac, Value::Blob(mac) if RowMac::epoch_of(mac) == current));
        let fields = Fields { table: &self.table, values: row };
        mac || self.sealed.iter().any(|(place, column)| match row.get(*place) {
            Some(Value::Blob(sealed)) => {
                Sealer::epoch_of(sealed).ok() != current && (column.bound_to)(&fields) != Binding::NotSealed
            }
            _ => false,
        })
    }

    /// Opens a row. Answers the values that are to stand there in its place, if it is to be sealed afresh.
    fn look(&self, sealing: &Sealing, aim: Aim, row: &[Value]) -> Result<Option<Vec<Value>>, Refused> {
        if let Some(place) = self.mac {
            let Some(Value::Blob(mac)) = row.get(place) else { return Err(Refused) };
            if !sealing.mac.fits(&self.table.name, &self.without_mac(row), mac) {
                return Err(Refused);
            }
        }
        let mut new = row.to_vec();
        for (place, column) in &self.sealed {
            let Some(Value::Blob(sealed)) = row.get(*place) else { continue };
            let fields = Fields { table: &self.table, values: row };
            let bound_to = match (column.bound_to)(&fields) {
                Binding::To(bound_to) => bound_to,
                Binding::NotSealed => continue,
                Binding::Malformed => return Err(Refused),
            };
            let sealer = Sealer::new(&sealing.root, column.purpose);
            match aim {
                Aim::Check => drop(sealer.open(&bound_to, sealed).map_err(|_| Refused)?),
                Aim::Reseal => {
                    if let Some(afresh) = sealer.reseal(&bound_to, sealed).map_err(|_| Refused)?
                        && let Some(value) = new.get_mut(*place)
                    {
                        *value = Value::Blob(afresh);
                    }
                }
            }
        }
        if aim == Aim::Check {
            return Ok(None);
        }
        if let Some(place) = self.mac {
            let stale = matches!(row.get(place), Some(Value::Blob(mac))
                if RowMac::epoch_of(mac) != Some(sealing.root.current_epoch()));
            if stale || new != row {
                let mac = sealing.mac.seal(&self.table.name, &self.without_mac(&new));
                if let Some(value) = new.get_mut(place) {
                    *value = Value::Blob(mac);
                }
            }
        }
        Ok((new != row).then_some(new))
    }

    fn without_mac<'r>(&'r self, row: &'r [Value]) -> Vec<(&'r str, &'r Value)> {
        let columns = self.table.columns.iter().zip(row);
        columns
            .filter(|((name, _), _)| name != MAC)
            .map(|((name, _), value)| (name.as_str(), value))
            .collect()
    }

    fn key_of(&self, row: &[Value]) -> Place {
        self.key.iter().filter_map(|place| row.get(*place)).cloned().collect()
    }

    /// What names a row in a message: its table and its key.
    fn name_of(&self, row: &[Value]) -> String {
        let key = self.key_of(row).into_iter().map(|value| match value {
            Value::Text(text) => text,
            Value::I64(number) => number.to_string(),
            Value::F64(number) => number.to_string(),
            Value::Blob(bytes) => strongroom_crypto::hex::encode(&bytes),
            Value::Null(_) => String::new(),
        });
        format!("{} {}", self.table.name, key.collect::<Vec<_>>().join(" "))
    }
}

fn place_of(table: &Table, column: &str) -> Option<usize> {
    table.columns.iter().position(|(name, _)| name == column)
}

fn amiss(table: &Table, what: &str) -> StoreError {
    StoreError::Setup(format!("table {} {what}", table.name))
}
