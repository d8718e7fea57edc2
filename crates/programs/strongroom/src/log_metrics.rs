//! What log events say, on its way from CloudWatch Logs to CloudWatch: each sample once, whatever stops in between.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_cloudwatch::{CloudWatch, Fed, Feeder, NotFed, Summary};
use strongroom_deriving::Follower;
use strongroom_identity::Region;
use strongroom_logs::{Emission, Emitted, Logs};
use strongroom_runtime::Shutdown;
use strongroom_store::{Engine, StoreError};
use tokio::sync::Mutex;

use crate::hsm_logs::HsmLogs;

/// How often CloudWatch takes it, beside before it looks at alarms.
const PACE: Duration = Duration::from_secs(1);

/// Hands over what log events say.
pub(crate) struct LogMetrics {
    pub(crate) logs: Arc<Logs>,
    pub(crate) cloudwatch: Arc<CloudWatch>,
    pub(crate) hsm_logs: Arc<Follower<HsmLogs>>,
    /// One hands over at a time.
    turn: Mutex<()>,
}

impl LogMetrics {
    pub(crate) fn new(
        logs: Arc<Logs>,
        cloudwatch: Arc<CloudWatch>,
        hsm_logs: Arc<Follower<HsmLogs>>,
    ) -> Arc<Self> {
        Arc::new(Self { logs, cloudwatch, hsm_logs, turn: Mutex::default() })
    }

    /// Hands over every second, until the shutdown begins.
    pub(crate) async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                biased;
                () = shutdown.begun() => return,
                () = tokio::time::sleep(PACE) => self.pass_on().await,
            }
        }
    }

    async fn pass_on(&self) {
        let _turn = self.turn.lock().await;
        let passed = match self.logs.events_db().engine() {
            Engine::Sqlite => self.between_files().await,
            Engine::Postgres => self.within_the_store().await,
        };
        if let Err(error) = passed {
            tracing::warn!(%error, "what log events say waits for CloudWatch");
        }
    }

    /// Events and points have files of their own: CloudWatch keeps the number of the last row that it has with what it makes
    /// of it, and passes over the rows that come again, whether after a crash or because nobody waited for the second step.
    async fn between_files(&self) -> Result<(), StoreError> {
        while let Some(emissions) = self.logs.emissions().await? {
            let rows: Vec<_> = emissions.rows.iter().map(fed).collect();
            self.cloudwatch.feed(&emissions.source, &rows).await?;
            self.logs.taken(&emissions).await?;
        }
        Ok(())
    }

    /// Both are in the store: what is taken from the one is written to the other in one transaction.
    async fn within_the_store(&self) -> Result<(), StoreError> {
        loop {
            let moved = self.logs.events_db().transaction(|tx| {
                Box::pin(async move {
                    let said = Logs::take_emissions(tx).await?;
                    let summaries: Vec<_> = said.iter().filter_map(summary).collect();
                    self.cloudwatch.write_fed(tx, &summaries).await?;
                    Ok::<_, NotFed>(said.len())
                })
            });
            match moved.await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(NotFed::Uncounted(whose)) => self.cloudwatch.count_metrics(&whose).await?,
                Err(NotFed::Store(error)) => return Err(error),
            }
        }
    }
}

#[async_trait]
impl Feeder for LogMetrics {
    async fn hand_over(&self) {
        // What went wrong with it is told by the follower.
        let _ = self.hsm_logs.catch_up().await;
        self.pass_on().await;
    }
}

fn fed(emission: &Emission) -> Fed {
    Fed { number: emission.number, summaries: emission.said.iter().filter_map(summary).collect() }
}

/// As CloudWatch takes it.
fn summary(said: &Emitted) -> Option<Summary> {
    let Emitted { account, region, namespace, name, dimensions, unit, at_ms, samples, sum, least, most } =
        said;
    Some(Summary {
        account: account.parse().ok()?,
        region: Region::named(region)?.name(),
        namespace: namespace.clone(),
        name: name.clone(),
        dimensions: dimensions.clone(),
        unit: unit.clone(),
        at_ms: *at_ms,
        samples: *samples,
        sum: *sum,
        least: *least,
        most: *most,
    })
}
