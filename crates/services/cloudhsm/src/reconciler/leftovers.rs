//! What CloudHSM made in EC2 for something that never came to be: an interface and a group are made before the HSM
//! or the cluster that they are for is written down, and a server can end in between.

use crate::ControlPlane;
use crate::domain::cluster::Cluster;
use crate::error::Refusal;
use crate::repo;

/// Looks that there are in the time after which something is a leftover.
const LOOKS: i64 = 4;

impl ControlPlane {
    /// Removes what belongs to no HSM of a cluster, and to no cluster of its account, for a while. Now and then.
    pub(super) async fn sweep(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let (home, now_ms) = (&cluster.home, self.clocks.real_now());
        let (age_ms, every_ms) = (self.options.leftover_ms, self.options.leftover_ms / LOOKS);
        if self.memory.is_sweep_due(&cluster.id, now_ms, every_ms) {
            self.sweep_interfaces(cluster, age_ms).await?;
        }
        let scope = format!("{}/{}", home.account, home.region);
        if !self.memory.is_sweep_due(&scope, now_ms, every_ms) {
            return Ok(());
        }
        let mut unowned = Vec::new();
        for (group, cluster) in self.network.groups(home).await.map_err(Refusal::Elsewhere)? {
            if repo::clusters::find_by_id(&self.db, &self.mac, &cluster).await?.is_none() {
                unowned.push(group);
            }
        }
        for group in self.memory.leftovers(&scope, unowned, now_ms, age_ms) {
            tracing::warn!(
                group,
                "a security group that was made for a cluster that there is not is removed"
            );
            self.network.delete_group(home, &group).await.map_err(Refusal::Elsewhere)?;
        }
        Ok(())
    }

    /// Removes the interfaces that belong to no HSM of a cluster for that long.
    pub(super) async fn sweep_interfaces(&self, cluster: &Cluster, age_ms: i64) -> Result<(), Refusal> {
        // Listed before the HSMs are: what is written down meanwhile is found.
        let listed = self.network.interfaces(&cluster.home, &cluster.security_group).await;
        let mut unowned = listed.map_err(Refusal::Elsewhere)?;
        let hsms = self.hsms_of(cluster).await?;
        unowned.retain(|interface| !hsms.iter().any(|hsm| hsm.eni_id == *interface));
        let now_ms = self.clocks.real_now();
        for interface in self.memory.leftovers(&cluster.id, unowned, now_ms, age_ms) {
            tracing::warn!(interface, cluster = cluster.id, "a network interface without an HSM is removed");
            let deleted = self.network.delete_interface(&cluster.home, &interface).await;
            deleted.map_err(Refusal::Elsewhere)?;
        }
        Ok(())
    }
}
