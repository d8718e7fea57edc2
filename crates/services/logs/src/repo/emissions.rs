//! Rows of what events have said, until CloudWatch has it.
//!
//! In a file of their own, rows have numbers that count up as they commit: whoever takes them keeps the last number that he
//! has with what he makes of them. In the store they are taken and made something of in one transaction; numbers that count
//! up would only make those who put events wait for each other, so they are random there.

use strongroom_crypto::random;
use strongroom_store::{Db, Engine, Row, Statement, StoreError, Tx};

use super::{most, unreadable};
use crate::domain::id::Id;
use crate::emitting::Emitted;

/// The form of what is said.
const FORMAT: i64 = 1;

/// Rows that are taken at once.
const MOST: usize = 256;

const NEXT: Statement = Statement::new(
    "INSERT INTO logs_emission_numbers (only_one, source, last) VALUES (1, $1, 1) \
     ON CONFLICT (only_one) DO UPDATE SET last = logs_emission_numbers.last + 1 RETURNING last",
);
const SOURCE: Statement = Statement::new("SELECT source FROM logs_emission_numbers WHERE only_one = 1");
const ADD: Statement =
    Statement::new("INSERT INTO logs_emissions (number, format, said) VALUES ($1, $2, $3)");
const FIRST: Statement =
    Statement::new("SELECT number, format, said FROM logs_emissions ORDER BY number LIMIT $1");
const DELETE: Statement = Statement::new("DELETE FROM logs_emissions WHERE number = $1");
const DELETE_TO: Statement = Statement::new("DELETE FROM logs_emissions WHERE number <= $1");

pub(super) const STATEMENTS: &[Statement] = &[NEXT, SOURCE, ADD, FIRST, DELETE, DELETE_TO];

/// What a batch of events says, ready to be written.
#[derive(Debug)]
pub(crate) struct Saying {
    said: String,
    engine: Engine,
    /// The row's number in the store.
    number: i64,
    /// The name of the file's numbers, if this begins them.
    source: Id,
}

impl Saying {
    pub(crate) fn new(said: &[Emitted], engine: Engine) -> Result<Self, StoreError> {
        let said = serde_json::to_string(said).map_err(|error| unreadable("said", error))?;
        let source = Id::new().map_err(|error| unreadable("source", error))?;
        let number = random::bytes().map_err(|error| unreadable("number", error))?;
        Ok(Self { said, engine, number: i64::from_be_bytes(number), source })
    }

    pub(crate) async fn add(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let number = match self.engine {
            Engine::Sqlite => tx.query_one(NEXT, &[self.source.into()]).await?.i64("last")?,
            Engine::Postgres => self.number,
        };
        tx.execute(ADD, &[number.into(), FORMAT.into(), (&self.said).into()]).await.map(drop)
    }
}

/// The oldest rows of a file: the name of its numbers, the last number, and all that they say.
pub(crate) async fn first(db: &Db) -> Result<Option<(Id, i64, Vec<Emitted>)>, StoreError> {
    let rows = db.query(FIRST, &[most(MOST)]).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let number = last.i64("number")?;
    let Some(source) = db.query_opt(SOURCE, &[]).await? else { return Ok(None) };
    Ok(Some((Id::read(&source, "source")?, number, read(&rows)?)))
}

/// Forgets the rows of a file up to a number.
pub(crate) async fn delete_to(tx: &mut Tx<'_>, number: i64) -> Result<(), StoreError> {
    tx.execute(DELETE_TO, &[number.into()]).await.map(drop)
}

/// Takes rows off the store; answers what they say.
pub(crate) async fn take(tx: &mut Tx<'_>) -> Result<Vec<Emitted>, StoreError> {
    let rows = tx.query(FIRST, &[most(MOST)]).await?;
    for row in &rows {
        tx.execute(DELETE, &[row.i64("number")?.into()]).await?;
    }
    read(&rows)
}

fn read(rows: &[Row]) -> Result<Vec<Emitted>, StoreError> {
    let mut all = Vec::new();
    for row in rows {
        let format = row.i64("format")?;
        if format != FORMAT {
            return Err(unreadable("format", format!("the form {format} is not known")));
        }
        let said: Vec<Emitted> =
            serde_json::from_str(&row.text("said")?).map_err(|error| unreadable("said", error))?;
        all.extend(said);
    }
    Ok(all)
}
