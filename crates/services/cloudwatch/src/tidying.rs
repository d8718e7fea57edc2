//! What is kept for a while only: points, metrics without points, alarms' histories.

use crate::CloudWatch;
use crate::domain::series::{DAY_MS, Resolution};
use crate::error::Refusal;
use crate::repo::{history, metrics, points};

/// Metrics in one transaction.
const PAGE: u32 = 50;

/// How long the history of an alarm is kept (CloudWatch API Reference, DescribeAlarmHistory, names none; the console shows
/// 30 days).
const HISTORY_MS: i64 = 30 * DAY_MS;

impl CloudWatch {
    /// Drops what is older at a moment than it is kept for.
    pub(crate) async fn tidy(&self, now_ms: i64) -> Result<(), Refusal> {
        history::drop_old(&self.db, now_ms.saturating_sub(HISTORY_MS)).await?;
        let before_ms = now_ms.saturating_sub(Resolution::Hour.kept_ms());
        let mut after = None;
        loop {
            let page = &metrics::list_all(&self.points, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
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
    }
}
