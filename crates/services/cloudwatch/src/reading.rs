//! Reading metrics: their points, by periods.

use strongroom_store::StoreError;

use crate::CloudWatch;
use crate::domain::home::Home;
use crate::domain::metric::Metric;
use crate::domain::series::{MINUTE_MS, Periods, Resolution, Span, floor, with_zeros};
use crate::repo::{metrics, points};

/// The unit of KMS's KeyUsageCount.
const COUNT: &str = "Count";

impl CloudWatch {
    /// The values of a metric in the periods of a stretch, of all units or of one, as they are at a moment.
    pub(crate) async fn periods(
        &self,
        home: &Home,
        metric: &Metric,
        unit: Option<&str>,
        span: &Span,
        now_ms: i64,
    ) -> Result<Periods, StoreError> {
        let key = metric.key(home);
        let range = (span.start_ms, span.end_ms);
        let has_zeros = metric.has_implied_zeros() && span.period_ms % MINUTE_MS == 0;
        let resolution = if has_zeros && span.start_ms >= now_ms.saturating_sub(Resolution::Minute.kept_ms())
        {
            Resolution::Minute
        } else {
            span.resolution()
        };
        let mut found = points::read(&self.points, home, &key, resolution, range).await?;
        if resolution == Resolution::Minute
            && has_zeros
            && let Some(since_ms) = metrics::beginning(&self.points, home).await?
        {
            let from_ms = span.start_ms.max(floor(since_ms, MINUTE_MS));
            let until_ms = span.end_ms.min(floor(now_ms, MINUTE_MS));
            found = with_zeros(found, from_ms, until_ms, COUNT);
        }
        if let Some(unit) = unit {
            found.retain(|point| point.unit == unit);
        }
        Ok(Periods::gather(span, found))
    }
}
