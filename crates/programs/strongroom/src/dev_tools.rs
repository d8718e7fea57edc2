//! What dev mode can do to a node: move its clock, have things go wrong, and begin anew.
//!
//! Two values in the store outlive the process: how far the clock is ahead, and where the history begins.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use serde_json::{Map, Value};
use strongroom_cloudhsm::ControlPlane;
use strongroom_cloudtrail::{CloudTrail, Deliveries};
use strongroom_cloudwatch::CloudWatch;
use strongroom_deriving::Follower;
use strongroom_ec2::Networks;
use strongroom_iam::{AccessKeys, IdentityManagement};
use strongroom_journal::{Reader, StreamId};
use strongroom_kms::KeyManagement;
use strongroom_logs::Logs;
use strongroom_outbox::Outbox;
use strongroom_runtime::Clocks;
use strongroom_s3::ObjectStorage;
use strongroom_server::{Advanced, DevClock, DevError, DevTools};
use strongroom_sns::Notifications;
use strongroom_store::Db;

use crate::faults::Faults;
use crate::hsm_logs::HsmLogs;
use crate::node::RootKey;
use crate::schedulers::Schedulers;
use crate::seed::{Garden, Seed};

/// How far domain time is ahead, in milliseconds, as text.
const OFFSET: &str = "dev.clock_offset_ms";

/// The stream of the journal that the history begins with.
const BEGINNING: &str = "dev.history_begins";

/// The end of the year 2999. Dates that follow from it still have four digits.
const LAST_MOMENT_MS: i64 = 32_503_680_000_000;

/// How long moving the clock waits for what became due.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parts of a node that its clock and its beginning concern.
pub(crate) struct Workbench {
    pub(crate) db: Db,
    pub(crate) clocks: Clocks,
    pub(crate) schedulers: Schedulers,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) access_keys: Arc<AccessKeys>,
    pub(crate) iam: Arc<IdentityManagement>,
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) networks: Arc<Networks>,
    pub(crate) cloudhsm: Arc<ControlPlane>,
    pub(crate) s3: Arc<ObjectStorage>,
    pub(crate) cloudtrail: Arc<CloudTrail>,
    pub(crate) sns: Arc<Notifications>,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) cloudwatch: Arc<CloudWatch>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) hsm_logs: Arc<Follower<HsmLogs>>,
    pub(crate) faults: Faults,
    pub(crate) root_key: RootKey,
    pub(crate) garden: Garden,
    /// What is there from the start.
    pub(crate) seed: Option<Seed>,
}

/// How far the clock was ahead when the server last ran.
pub(crate) async fn stored_offset(db: &Db) -> Result<i64> {
    let Some(stored) = db.meta_get(OFFSET).await? else { return Ok(0) };
    let text = std::str::from_utf8(&stored).context("reading how far the clock is ahead")?;
    text.parse().with_context(|| format!("{OFFSET} in the store is not a number: {text}"))
}

/// What of the journal is history: all of it, or what came after the last reset.
pub(crate) async fn history(db: &Db, journal: Reader) -> Result<Reader> {
    let Some(stored) = db.meta_get(BEGINNING).await? else { return Ok(journal) };
    let stream = std::str::from_utf8(&stored).ok().and_then(|text| text.parse::<StreamId>().ok());
    Ok(journal.since(stream.with_context(|| format!("{BEGINNING} in the store names no stream"))?))
}

impl Workbench {
    async fn move_clock(&self, seconds: u64) -> Result<Advanced, DevError> {
        let now_ms = self.clocks.domain_now();
        let step_ms = seconds
            .checked_mul(1000)
            .filter(|ms| i64::try_from(*ms).is_ok_and(|ms| now_ms.saturating_add(ms) <= LAST_MOMENT_MS));
        let step_ms = step_ms.ok_or_else(|| {
            DevError::Refused("The clock can be moved up to the year 2999; choose fewer seconds.".to_owned())
        })?;
        // In the store first: whatever happens next, time does not go back.
        let offset_ms = self.clocks.offset_ms().saturating_add(step_ms as i64);
        let stored = self.db.meta_set(OFFSET, offset_ms.to_string().as_bytes()).await;
        stored.map_err(|error| DevError::Failed(error.into()))?;
        self.clocks.advance(step_ms);
        self.cloudhsm.clock_moved().await;
        let settled = self.schedulers.settle(PATIENCE).await;
        self.schedulers.wake();
        self.sns.clock_moved();
        Ok(Advanced { clock: self.clock(), settled })
    }

    async fn start_over(&self) -> Result<()> {
        // Nothing happens by itself meanwhile.
        let _pause = self.schedulers.pause().await;
        let quiet_trails = self.deliveries.quiet().await;
        let quiet_metrics = self.cloudwatch.quiet().await;
        let quiet_logs = self.hsm_logs.rest().await;
        let quiet = self.kms.quiet().await;
        let quiet_iam = self.iam.quiet().await;
        let paused = self.cloudhsm.pause().await;
        // If this fails, or what follows, the stream is one more, and all else is as it was.
        let stream = self.outbox.begin_stream(self.clocks.real_now()).await?;
        let beginning = stream.to_string();
        // HSMs first: without their rows nobody would find them.
        self.cloudhsm.start_over(&paused).await;
        // Where this is all that happens, the metrics are counted anew from the journal.
        self.cloudwatch.forget_metrics(&quiet_metrics).await?;
        self.logs.forget_events().await?;
        self.db.clear(&[(BEGINNING, Some(beginning.as_bytes())), (OFFSET, None)]).await?;
        // The store has begun anew; memory follows, and cannot fail to.
        self.clocks.start_over(0);
        self.outbox.start_over();
        self.access_keys.forget_all();
        let history = self.outbox.reader().since(stream);
        self.kms.start_over(quiet, history.clone());
        self.iam.start_over(quiet_iam, history.clone());
        self.networks.start_over();
        self.s3.start_over();
        self.sns.start_over();
        self.cloudtrail.start_over(history.clone());
        self.deliveries.start_over(quiet_trails, history.clone());
        self.cloudwatch.start_over(quiet_metrics, history.clone());
        self.hsm_logs.start_over(quiet_logs, history);
        self.logs.start_over();
        // Where this fails, the next start does it.
        let RootKey { account, access_key_id, secret } = &self.root_key;
        self.access_keys.ensure_root_key(*account, access_key_id, secret, self.clocks.domain_now()).await?;
        if let Some(seed) = &self.seed {
            seed.plant(&self.garden).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl DevTools for Workbench {
    fn clock(&self) -> DevClock {
        DevClock { now_ms: self.clocks.domain_now(), offset_ms: self.clocks.offset_ms() }
    }

    async fn advance(&self, seconds: u64) -> Result<Advanced, DevError> {
        self.move_clock(seconds).await
    }

    async fn reset(&self) -> Result<(), DevError> {
        self.start_over().await.map_err(|error| DevError::Failed(error.into()))
    }

    async fn faults(&self) -> Vec<Map<String, Value>> {
        self.faults.list()
    }

    async fn set_fault(&self, asked: Map<String, Value>) -> Result<(), DevError> {
        self.faults.set(asked).await
    }

    async fn clear_faults(&self, id: Option<&str>) -> Result<bool, DevError> {
        Ok(self.faults.clear(id).await)
    }
}
