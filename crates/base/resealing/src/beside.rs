//! A database beside the store, in which services keep sealed values and rows with MACs, too.

use async_trait::async_trait;
use strongroom_seal::Root;
use strongroom_store::{Aim, Db, SealedColumn, SealedTable, Sealing};

use crate::walk::{BoxError, Kept, KeptStep};

/// Rows of one look.
const ROWS: u32 = 200;

/// Goes over such a database as the walk does over the store: one table a step.
pub struct Beside {
    name: &'static str,
    db: Db,
    sealing: Sealing,
    columns: &'static [&'static [SealedColumn]],
}

impl Beside {
    /// Of a database that is called so in messages, and the columns that are sealed in it. Tables with MACs are found by the
    /// database's catalogue.
    #[must_use]
    pub fn new(
        name: &'static str,
        db: &Db,
        root: &Root,
        columns: &'static [&'static [SealedColumn]],
    ) -> Self {
        Self { name, db: db.clone(), sealing: Sealing::new(root), columns }
    }

    async fn table(&self, table: &SealedTable, aim: Aim, done: &mut KeptStep) -> Result<(), BoxError> {
        let mut place = None;
        loop {
            let step = self.db.reseal(table, &self.sealing, aim, place.as_ref(), ROWS).await?;
            done.looked += step.looked;
            done.resealed += step.resealed;
            done.overtaken += step.overtaken;
            done.refused.extend(step.refused);
            place = step.next;
            if place.is_none() {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl Kept for Beside {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn step(&self, aim: Aim, after: Option<&str>) -> Result<KeptStep, BoxError> {
        let mut tables = self.db.sealed_tables(self.columns, &[]).await?;
        tables.sort_by(|one, other| one.name().cmp(other.name()));
        let mut waiting = tables.iter().filter(|table| after.is_none_or(|after| table.name() > after));
        let mut done = KeptStep::default();
        let Some(table) = waiting.next() else { return Ok(done) };
        self.table(table, aim, &mut done).await?;
        done.next = waiting.next().map(|_| table.name().to_owned());
        Ok(done)
    }
}
