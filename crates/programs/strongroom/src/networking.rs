//! What one service has to know of another that AWS's APIs do not tell: security groups as CloudHSM asks for them,
//! trust anchors as KMS does.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_cloudhsm::{Cidr, ControlPlane, NetworkOwner, NetworkRules};
use strongroom_ec2::Networks;
use strongroom_identity::{AccountId, Region};
use strongroom_kms::TrustAnchors;
use tokio::sync::watch;

/// EC2's networks, as the source of what HSMs hold to.
pub(crate) struct SecurityGroups(pub(crate) Arc<Networks>);

#[async_trait]
impl NetworkRules for SecurityGroups {
    async fn allowed_sources(
        &self,
        owner: &NetworkOwner,
        groups: &[String],
        port: u16,
    ) -> Result<Vec<Cidr>, Box<dyn Error + Send + Sync>> {
        let region = Region::named(owner.region).ok_or("the Region is not in the table")?;
        let sources = self.0.allowed_sources(owner.account, region, groups, port).await?;
        Ok(sources.iter().map(ToString::to_string).collect())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }
}

/// The control plane, as the source of what clusters were initialized with.
pub(crate) struct CustomerAuthorities(pub(crate) Arc<ControlPlane>);

#[async_trait]
impl TrustAnchors for CustomerAuthorities {
    async fn trust_anchor(
        &self,
        account: AccountId,
        region: Region,
        cluster_id: &str,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.trust_anchor(account, region, cluster_id).await?)
    }
}
