//! The services, each joined to the others by what it needs of them, and the work that they do by themselves.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_cloudhsm::{ControlPlane, LocalOptions, LocalProcesses, Options, Parts};
use strongroom_cloudtrail::{Buckets, CloudTrail, Deliveries, OwnBuckets};
use strongroom_cloudwatch::CloudWatch;
use strongroom_deriving::Follower;
use strongroom_ec2::{Networks, Settings};
use strongroom_history::History;
use strongroom_iam::{AccessKeys, IdentityManagement, Sts};
use strongroom_journal::Reader;
use strongroom_kms::{KeyManagement, PoolDialer};
use strongroom_logs::Logs;
use strongroom_outbox::Others;
use strongroom_policy::Authority;
use strongroom_runtime::{Agenda, Shutdown};
use strongroom_s3::{Folder, ObjectStorage};
use strongroom_seal::Purpose;
use strongroom_sns::Notifications;
use strongroom_store::{Db, Engine, FeedOptions};

use super::{Ground, beside, objects};
use crate::carrier::Endpoints;
use crate::data_dir::DataDir;
use crate::hsm_logs::HsmLogs;
use crate::hsm_metrics;
use crate::identity_providers::PublishedDocuments;
use crate::journal_keeping::Followers;
use crate::key_metrics::Expirations;
use crate::log_metrics::LogMetrics;
use crate::networking::{CustomerAuthorities, SecurityGroups};
use crate::notifications;
use crate::schedulers::Schedulers;
use crate::server_name;
use crate::trail_logs::OwnGroups;

/// What the server on an embedded store is called in readings of metrics.
const ONLY_SERVER: &str = "local";

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

/// How messages of SNS reach their endpoints.
pub(crate) struct Messages {
    pub(crate) carrier: Endpoints,
    /// What links in messages begin with.
    pub(crate) public_url: String,
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
    /// The folder of S3's objects.
    pub(crate) objects: PathBuf,
    /// How trails are delivered.
    pub(crate) trails: strongroom_cloudtrail::Settings,
    /// Where they deliver to, if that is not the S3 here.
    pub(crate) trail_buckets: Option<Arc<dyn Buckets>>,
    /// How messages reach their endpoints.
    pub(crate) messages: Messages,
}

