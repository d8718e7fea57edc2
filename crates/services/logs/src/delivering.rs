//! Events that other services deliver with the rights of a role: as PutLogEvents, but once for a name, so that whoever does
//! not know whether it worked delivers again.

use strongroom_api_logs::actions;
use strongroom_identity::RequestContext;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

use crate::Logs;
use crate::arriving::{self, Arrival};
use crate::domain::group::GroupName;
use crate::error::Refusal;
use crate::repo::deliveries;

impl Logs {
    /// Refuses what [`deliver`](Self::deliver) would refuse now.
    pub async fn expect_delivered(
        &self,
        context: &RequestContext,
        (group, stream): (&str, &str),
    ) -> Result<(), ApiError> {
        let name = GroupName::of(context, group);
        Ok(self.permitted_stream::<actions::PutLogEvents>(context, &name, stream).await.map(drop)?)
    }

    /// Delivers events to a stream, whatever their times; 10,000 at the most, of 16 MiB. Nothing happens if events of that
    /// name were delivered to it before.
    pub async fn deliver(
        &self,
        context: &RequestContext,
        (group, stream): (&str, &str),
        name: &str,
        events: Vec<Arrival>,
    ) -> Result<(), ApiError> {
        Ok(self.deliver_named(context, (group, stream), name, events).await?)
    }

    async fn deliver_named(
        &self,
        context: &RequestContext,
        (group, stream): (&str, &str),
        name: &str,
        events: Vec<Arrival>,
    ) -> Result<(), Refusal> {
        if arriving::are_too_many(&events) {
            return Err(Refusal::invalid("These are more log events than are taken at once."));
        }
        let group = GroupName::of(context, group);
        let (group, stream) = self.permitted_stream::<actions::PutLogEvents>(context, &group, stream).await?;
        let admitted = &self.seal_events(&group, &stream, events).await?;
        let now_ms = context.now_ms;
        let written = self.events.transaction(|tx| {
            Box::pin(async move {
                if deliveries::take(tx, stream.id, name, now_ms).await? {
                    admitted.write(tx).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        Ok(written.await?)
    }
}
