//! One node: the layers joined over one data folder.
//!
//! From below: [`Foundation`] is the store with its seal, [`Ground`] has the clocks and the journal too, [`Services`] stand
//! on it, and a [`Node`] serves them. What only a server in development has is in `development`, and nowhere else.

mod beside;
mod development;
mod foundation;
mod ground;
mod objects;
mod production;
mod services;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_api_cloudhsm::CloudHsmService;
use strongroom_api_cloudtrail::CloudTrailService;
use strongroom_api_cloudwatch::CloudWatchService;
use strongroom_api_ec2::Ec2Service;
use strongroom_api_iam::IamService;
use strongroom_api_kms::KmsService;
use strongroom_api_logs::CloudWatchLogsService;
use strongroom_api_s3::S3Service;
use strongroom_api_sns::SnsService;
use strongroom_api_sts::StsService;
use strongroom_cloudhsm::ControlPlane;
use strongroom_iam::Sts;
use strongroom_journal::Journal;
use strongroom_outbox::Outbox;
use strongroom_resealing::Servers;
use strongroom_runtime::Shutdown;
use strongroom_server::{DevTools, Figures, Limits, Origins, Registry, Scrapers, Server, ServerParts};
use strongroom_store::Db;

pub(crate) use self::development::{Development, RootKey};
pub(crate) use self::foundation::{Foundation, open_store, tables};
pub(crate) use self::ground::Ground;
pub(crate) use self::production::Offline;
pub(crate) use self::services::{Choices, Clusters, Messages, Services};
use crate::failures::Failures;
use crate::figures::{Derived, EventIndex, Metrics, ThisProcess};
use crate::freshness::{StoreFeed, UpToDate};
use crate::journal_keeping::JournalKeeping;
use crate::notifications::Certificates;
use crate::quotas::KmsQuotas;
use crate::recording::JournalRecorder;

/// A node that is ready to serve.
pub(crate) struct Node {
    pub(crate) server: Arc<Server>,
    db: Db,
    /// The metrics' points: a database of their own beside an embedded store, else the same.
    points: Db,
    /// The log events, likewise.
    log_events: Db,
    journal: Arc<Journal>,
    outbox: Arc<Outbox>,
    keeping: Arc<JournalKeeping>,
    cloudhsm: Arc<ControlPlane>,
    servers: Servers,
}

/// How a node meets the outside.
pub(crate) struct Door {
    pub(crate) limits: Limits,
    /// Whose web pages may call.
    pub(crate) origins: Origins,
    /// Who keeps failed authentication.
    pub(crate) failures: Arc<Failures>,
    /// From where the metrics may be read.
    pub(crate) scrapers: Scrapers,
    /// What it tells of itself in the metrics.
    pub(crate) figures: Vec<Arc<dyn Figures>>,
}

impl Node {
    /// Puts the front door before the services. `dev` is what development adds.
    fn new(
        ground: &Ground,
        services: &Services,
        door: Door,
        dev: Option<Arc<dyn DevTools>>,
        shutdown: Shutdown,
    ) -> Self {
        let Services {
            access_keys,
            iam,
            networks,
            cloudhsm,
            kms,
            s3,
            cloudtrail,
            sns,
            deliveries,
            cloudwatch,
            points,
            logs,
            log_events,
            log_metrics,
            history,
        } = services;
        let registry = Registry::default()
            .with(KmsService(kms.clone()))
            .with(CloudHsmService(cloudhsm.clone()))
            .with(Ec2Service(networks.clone()))
            .with(IamService(iam.clone()))
            .with(StsService(Arc::new(Sts::new(iam.clone()))))
            .with(S3Service(s3.clone()))
            .with(CloudTrailService(cloudtrail.clone()))
            .with(CloudWatchService(cloudwatch.clone()))
            .with(SnsService(sns.clone()))
            .with(CloudWatchLogsService(logs.clone()));
        let Ground { db, clocks, journal, outbox, keeping, servers, .. } = ground;
        let parts = ServerParts {
            registry,
            credentials: access_keys.clone(),
            recorder: Arc::new(JournalRecorder::new(clocks.clone(), outbox.clone())),
            clocks: clocks.clone(),
            limits: door.limits,
            origins: door.origins,
            admission: Some(Arc::new(KmsQuotas(kms.clone()))),
            freshness: Some(Arc::new(UpToDate { feed: StoreFeed(db.clone()), servers: servers.clone() })),
            failures: Some(door.failures),
            scrapers: door.scrapers,
            figures: [
                Arc::new(ThisProcess) as Arc<dyn Figures>,
                Arc::new(StoreFeed(db.clone())),
                Arc::new(EventIndex(history.clone())),
                Arc::new(Derived(vec![
                    deliveries.clone(),
                    cloudwatch.counting(),
                    log_metrics.hsm_logs.clone(),
                ])),
                Arc::new(Metrics(cloudwatch.clone())),
            ]
            .into_iter()
            .chain(door.figures)
            .collect(),
            documents: Some(Arc::new(Certificates(sns.clone()))),
            dev,
        };
        Self {
            server: Server::new(parts, shutdown),
            db: db.clone(),
            points: points.clone(),
            log_events: log_events.clone(),
            journal: journal.clone(),
            outbox: outbox.clone(),
            keeping: keeping.clone(),
            cloudhsm: cloudhsm.clone(),
            servers: servers.clone(),
        }
    }

    /// Resolves when another process has taken this server's journal: it can record nothing more, and has to end.
    pub(crate) async fn journal_lost(&self) {
        self.journal.lost().await;
    }

    /// Stops the HSMs that this server has placed; what they keep stays.
    pub(crate) async fn stop_hsms(&self) {
        self.cloudhsm.stop_hsms().await;
    }

    /// Flushes and closes what is on disk. The server has stopped; if requests are still under way (`all_ended` is false),
    /// the others on the store go on keeping the root keys that it may use.
    pub(crate) async fn close(self, all_ended: bool) -> Result<()> {
        drop(self.server);
        drop(self.cloudhsm);
        self.points.close().await.context("closing the metrics")?;
        self.log_events.close().await.context("closing the log events")?;
        let leaving = all_ended.then_some(&self.servers);
        ground::close(&self.outbox, &self.journal, &self.keeping, &self.db, leaving).await
    }
}