/// All services of a node.
pub(crate) struct Services {
    pub(crate) access_keys: Arc<AccessKeys>,
    pub(crate) iam: Arc<IdentityManagement>,
    pub(crate) networks: Arc<Networks>,
    pub(crate) cloudhsm: Arc<ControlPlane>,
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) s3: Arc<ObjectStorage>,
    pub(crate) cloudtrail: Arc<CloudTrail>,
    pub(crate) sns: Arc<Notifications>,
    /// What trails log, on its way.
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) cloudwatch: Arc<CloudWatch>,
    /// The database of metrics' points.
    pub(crate) points: Db,
    pub(crate) logs: Arc<Logs>,
    /// The database of log events.
    pub(crate) log_events: Db,
    /// What log events say, on its way to CloudWatch; HSMs' logs on their way to log events with it.
    pub(crate) log_metrics: Arc<LogMetrics>,
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
        let Choices {
            clusters,
            key_stores,
            explains_allowed,
            feed,
            providers,
            objects: objects_dir,
            trails,
            trail_buckets,
            messages,
        } = choices;
        let Ground { db, root, clocks, outbox, .. } = ground;
        // Before anything of the store is kept in memory.
        let following = db.follow_changes(feed).await.context("following the changes of the store")?;
        let until = shutdown.clone();
        shutdown.spawn(following.run(async move { until.begun().await }));
        let authority = Authority::new().sealing(access_keys.message_sealer()).keeping_all(explains_allowed);
        let iam = IdentityManagement::new(&access_keys, root, authority.clone(), journal.clone());
        let iam = iam.with_providers(Arc::new(providers));
        let iam = Arc::new(iam);
        let settings = Settings::default()
            .with_default_vpc(&clusters.vpc_cidr)
            .context("addresses of the default VPC")?;
        let networks = Arc::new(Networks::new(db.clone(), root, authority.clone(), settings));
        let cloudhsm =
            Arc::new(control_plane(ground, data, clusters, &authority, &networks, shutdown).await?);
        let kms = KeyManagement::new(strongroom_kms::Parts {
            db: db.clone(),
            root,
            authority: authority.clone(),
            outbox: outbox.clone(),
            journal: journal.clone(),
            clocks: clocks.clone(),
            principals: iam.clone(),
            iam: iam.clone(),
            cloudhsm: cloudhsm.clone(),
            ec2: networks.clone(),
            anchors: Arc::new(CustomerAuthorities(cloudhsm.clone())),
            dialer: Arc::new(PoolDialer::new(clocks.clone(), shutdown.clone())),
            settings: key_stores,
        });
        let kms = Arc::new(kms);
        // An index of a key of before is made anew, so a seal that was rotated needs nothing more.
        let (_, key) = root.current_subkey(Purpose::HistoryIndex)?;
        let history = History::new(journal.clone(), data.index(), &key);
        let folder = objects::open(db, &objects_dir).await?;
        let s3 = storage(ground, &authority, &kms, &iam, folder);
        let sns = messaging(ground, &authority, &kms, &iam, messages);
        let log_events = beside::log_events(db, root, data).await?;
        let logs = log_groups(ground, &authority, &kms, log_events.clone());
        let own =
            || Arc::new(OwnBuckets::new(s3.clone(), outbox.clone(), clocks.clone())) as Arc<dyn Buckets>;
        let buckets = trail_buckets.unwrap_or_else(own);
        let cloudtrail = Arc::new(CloudTrail::new(strongroom_cloudtrail::Parts {
            db: db.clone(),
            root: root.clone(),
            authority: authority.clone(),
            outbox: outbox.clone(),
            clocks: clocks.clone(),
            history: history.clone(),
            buckets,
            log_groups: Arc::new(OwnGroups::new(
                Sts::new(iam.clone()),
                access_keys.clone(),
                logs.clone(),
                outbox.clone(),
                clocks.clone(),
            )),
            kms: kms.clone(),
            sns: sns.clone(),
        }));
        let hsm_logs = Arc::new(HsmLogs(logs.clone()));
        let hsm_logs = Arc::new(Follower::new(log_events.clone(), journal.clone(), hsm_logs, root));
        let deliveries = Arc::new(Deliveries::new(&cloudtrail, journal.clone(), trails));
        let points = beside::points(db, root, data).await?;
        let server = match db.engine() {
            Engine::Sqlite => ONLY_SERVER.to_owned(),
            Engine::Postgres => server_name::of(data)?,
        };
        let mut gauges = hsm_metrics::gauges(&cloudhsm, &server);
        gauges.push(Arc::new(Expirations(kms.clone())));
        let cloudwatch = Arc::new(CloudWatch::new(strongroom_cloudwatch::Parts {
            db: db.clone(),
            points: points.clone(),
            root,
            authority,
            outbox: outbox.clone(),
            journal,
            clocks: clocks.clone(),
            sns: sns.clone(),
            gauges,
        }));
        let log_metrics = LogMetrics::new(logs.clone(), cloudwatch.clone(), hsm_logs);
        cloudwatch.fed_by(log_metrics.clone());
        Ok(Self {
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
        })
    }

    /// Begins what the services do by themselves, until the shutdown begins. The schedulers are for whoever moves the clock.
    pub(crate) async fn start(&self, ground: &Ground, shutdown: &Shutdown) -> Result<Schedulers> {
        let Self { kms, s3, cloudhsm, iam, history, deliveries, cloudwatch, sns, logs, log_metrics, .. } =
            self;
        let agendas: Vec<Arc<dyn Agenda>> = vec![kms.clone(), cloudhsm.clone(), sns.clone()];
        let schedulers = Schedulers::new(
            &ground.clocks,
            agendas,
            vec![cloudwatch.clone()],
            vec![deliveries.clone(), logs.clone()],
        );
        kms.wake(schedulers.changes.waker());
        cloudhsm.wake(schedulers.changes.waker());
        sns.wake(schedulers.changes.waker());
        cloudwatch.wake(schedulers.watching.waker());
        deliveries.wake(schedulers.deliveries.waker());
        cloudhsm.start(shutdown).await?;
        schedulers.run(shutdown);
        let gathering = deliveries.clone();
        let until = shutdown.clone();
        shutdown.spawn(async move { gathering.follow(until).await });
        shutdown.spawn(cloudwatch.clone().follow(shutdown.clone()));
        shutdown.spawn(log_metrics.hsm_logs.clone().follow(shutdown.clone()));
        shutdown.spawn(log_metrics.clone().follow(shutdown.clone()));
        notifications::measure(sns, cloudwatch.clone(), shutdown);
        shutdown.spawn(sns.clone().carry(shutdown.clone()));
        shutdown.spawn(kms.clone().follow_usage(shutdown.clone()));
        shutdown.spawn(s3.clone().sweep(shutdown.clone()));
        shutdown.spawn(kms.clone().keep_key_stores(shutdown.clone()));
        shutdown.spawn(iam.clone().follow_uses(shutdown.clone()));
        shutdown.spawn(history.clone().follow(shutdown.clone()));
        let followers = Followers {
            kms: kms.clone(),
            iam: iam.clone(),
            derived: vec![deliveries.clone(), cloudwatch.counting(), log_metrics.hsm_logs.clone()],
            journal: ground.journal.own_reader(),
        };
        shutdown.spawn(ground.keeping.clone().run(followers, shutdown.clone()));
        let (others, until) = (Others::new(ground.outbox.clone()), shutdown.clone());
        shutdown.spawn(others.watch(async move { until.begun().await }));
        Ok(schedulers)
    }
}

