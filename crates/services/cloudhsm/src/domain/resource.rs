//! What policies protect.

use strongroom_identity::AccountId;
use strongroom_policy::Resource;

use super::backup::Backup;
use super::cluster::Cluster;
use super::home::Home;

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

/// What a call names and is not there. It is protected by its ARN all the same: whoever may not do a thing is not
/// told what there is to do it to.
pub(crate) struct Absent<'n> {
    pub(crate) home: &'n Home,
    pub(crate) id: &'n str,
}

impl Resource for Absent<'_> {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(self.id)
    }
}
