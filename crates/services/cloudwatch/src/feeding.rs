//! Samples that others have added up and hand over, each once: what log events say.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::AccountId;
use strongroom_store::{StoreError, Tx};

use crate::CloudWatch;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::statistic::StatisticSet;
use crate::quota::{NotFed, Uncounted};
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

/// What one row of a source says.
#[derive(Clone, Debug, PartialEq)]
pub struct Fed {
    /// The row's number: a source counts them up, and hands them over in their order.
    pub number: i64,
    /// All that it says.
    pub summaries: Vec<Summary>,
}

/// Somebody whose samples are to be had before alarms are looked at.
#[async_trait]
pub trait Feeder: Send + Sync {
    /// Hands over what there is now. What goes wrong is told by whoever hands over.
    async fn hand_over(&self);
}

impl CloudWatch {
    /// Keeps what the rows of a source say, each row once: those whose numbers were had before are passed over, also where
    /// others that were not come with them. Samples of new metrics for which their account has no room are passed over too,
    /// and counted.
    pub async fn feed(&self, source: &str, rows: &[Fed]) -> Result<(), StoreError> {
        loop {
            let taken = self.points.transaction(|tx| {
                Box::pin(async move {
                    let mut samples = Samples::default();
                    for row in rows {
                        if metrics::take_reading(tx, source, row.number).await? {
                            add_summaries(&mut samples, &row.summaries);
                        }
                    }
                    self.write_with_room(tx, samples).await
                })
            });
            match taken.await {
                Err(NotFed::Uncounted(whose)) => self.count_metrics(&whose).await?,
                Err(NotFed::Store(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Keeps samples of others in a transaction of the database of points, in which they are taken from where they were.
    /// Those of new metrics for which their account has no room are passed over, and counted.
    pub async fn write_fed(&self, tx: &mut Tx<'_>, summaries: &[Summary]) -> Result<(), NotFed> {
        let mut samples = Samples::default();
        add_summaries(&mut samples, summaries);
        self.write_with_room(tx, samples).await
    }

    /// Counts the metrics of an account, where that is to be done before samples are handed over again. For a minute it is
    /// known then whether there is room.
    pub async fn count_metrics(&self, whose: &Uncounted) -> Result<(), StoreError> {
        self.quota.count(&self.points, &whose.0, self.clocks.domain_now()).await
    }

    /// Of how many minutes of new metrics the samples were passed over since the start, for want of room. A transaction that
    /// lost against another and was made again may count twice.
    pub fn passed_over(&self) -> u64 {
        self.quota.passed_over()
    }

    async fn write_with_room(&self, tx: &mut Tx<'_>, mut samples: Samples) -> Result<(), NotFed> {
        let now_ms = self.clocks.domain_now();
        let mut left_out = BTreeSet::new();
        for home in samples.homes() {
            let keys = samples.keys_of(&home);
            let without_room = self.quota.without_room(tx, &home, &keys, now_ms).await?;
            if !without_room.is_empty() {
                self.quota.tell(&home);
            }
            left_out.extend(without_room.into_iter().map(|key| (home, key)));
        }
        if !left_out.is_empty() {
            self.quota.pass_over(samples.leave_out(&left_out));
        }
        Ok(samples.write(tx).await?)
    }

    /// Names whose samples are to be had before alarms are looked at.
    pub fn fed_by(&self, feeder: Arc<dyn Feeder>) {
        // There is one.
        let _ = self.feeder.set(feeder);
    }
}

fn add_summaries(samples: &mut Samples, summaries: &[Summary]) {
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
}
