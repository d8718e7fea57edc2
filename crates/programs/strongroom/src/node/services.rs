//! The services, each joined to the others by what it needs of them, and the work that they do by themselves.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_cloudhsm::{ControlPlane, LocalOptions, LocalProcesses, Options, Parts};
use strongroom_cloudtrail::CloudTrail;
use strongroom_ec2::{Networks, Settings};
use strongroom_history::History;
use strongroom_iam::{AccessKeys, IdentityManagement};
use strongroom_journal::Reader;
use strongroom_kms::{KeyManagement, PoolDialer};
use strongroom_outbox::Others;
use strongroom_policy::Authority;
use strongroom_runtime::{Scheduler, Shutdown};
use strongroom_seal::Purpose;
use strongroom_store::{Engine, FeedOptions};

use super::Ground;
use crate::data_dir::DataDir;
use crate::identity_providers::PublishedDocuments;
use crate::journal_keeping::Followers;
use crate::networking::{CustomerAuthorities, SecurityGroups};
use crate::server_name;

/// What the journal is called beside an embedded store, in what has been read of it.
const ONLY_JOURNAL: &str = "local";

/// What the operator says of HSM clusters.
pub(crate) struct Clusters {
    /// The addresses of default VPCs.
    pub(crate) vpc_cidr: String,
    /// The HSM's program.
    pub(crate) hsmd: PathBuf,
    /// Whether clusters are backed up every day.
    pub(crate) daily_backups: bool,
    /// Whether HSMs heed a clock that is moved, and clusters let this machine in: in development.
    pub(crate) in_development: bool,
}

/// What is chosen for the services of a node.
pub(crate) struct Choices {
    pub(crate) clusters: Clusters,
    pub(crate) key_stores: strongroom_kms::Settings,
    /// Whether records tell how decisions were made that allowed something, too.
    pub(crate) explains_allowed: bool,
    /// How changes that other servers make are followed.
    pub(crate) feed: FeedOptions,
    /// Where identity providers' documents come from.
    pub(crate) providers: PublishedDocuments,
}

/// All services of a node.
pub(crate) struct Services {
    pub(crate) access_keys: Arc<AccessKeys>,
    pub(crate) iam: Arc<IdentityManagement>,
    pub(crate) networks: Arc<Networks>,
    pub(crate) cloudhsm: Arc<ControlPlane>,
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) cloudtrail: Arc<CloudTrail>,
    /// The index behind the journal.
    pub(crate) history: History,
}

impl Services {
    /// Joins the services. What they do by themselves begins with [`Services::start`].
    pub(crate) async fn join(
        ground: &Ground,
        data: &DataDir,
        access_keys: Arc<AccessKeys>,
        journal: Reader,
        choices: Choices,
        shutdown: &Shutdown,
    ) -> Result<Self> {
        let Choices { clusters, key_stores, explains_allowed, feed, providers } = choices;
        let Ground { db, root, clocks, outbox, .. } = ground;
        // Before anything of the store is kept in memory.
        let following = db.follow_changes(feed).await.context("following the changes of the store")?;
        let until = shutdown.clone();
        shutdown.spawn(following.run(async move { until.begun().await }));
        // An embedded store has one server, and one journal beside it.
        let journal_name = match db.engine() {
            Engine::Sqlite => ONLY_JOURNAL.to_owned(),
            Engine::Postgres => server_name::of(data)?,
        };
        let authority = Authority::new().sealing(access_keys.message_sealer()).keeping_all(explains_allowed);
        let iam = IdentityManagement::new(&access_keys, root, authority.clone(), journal.clone());
        let iam = iam.with_providers(Arc::new(providers)).with_journal_name(&journal_name);
        let iam = Arc::new(iam);
        let settings = Settings::default()
            .with_default_vpc(&clusters.vpc_cidr)
            .context("addresses of the default VPC")?;
        let networks = Arc::new(Networks::new(db.clone(), root, authority.clone(), settings));
        let local = LocalOptions {
            folder: data.hsms(),
            logs: data.hsm_logs(),
            device_root: data.device_root(),
            program: clusters.hsmd,
        };
        let mut options = Options::default();
        options.dev = clusters.in_development;
        options.daily_backups = clusters.daily_backups;
        let parts = Parts {
            db: db.clone(),
            root,
            authority: authority.clone(),
            outbox: outbox.clone(),
            clocks: clocks.clone(),
            ec2: networks.clone(),
            rules: Arc::new(SecurityGroups(networks.clone())),
            placement: Arc::new(LocalProcesses::new(&local, shutdown.clone())?),
            options,
        };
        let cloudhsm = Arc::new(ControlPlane::open(parts).await?);
        let kms = KeyManagement::new(strongroom_kms::Parts {
            db: db.clone(),
            root,
            authority: authority.clone(),
            outbox: outbox.clone(),
            journal: journal.clone(),
            clocks: clocks.clone(),
            principals: iam.clone(),
            cloudhsm: cloudhsm.clone(),
            ec2: networks.clone(),
            anchors: Arc::new(CustomerAuthorities(cloudhsm.clone())),
            dialer: Arc::new(PoolDialer::new(clocks.clone(), shutdown.clone())),
            settings: key_stores,
        });
        let kms = Arc::new(kms.with_journal_name(&journal_name));
        // An index of a key of before is made anew, so a seal that was rotated needs nothing more.
        let (_, key) = root.current_subkey(Purpose::HistoryIndex)?;
        let history = History::new(journal, data.index(), &key);
        let cloudtrail = Arc::new(CloudTrail::new(authority, history.clone()));
        Ok(Self { access_keys, iam, networks, cloudhsm, kms, cloudtrail, history })
    }

    /// Begins what the services do by themselves, until the shutdown begins. The scheduler is for whoever moves the clock.
    pub(crate) async fn start(&self, ground: &Ground, shutdown: &Shutdown) -> Result<Scheduler> {
        let Self { kms, cloudhsm, iam, history, .. } = self;
        let scheduler = Scheduler::new(ground.clocks.clone(), vec![kms.clone(), cloudhsm.clone()]);
        kms.wake(scheduler.waker());
        cloudhsm.wake(scheduler.waker());
        cloudhsm.start(shutdown).await?;
        shutdown.spawn(scheduler.run(shutdown.clone()));
        shutdown.spawn(kms.clone().follow_usage(shutdown.clone()));
        shutdown.spawn(kms.clone().keep_key_stores(shutdown.clone()));
        shutdown.spawn(iam.clone().follow_uses(shutdown.clone()));
        shutdown.spawn(history.clone().follow(shutdown.clone()));
        let followers = Followers { kms: kms.clone(), iam: iam.clone() };
        shutdown.spawn(ground.keeping.clone().run(followers, shutdown.clone()));
        let (others, until) = (Others::new(ground.outbox.clone()), shutdown.clone());
        shutdown.spawn(others.watch(async move { until.begun().await }));
        Ok(scheduler)
    }
}
