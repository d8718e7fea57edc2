//! Subscriptions that nobody has confirmed in time, or brought back, are gone.

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due};

use crate::Notifications;
use crate::error::Refusal;
use crate::repo::{deliveries, subscriptions};

#[async_trait]
impl Agenda for Notifications {
    fn name(&self) -> &'static str {
        "subscriptions"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let rows = subscriptions::list_due(&self.db, most).await?;
        Ok(rows.into_iter().map(|row| Due { at_ms: row.due_ms, id: row.id }).collect())
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        let gone = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = subscriptions::load(tx, &self.mac, &item.id).await?;
                if let Some(found) = found.filter(|found| found.due_ms() == Some(item.at_ms)) {
                    deliveries::delete_of_subscription(tx, &found.name).await?;
                    subscriptions::delete(tx, &item.id).await?;
                }
                Ok::<_, Refusal>(())
            })
        });
        gone.await.map_err(Refusal::into_cause)
    }
}
