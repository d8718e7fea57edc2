//! Samples that others have added up and hand over, each once: what log events say.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::AccountId;
use strongroom_store::{StoreError, Tx};

use crate::CloudWatch;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::statistic::StatisticSet;
use crate::repo::metrics;
use crate::repo::points::{At, Samples};

/// Samples of a metric that others have added up: those of one minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Whose metric it is.
    pub account: AccountId,
    /// The Region's name.
    pub region: &'static str,
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

/// Somebody whose samples are to be had before alarms are looked at.
#[async_trait]
pub trait Feeder: Send + Sync {
    /// Hands over what there is now. What goes wrong is told by whoever hands over.
    async fn hand_over(&self);
}

impl CloudWatch {
    /// Keeps samples that others number, each number of a source once: those of numbers that were had before are passed
    /// over.
    pub async fn feed(&self, source: &str, number: i64, summaries: &[Summary]) -> Result<(), StoreError> {
        let samples = &samples_of_summaries(summaries);
        let taken = self.points.transaction(|tx| {
            Box::pin(async move {
                if metrics::take_reading(tx, source, number).await? {
                    samples.write(tx).await?;
                }
                Ok(())
            })
        });
        taken.await
    }

    /// Keeps samples of others in a transaction of the database of points, in which they are taken from where they were.
    pub async fn write_fed(tx: &mut Tx<'_>, summaries: &[Summary]) -> Result<(), StoreError> {
        samples_of_summaries(summaries).write(tx).await
    }

    /// Names whose samples are to be had before alarms are looked at.
    pub fn fed_by(&self, feeder: Arc<dyn Feeder>) {
        // There is one.
        let _ = self.feeder.set(feeder);
    }
}

fn samples_of_summaries(summaries: &[Summary]) -> Samples {
    let mut samples = Samples::default();
    for summary in summaries {
        let Summary { samples: count, sum, least, most, .. } = *summary;
        let home = Home { account: summary.account, region: summary.region };
        let names = (summary.namespace.clone(), summary.name.clone());
        let metric = Metric::with(names.0, names.1, summary.dimensions.clone());
        let at = At { ms: summary.at_ms, unit: &summary.unit, is_fine: false };
        if sum.is_finite() && least.is_finite() && most.is_finite() {
            samples.add(home, &metric, at, &StatisticSet { samples: count, sum, least, most });
        }
    }
    samples
}
