//! Rows of what events have said, until CloudWatch has it.
//!
//! In a file of their own, rows have numbers that count up as they commit: whoever takes them keeps the last number that he
//! has with what he makes of them. In the store they are taken and made something of in one transaction; numbers that count
//! up would only make those who put events wait for each other, so they are random there.

use strongroom_crypto::random;
use strongroom_store::{Db, Engine, Row, Statement, StoreError, Tx};

use super::{most, unreadable};
use crate::domain::id::Id;
use crate::emitting::{Emission, Emitted};

/// The form of what is said.
const FORMAT: i64 = 1;

/// Rows that are taken at once, and the length of what they say together: what CloudWatch keeps in one transaction. The
/// first row is taken whatever its length is.
const MOST: usize = 256;
const MOST_LENGTH: i64 = 256 << 10;

/// The length of a row from which on what follows is said in the next one.
const LONGEST_ROW: usize = 64 << 10;

const NEXT: Statement = Statement::new(
    "INSERT INTO logs_emission_numbers (only_one, source, last) VALUES (1, $1, 1) \
     ON CONFLICT (only_one) DO UPDATE SET last = logs_emission_numbers.last + 1 RETURNING last",
);
const SOURCE: Statement = Statement::new("SELECT source FROM logs_emission_numbers WHERE only_one = 1");
const ADD: Statement =
    Statement::new("INSERT INTO logs_emissions (number, format, said) VALUES ($1, $2, $3)");
const LENGTHS: Statement = Statement::new(
    "SELECT number, CAST(LENGTH(said) AS BIGINT) AS length FROM logs_emissions ORDER BY number LIMIT $1",
);
const UP_TO: Statement =
    Statement::new("SELECT number, format, said FROM logs_emissions WHERE number <= $1 ORDER BY number");
const DELETE_TO: Statement = Statement::new("DELETE FROM logs_emissions WHERE number <= $1");

pub(super) const STATEMENTS: &[Statement] = &[NEXT, SOURCE, ADD, LENGTHS, UP_TO, DELETE_TO];

/// What a batch of events says, ready to be written.
#[derive(Debug)]
pub(crate) struct Saying {
    rows: Vec<Wanted>,
    engine: Engine,
    /// The name of the file's numbers, if this begins them.
    source: Id,
}

/// A row that is to be.
#[derive(Debug)]
struct Wanted {
    /// The row's number in the store.
    number: i64,
    said: String,
}

impl Saying {
    pub(crate) fn new(said: &[Emitted], engine: Engine) -> Result<Self, StoreError> {
        let source = Id::new().map_err(|error| unreadable("source", error))?;
        let (mut rows, mut row) = (Vec::new(), String::new());
        for one in said {
            let one = serde_json::to_string(one).map_err(|error| unreadable("said", error))?;
            if row.len() + one.len() > LONGEST_ROW && !row.is_empty() {
                rows.push(Wanted::new(&std::mem::take(&mut row))?);
            }
            if !row.is_empty() {
                row.push(',');
            }
            row.push_str(&one);
        }
        if !row.is_empty() {
            rows.push(Wanted::new(&row)?);
        }
        Ok(Self { rows, engine, source })
    }

    /// The engine of the database that it is for.
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) async fn add(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for row in &self.rows {
            let number = match self.engine {
                Engine::Sqlite => tx.query_one(NEXT, &[self.source.into()]).await?.i64("last")?,
                Engine::Postgres => row.number,
            };
            tx.execute(ADD, &[number.into(), FORMAT.into(), (&row.said).into()]).await?;
        }
        Ok(())
    }
}

impl Wanted {
    /// A row of emissions with commas between them.
    fn new(emissions: &str) -> Result<Self, StoreError> {
        let number = random::bytes().map_err(|error| unreadable("number", error))?;
        Ok(Self { number: i64::from_be_bytes(number), said: format!("[{emissions}]") })
    }
}

/// The oldest rows of a file, and the name of its numbers.
pub(crate) async fn first(db: &Db) -> Result<Option<(Id, Vec<Emission>)>, StoreError> {
    let Some(last) = last_of_first(&db.query(LENGTHS, &[most(MOST)]).await?)? else { return Ok(None) };
    let rows = db.query(UP_TO, &[last.into()]).await?;
    let Some(source) = db.query_opt(SOURCE, &[]).await? else { return Ok(None) };
    let rows: Result<_, StoreError> = rows.iter().map(read).collect();
    Ok(Some((Id::read(&source, "source")?, rows?)))
}

/// Forgets the rows of a file up to a number.
pub(crate) async fn delete_to(tx: &mut Tx<'_>, number: i64) -> Result<(), StoreError> {
    tx.execute(DELETE_TO, &[number.into()]).await.map(drop)
}

/// Takes rows off the store; answers what they say.
pub(crate) async fn take(tx: &mut Tx<'_>) -> Result<Vec<Emitted>, StoreError> {
    let Some(last) = last_of_first(&tx.query(LENGTHS, &[most(MOST)]).await?)? else { return Ok(Vec::new()) };
    let rows = tx.query(UP_TO, &[last.into()]).await?;
    delete_to(tx, last).await?;
    let mut said = Vec::new();
    for row in &rows {
        said.extend(read(row)?.said);
    }
    Ok(said)
}

/// The number of the last of the first rows that are taken at once.
fn last_of_first(rows: &[Row]) -> Result<Option<i64>, StoreError> {
    let (mut last, mut length) = (None, 0_i64);
    for row in rows {
        length = length.saturating_add(row.i64("length")?);
        if last.is_some() && length > MOST_LENGTH {
            break;
        }
        last = Some(row.i64("number")?);
    }
    Ok(last)
}

fn read(row: &Row) -> Result<Emission, StoreError> {
    let format = row.i64("format")?;
    if format != FORMAT {
        return Err(unreadable("format", format!("the form {format} is not known")));
    }
    let said = serde_json::from_str(&row.text("said")?).map_err(|error| unreadable("said", error))?;
    Ok(Emission { number: row.i64("number")?, said })
}