/// HSM clusters, whose HSMs are processes of this machine.
async fn control_plane(
    ground: &Ground,
    data: &DataDir,
    clusters: Clusters,
    authority: &Authority,
    networks: &Arc<Networks>,
    shutdown: &Shutdown,
) -> Result<ControlPlane> {
    let Ground { db, root, clocks, outbox, .. } = ground;
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
    Ok(ControlPlane::open(parts).await?)
}

/// S3, over the objects in that folder.
fn storage(
    ground: &Ground,
    authority: &Authority,
    kms: &Arc<KeyManagement>,
    iam: &Arc<IdentityManagement>,
    folder: Folder,
) -> Arc<ObjectStorage> {
    Arc::new(ObjectStorage::new(strongroom_s3::Parts {
        db: ground.db.clone(),
        root: &ground.root,
        authority: authority.clone(),
        outbox: ground.outbox.clone(),
        clocks: ground.clocks.clone(),
        kms: kms.clone(),
        principals: iam.clone(),
        folder: Arc::new(folder),
    }))
}

/// SNS, whose messages are carried as the operator says.
fn messaging(
    ground: &Ground,
    authority: &Authority,
    kms: &Arc<KeyManagement>,
    iam: &Arc<IdentityManagement>,
    messages: Messages,
) -> Arc<Notifications> {
    Arc::new(Notifications::new(strongroom_sns::Parts {
        db: ground.db.clone(),
        root: &ground.root,
        authority: authority.clone(),
        outbox: ground.outbox.clone(),
        clocks: ground.clocks.clone(),
        principals: iam.clone(),
        kms: kms.clone(),
        carrier: Arc::new(messages.carrier),
        public_url: messages.public_url,
    }))
}

/// CloudWatch Logs, with events in that database.
fn log_groups(ground: &Ground, authority: &Authority, kms: &Arc<KeyManagement>, events: Db) -> Arc<Logs> {
    Arc::new(Logs::new(strongroom_logs::Parts {
        db: ground.db.clone(),
        events,
        root: &ground.root,
        authority: authority.clone(),
        outbox: ground.outbox.clone(),
        clocks: ground.clocks.clone(),
        kms: kms.clone(),
    }))
}
