//! What policies protect.

use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::{Resource, Values};

use super::backup::Backup;
use super::cluster::Cluster;
use super::home::Home;
use super::tags::Tags;

impl Resource for Cluster {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(&self.id)
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        of_tags(&self.tags, key)
    }
}

impl Resource for Backup {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(&self.id)
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        of_tags(&self.tags, key)
    }
}

/// What tags say to policies: `aws:ResourceTag/key`.
fn of_tags<'t>(tags: &'t Tags, key: &str) -> Option<Values<'t>> {
    match tags.in_any_case(key.strip_prefix("aws:resourcetag/")?).as_slice() {
        [] => None,
        [value] => Some(Values::text(*value)),
        several => Some(Values::texts(several.iter().copied())),
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
