//! Replicas made the primary keys of their sets.

use strongroom_api_kms::actions;
use strongroom_identity::{Region, RequestContext};

use super::super::{KeyManagement, random_id};
use super::elsewhere;
use crate::domain::identifier::{Home, Named};
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::{events, repo};

impl KeyManagement {
    /// Makes the replica in `region` the primary key in place of the one that a key id or key ARN names. The caller needs
    /// permission on both. Answers the key that was the primary one.
    pub(crate) async fn promote(
        &self,
        context: &RequestContext,
        key_id: &str,
        region: Region,
    ) -> Result<Key, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let event_id = random_id()?;
        let (home, key_id) = (&home, key_id.as_str());
        let promoted = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))?;
                let mut former = self.permit_change::<actions::UpdatePrimaryRegion>(context, key)?;
                former.expect_promotable(region.name())?;
                let there = elsewhere(context, region);
                there.ask((*context.asked()).clone());
                let mut others = self.load_related(tx, &former).await?;
                let at = others.iter().position(|other| other.home.region == region.name());
                let successor = at.map(|at| others.swap_remove(at));
                let successor =
                    successor.ok_or_else(|| Refusal::internal("a replica is not in the store"))?;
                let may =
                    self.authorize_there::<actions::UpdatePrimaryRegion, _>(context, &there, successor)?;
                let mut successor = may.into_resource();
                former.promote(&mut successor, context.now_ms)?;
                let record = events::promoted(context, &successor, event_id);
                for other in &mut others {
                    successor.share(other);
                }
                for key in others.iter_mut().chain([&mut former, &mut successor]) {
                    repo::keys::replace(tx, &self.mac, key).await?;
                }
                repo::post(tx, context.draft()).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                Ok::<_, Refusal>((former, record))
            })
        });
        let promoted = promoted.await;
        self.forget_key(home, key_id);
        let (former, record) = promoted?;
        self.forget_related(&former);
        self.agenda_changed();
        self.publish(record).await;
        Ok(former)
    }
}
