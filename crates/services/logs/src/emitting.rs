//! What events say to CloudWatch, on its way there: written with the events, taken by whoever joins the two services, each
//! once.

use serde::{Deserialize, Serialize};
use strongroom_store::{StoreError, Tx};

use crate::Logs;
use crate::repo::emissions;

/// Samples of a metric of one minute, together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emitted {
    /// Whose metric it is.
    pub account: String,
    /// The Region's name.
    pub region: String,
    /// For example `AWS/Logs`.
    pub namespace: String,
    /// For example `IncomingLogEvents`.
    pub name: String,
    /// Names and values of the dimensions.
    pub dimensions: Vec<(String, String)>,
    /// One of CloudWatch's units, for example `Count`.
    pub unit: String,
    /// When, in milliseconds of domain time.
    pub at_ms: i64,
    /// How many samples there are.
    pub samples: f64,
    /// Their sum.
    pub sum: f64,
    /// The smallest of them.
    pub least: f64,
    /// The largest of them.
    pub most: f64,
}

/// The oldest emissions that nobody has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Emissions {
    /// What numbers them.
    pub source: String,
    /// The rows, in the order of their numbers. Where they come again, others may come with them.
    pub rows: Vec<Emission>,
}

/// What one row says: at most what a batch of events does.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// Its number among those of its source.
    pub number: i64,
    /// All that it says.
    pub said: Vec<Emitted>,
}

impl Logs {
    /// The oldest emissions, where [`events_db`](Self::events_db) is a file of its own. They stay until they are
    /// [taken](Self::taken): whoever takes them keeps the last row's number together with what he makes of them, and passes
    /// over the rows that he has.
    pub async fn emissions(&self) -> Result<Option<Emissions>, StoreError> {
        let first = emissions::first(&self.events).await?;
        Ok(first.map(|(source, rows)| Emissions { source: format!("logs {source}"), rows }))
    }

    /// Forgets emissions that were taken.
    pub async fn taken(&self, taken: &Emissions) -> Result<(), StoreError> {
        let Some(last) = taken.rows.last() else { return Ok(()) };
        let number = last.number;
        self.events.transaction(|tx| Box::pin(async move { emissions::delete_to(tx, number).await })).await
    }

    /// Takes emissions in a transaction of [`events_db`](Self::events_db), where that is the store: what is made of them is
    /// written in the same transaction. Nothing is left when nothing is answered.
    pub async fn take_emissions(tx: &mut Tx<'_>) -> Result<Vec<Emitted>, StoreError> {
        emissions::take(tx).await
    }
}
