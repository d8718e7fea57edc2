//! One walk over everything that is sealed in the store.

use async_trait::async_trait;
use strongroom_seal::{Epoch, Purpose};
use strongroom_store::{Aim, Db, SealedColumn, Sealing};

use crate::ResealingError;

/// Why a service does not do its part.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Rows of one step.
const STEP: u32 = 200;

/// Names of rows that do not open which are kept; the others are counted.
const MOST_NAMED: usize = 100;

/// What is sealed so that only its service can seal it afresh: values inside documents, MACs over MACs.
#[async_trait]
pub trait Kept: Send + Sync {
    /// What it is, in messages.
    fn name(&self) -> &'static str;

    /// The tables with MACs or sealed columns that it takes care of wholly.
    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    /// Goes through the next few values, those behind `after`.
    async fn step(&self, aim: Aim, after: Option<&str>) -> Result<KeptStep, BoxError>;

    /// The subkeys of older epochs without which something would not open that cannot be sealed afresh.
    async fn needs(&self) -> Result<Vec<(Epoch, Purpose)>, BoxError> {
        Ok(Vec::new())
    }
}

/// What such a step did.
#[derive(Debug, Default)]
pub struct KeptStep {
    /// Values looked at.
    pub looked: u64,
    /// Values sealed afresh.
    pub resealed: u64,
    /// Values that an older epoch sealed and that could not be sealed afresh now; the next walk comes back to them.
    pub overtaken: u64,
    /// What does not open.
    pub refused: Vec<String>,
    /// Where the next step begins; `None` at the end.
    pub next: Option<String>,
}

/// How far a walk is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The table, or what a service calls it.
    pub of: String,
    /// What was done so far, in all.
    pub totals: Totals,
}

/// What a walk has done.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Rows looked at.
    pub looked: u64,
    /// Rows sealed afresh.
    pub resealed: u64,
    /// Rows that somebody else was at; the next walk comes back to them.
    pub overtaken: u64,
    /// Rows that do not open, or whose MAC does not fit: altered ones, which the server refuses to use.
    pub refused: u64,
    /// The first hundred of their names.
    pub names: Vec<String>,
}

impl Totals {
    pub(crate) fn add(&mut self, looked: u64, resealed: u64, overtaken: u64, refused: Vec<String>) {
        self.looked += looked;
        self.resealed += resealed;
        self.overtaken += overtaken;
        self.refused += refused.len() as u64;
        let room = MOST_NAMED.saturating_sub(self.names.len());
        self.names.extend(refused.into_iter().take(room));
    }
}

/// What a walk goes over.
pub(crate) struct Ground<'g> {
    pub(crate) db: &'g Db,
    pub(crate) sealing: &'g Sealing,
    pub(crate) columns: &'g [&'static [SealedColumn]],
    pub(crate) kept: &'g [std::sync::Arc<dyn Kept>],
}

impl Ground<'_> {
    /// How many rows of which tables have a MAC of another epoch than the current, in any table, or a sealed value: whoever takes
    /// care of the table.
    pub(crate) async fn of_older(&self) -> Result<Vec<(String, u64)>, ResealingError> {
        let mut found = Vec::new();
        for table in self.db.sealed_tables(self.columns, &[]).await? {
            let rows = self.db.count_older(&table, self.sealing).await?;
            if rows > 0 {
                found.push((table.name().to_owned(), rows));
            }
        }
        Ok(found)
    }

    /// Goes over everything once.
    pub(crate) async fn walk(
        &self,
        aim: Aim,
        tell: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Totals, ResealingError> {
        let mut totals = Totals::default();
        let others: Vec<_> = self.kept.iter().flat_map(|kept| kept.tables()).copied().collect();
        for table in self.db.sealed_tables(self.columns, &others).await? {
            let mut place = None;
            loop {
                let step = self.db.reseal(&table, self.sealing, aim, place.as_ref(), STEP).await?;
                totals.add(step.looked, step.resealed, step.overtaken, step.refused);
                tell(Progress { of: table.name().to_owned(), totals: totals.clone() });
                place = step.next;
                if place.is_none() {
                    break;
                }
            }
        }
        for kept in self.kept {
            let mut place = None;
            loop {
                let step = kept.step(aim, place.as_deref()).await;
                let step = step.map_err(|source| ResealingError::Kept { of: kept.name(), source })?;
                totals.add(step.looked, step.resealed, step.overtaken, step.refused);
                tell(Progress { of: kept.name().to_owned(), totals: totals.clone() });
                place = step.next;
                if place.is_none() {
                    break;
                }
            }
        }
        Ok(totals)
    }
}
