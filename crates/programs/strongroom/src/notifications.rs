//! SNS, joined to the front door and to CloudWatch.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_cloudwatch::{CloudWatch, Emission};
use strongroom_runtime::Shutdown;
use strongroom_server::{Document, Documents};
use strongroom_sns::{MeasuredTopic, Measures, Metric, Notifications};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What is counted and waits to be taken by CloudWatch; what is beyond is not counted.
const MOST_COUNTED: usize = 16_384;

/// How often CloudWatch takes it.
const PACE: Duration = Duration::from_secs(1);

/// The namespace of SNS's metrics, and their dimension.
const NAMESPACE: &str = "AWS/SNS";
const DIMENSION: &str = "TopicName";

/// The certificates that messages name, which anybody may read.
pub(crate) struct Certificates(pub(crate) Arc<Notifications>);

#[async_trait]
impl Documents for Certificates {
    fn covers(&self, path: &str) -> bool {
        strongroom_sns::is_certificate_path(path)
    }

    async fn read(&self, path: &str) -> Result<Option<Document>, Box<dyn Error + Send + Sync>> {
        let found = self.0.certificate_at(path).await?;
        Ok(found.map(|text| Document { content_type: "application/x-pem-file", text }))
    }
}

/// What SNS counts, on its way to CloudWatch.
struct Counted(Sender<Emission>);

impl Measures for Counted {
    fn count(&self, topic: &MeasuredTopic<'_>, metric: Metric, value: f64, at_ms: i64) {
        let emission = Emission {
            account: topic.account,
            region: topic.region,
            namespace: NAMESPACE.to_owned(),
            name: metric.name().to_owned(),
            dimensions: vec![(DIMENSION.to_owned(), topic.name.to_owned())],
            unit: metric.unit(),
            at_ms,
            value,
        };
        if self.0.try_send(emission).is_err() {
            tracing::debug!("CloudWatch does not keep up with what SNS counts");
        }
    }
}

/// Has CloudWatch take what SNS counts, until the shutdown begins.
pub(crate) fn measure(sns: &Notifications, cloudwatch: Arc<CloudWatch>, shutdown: &Shutdown) {
    let (counted, taken) = channel(MOST_COUNTED);
    sns.measured_by(Arc::new(Counted(counted)));
    shutdown.spawn(hand_over(taken, cloudwatch, shutdown.clone()));
}

async fn hand_over(mut counted: Receiver<Emission>, cloudwatch: Arc<CloudWatch>, shutdown: Shutdown) {
    let mut batch = Vec::new();
    loop {
        let is_over = tokio::select! {
            biased;
            () = shutdown.begun() => true,
            () = tokio::time::sleep(PACE) => false,
        };
        while let Ok(emission) = counted.try_recv() {
            batch.push(emission);
        }
        if !batch.is_empty()
            && let Err(error) = cloudwatch.emit(&batch).await
        {
            tracing::warn!(%error, "what SNS has counted is lost to CloudWatch");
        }
        batch.clear();
        if is_over {
            return;
        }
    }
}
