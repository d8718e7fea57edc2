//! What is kept for a while only: points, metrics without points, alarms' histories.

use crate::CloudWatch;
use crate::domain::home::Home;
use crate::domain::metric::MetricKey;
use crate::domain::series::{DAY_MS, Resolution};
use crate::error::Refusal;
use crate::repo::{history, metrics, points};

/// Metrics in one transaction.
const PAGE: u32 = 50;

/// Transactions in one go: alarms are not looked at meanwhile.
const MOST_PAGES: usize = 20;

/// How long the history of an alarm is kept (CloudWatch API Reference, DescribeAlarmHistory, names none; the console shows
/// 30 days).
const HISTORY_MS: i64 = 30 * DAY_MS;

impl CloudWatch {
    /// Drops what is older at a moment than it is kept for, of metrics after a place. Answers where to go on, if there is more
    /// than is done at once.
    pub(crate) async fn tidy(
        &self,
        now_ms: i64,
        mut after: Option<(Home, MetricKey)>,
    ) -> Result<Option<(Home, MetricKey)>, Refusal> {
        history::drop_old(&self.db, now_ms.saturating_sub(HISTORY_MS)).await?;
        let before_ms = now_ms.saturating_sub(Resolution::Hour.kept_ms());
        for _ in 0..MOST_PAGES {
            let page = &metrics::list_all(&self.points, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(None) };
            let dropped = self.points.transaction(|tx| {
                Box::pin(async move {
                    for (home, key) in page {
                        points::drop_old(tx, home, key, now_ms).await?;
                        metrics::forget(tx, home, key, before_ms).await?;
                    }
                    Ok::<_, Refusal>(())
                })
            });
            dropped.await?;
            after = Some(*last);
        }
        Ok(after)
    }
}
