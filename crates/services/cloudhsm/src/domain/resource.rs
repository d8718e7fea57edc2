//! What policies protect.

use strongroom_identity::AccountId;
use strongroom_policy::Resource;

use super::backup::Backup;
use super::cluster::Cluster;

impl Resource for Cluster {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(&self.id)
    }
}

impl Resource for Backup {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(&self.id)
    }
}
