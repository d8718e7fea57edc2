//! Tags on clusters and backups, which one operation serves both of.

use strongroom_identity::{Action, RequestContext};

use super::ControlPlane;
use crate::domain::tags::Tags;
use crate::error::Refusal;

impl ControlPlane {
    /// Changes the tags of the cluster or backup of that id.
    pub(crate) async fn change_tags<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
        act: impl Fn(&mut Tags) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        if id.starts_with("cluster-") {
            let change = self.change_cluster::<A>(context, id, |cluster, _| {
                cluster.expect_staying()?;
                act(&mut cluster.tags)
            });
            change.await.map(drop)
        } else {
            self.change_backup::<A>(context, id, |backup| act(&mut backup.tags)).await.map(drop)
        }
    }

    /// The tags of the cluster or backup of that id.
    pub(crate) async fn tags_of<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<Tags, Refusal> {
        if id.starts_with("cluster-") {
            Ok(self.permitted_cluster::<A>(context, id).await?.into_resource().tags)
        } else {
            Ok(self.permitted_backup::<A>(context, id).await?.into_resource().tags)
        }
    }
}
