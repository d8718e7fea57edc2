//! The service, put together.

use std::sync::Arc;

use strongroom_api_kms::Kms;
use strongroom_api_sns::Sns;
use strongroom_history::History;
use strongroom_journal::Reader;
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::Clocks;
use strongroom_seal::Root;
use strongroom_store::Db;

use crate::delivery::bucket::Buckets;
use crate::delivery::log_groups::LogGroups;
use crate::trails::Trails;

/// What CloudTrail stands on.
pub struct Parts {
    /// The store.
    pub db: Db,
    /// The seal.
    pub root: Root,
    /// Who decides what callers may do.
    pub authority: Authority,
    /// Where records of CloudTrail's own calls go.
    pub outbox: Arc<Outbox>,
    /// Both clocks.
    pub clocks: Clocks,
    /// The index behind the journal.
    pub history: History,
    /// Where files go.
    pub buckets: Arc<dyn Buckets>,
    /// Where events go that trails send to CloudWatch Logs.
    pub log_groups: Arc<dyn LogGroups>,
    /// What encrypts them.
    pub kms: Arc<dyn Kms>,
    /// Who is told of deliveries.
    pub sns: Arc<dyn Sns>,
}

/// The CloudTrail service.
pub struct CloudTrail {
    pub(crate) root: Root,
    pub(crate) authority: Authority,
    pub(crate) history: History,
    pub(crate) trails: Arc<Trails>,
}

impl CloudTrail {
    /// The service over these parts. Nothing is delivered before [`Deliveries`](crate::Deliveries) begins to.
    pub fn new(parts: Parts) -> Self {
        let (root, authority, history) = (parts.root.clone(), parts.authority.clone(), parts.history.clone());
        Self { root, authority, history, trails: Arc::new(Trails::new(parts)) }
    }

    /// Shows from now on what `journal` reads.
    pub fn start_over(&self, journal: Reader) {
        self.history.start_over(journal);
    }
}
