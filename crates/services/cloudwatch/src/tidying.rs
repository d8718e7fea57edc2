//! What is kept for a while only: points, metrics without points, alarms' histories.
//!
//! It is found by its age, so that tidying costs what there is to drop, and not what there is.

use crate::CloudWatch;
use crate::domain::series::{DAY_MS, Resolution};
use crate::error::Refusal;
use crate::repo::{history, metrics, points};

/// Rows of one transaction.
const PAGE: u32 = 1_000;

/// Transactions in one go: alarms are not looked at meanwhile.
const MOST_PAGES: usize = 20;

/// How long the history of an alarm is kept (CloudWatch API Reference, DescribeAlarmHistory, names none; the console shows
/// 30 days).
const HISTORY_MS: i64 = 30 * DAY_MS;

impl CloudWatch {
    /// Drops what is older at a moment than it is kept for. Answers whether there is more than is done at once.
    pub(crate) async fn tidy(&self, now_ms: i64) -> Result<bool, Refusal> {
        history::drop_old(&self.db, now_ms.saturating_sub(HISTORY_MS)).await?;
        let mut pages = 0;
        for resolution in Resolution::ALL {
            while points::drop_old(&self.points, resolution, now_ms, PAGE).await? == u64::from(PAGE) {
                pages += 1;
                if pages == MOST_PAGES {
                    return Ok(true);
                }
            }
        }
        let before_ms = now_ms.saturating_sub(Resolution::Hour.kept_ms());
        while metrics::forget_old(&self.points, before_ms, PAGE).await? == u64::from(PAGE) {
            pages += 1;
            if pages == MOST_PAGES {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
