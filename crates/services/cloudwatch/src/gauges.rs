//! What is measured every minute: how HSMs are, when imported key material ends.

use async_trait::async_trait;
use strongroom_runtime::BoxError;

use crate::CloudWatch;
use crate::error::Refusal;
use crate::repo::metrics;
use crate::service::{Emission, samples_of};

/// Something of the program that has a value at every moment.
#[async_trait]
pub trait Gauge: Send + Sync {
    /// Its name, under which the store notes up to when it was read: servers on one store read gauges of one name once.
    fn name(&self) -> &str;

    /// What it says at a moment of domain time.
    async fn read(&self, at_ms: i64) -> Result<Vec<Emission>, BoxError>;
}

impl CloudWatch {
    /// Reads all gauges at a moment, each once, whichever server does it.
    pub(crate) async fn read_gauges(&self, at_ms: i64) {
        for gauge in &self.gauges {
            let emissions = match gauge.read(at_ms).await {
                Ok(emissions) => emissions,
                Err(error) => {
                    tracing::warn!(gauge = gauge.name(), error, "a metric was not measured");
                    continue;
                }
            };
            if let Err(refusal) = self.keep_reading(gauge.name(), at_ms, &emissions).await {
                tracing::warn!(gauge = gauge.name(), error = ?refusal, "what was measured is not kept");
            }
        }
    }

    async fn keep_reading(&self, gauge: &str, at_ms: i64, emissions: &[Emission]) -> Result<(), Refusal> {
        let samples = &samples_of(emissions);
        if samples.is_empty() {
            return Ok(());
        }
        let kept = self.points.transaction(|tx| {
            Box::pin(async move {
                if metrics::take_reading(tx, gauge, at_ms).await? {
                    samples.write(tx).await?;
                }
                Ok::<_, Refusal>(())
            })
        });
        kept.await
    }
}
