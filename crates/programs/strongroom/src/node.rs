//! One node: the layers joined over one data folder.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use strongroom_api_cloudhsm::CloudHsmService;
use strongroom_api_cloudtrail::CloudTrailService;
use strongroom_api_ec2::Ec2Service;
use strongroom_api_iam::IamService;
use strongroom_api_kms::KmsService;
use strongroom_api_sts::StsService;
use strongroom_cloudhsm::{ControlPlane, LocalOptions, LocalProcesses, Options, Parts};
use strongroom_cloudtrail::CloudTrail;
use strongroom_ec2::{Networks, Settings};
use strongroom_iam::{AccessKeys, IdentityManagement, Sts};
use strongroom_identity::AccountId;
use strongroom_journal::{Journal, JournalOptions};
use strongroom_kms::{KeyManagement, PoolDialer};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, Scheduler, Shutdown, SystemTime};
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::SecretString;
use strongroom_server::{Limits, Origins, Registry, Server, ServerParts};
use strongroom_store::{Db, OpenOptions, RowMac};

use crate::data_dir::DataDir;
use crate::dev_tools::{self, Workbench};
use crate::faults::Faults;
use crate::identity_providers::PublishedDocuments;
use crate::networking::{CustomerAuthorities, SecurityGroups};
use crate::quotas::KmsQuotas;
use crate::recording::JournalRecorder;
use crate::seed::{Garden, Seed};

/// The name under which the store keeps the seal's check value.
const SEAL_CHECK: &str = "seal.check";

/// The name of this node in its journal. One node writes a data folder.
const NODE: &str = "local";

/// A node that is ready to serve.
pub(crate) struct Node {
    pub(crate) server: Arc<Server>,
    db: Db,
    journal: Arc<Journal>,
    outbox: Arc<Outbox>,
    cloudhsm: Arc<ControlPlane>,
}

/// What the operator says of HSM clusters.
pub(crate) struct Clusters {
    /// The addresses of default VPCs.
    pub(crate) vpc_cidr: String,
    /// The HSM's program.
    pub(crate) hsmd: PathBuf,
    /// Whether clusters are backed up every day.
    pub(crate) daily_backups: bool,
}

/// What is chosen for a server in development.
pub(crate) struct Choices {
    /// The root credential that it begins with.
    pub(crate) root_key: RootKey,
    /// Whose web pages may call.
    pub(crate) origins: Origins,
    pub(crate) clusters: Clusters,
    pub(crate) key_stores: strongroom_kms::Settings,
    /// What is there when it has started.
    pub(crate) seed: Option<Seed>,
    /// Whether records tell how decisions were made that allowed something, too.
    pub(crate) explains_allowed: bool,
}

/// The root credential of an account.
pub(crate) struct RootKey {
    pub(crate) account: AccountId,
    pub(crate) access_key_id: &'static str,
    pub(crate) secret: SecretString,
}

impl Node {
    /// Opens the data folder, whose lock the caller holds, and joins the layers for development. What becomes
    /// due is done until `shutdown` begins. What the seed names is there then.
    pub(crate) async fn open_dev(data: &DataDir, choices: Choices, shutdown: Shutdown) -> Result<Self> {
        let Choices { root_key, origins, clusters, key_stores, seed, explains_allowed } = choices;
        let db =
            Db::open_sqlite(&data.database(), &OpenOptions::default()).await.context("opening the store")?;
        let root = open_seal(data, &db).await?;
        let tables = [
            strongroom_kms::MIGRATIONS,
            strongroom_iam::MIGRATIONS,
            strongroom_ec2::MIGRATIONS,
            strongroom_cloudhsm::MIGRATIONS,
        ];
        db.migrate(&tables).await.context("bringing the store up to date")?;
        let clocks = Clocks::new(Arc::new(SystemTime), dev_tools::stored_offset(&db).await?);

        let journal = open_journal(data, &root, &clocks)?;
        let mac = RowMac::new(&root.subkey(Purpose::RowMac, Epoch::CURRENT)?);
        let outbox = Arc::new(Outbox::new(db.clone(), mac, journal.clone()));
        let replayed = outbox.replay().await?;
        if replayed > 0 {
            tracing::info!(replayed, "changes whose records a crash had cut off are recorded");
        }
        let history = dev_tools::history(&db, journal.reader()).await?;

        let access_keys = Arc::new(AccessKeys::new(db.clone(), &root, clocks.clone())?.with_dev_accounts());
        ensure_root_key(&access_keys, &root_key, clocks.domain_now(), data).await?;

        let authority = Authority::new().sealing(access_keys.message_sealer()).keeping_all(explains_allowed);
        let iam = IdentityManagement::new(&access_keys, &root, authority.clone(), history.clone())?;
        let iam = Arc::new(iam.with_providers(Arc::new(PublishedDocuments::in_development())));
        let Clusters { vpc_cidr, hsmd, daily_backups } = clusters;
        let settings = Settings::default().with_default_vpc(&vpc_cidr).context("--vpc-cidr")?;
        let networks = Arc::new(Networks::new(db.clone(), &root, authority.clone(), settings)?);
        let local = LocalOptions {
            folder: data.hsms(),
            logs: data.hsm_logs(),
            device_root: data.device_root(),
            program: hsmd,
        };
        let mut options = Options::default();
        options.dev = true;
        options.daily_backups = daily_backups;
        let parts = Parts {
            db: db.clone(),
            root: &root,
            authority: authority.clone(),
            outbox: outbox.clone(),
            clocks: clocks.clone(),
            ec2: networks.clone(),
            rules: Arc::new(SecurityGroups(networks.clone())),
            placement: Arc::new(LocalProcesses::new(&local, shutdown.clone())?),
            options,
        };
        let cloudhsm = Arc::new(ControlPlane::open(parts).await?);
        let kms = Arc::new(KeyManagement::new(strongroom_kms::Parts {
            db: db.clone(),
            root: &root,
            authority: authority.clone(),
            outbox: outbox.clone(),
            journal: history.clone(),
            clocks: clocks.clone(),
            principals: iam.clone(),
            cloudhsm: cloudhsm.clone(),
            ec2: networks.clone(),
            anchors: Arc::new(CustomerAuthorities(cloudhsm.clone())),
            dialer: Arc::new(PoolDialer::new(clocks.clone(), shutdown.clone())),
            settings: key_stores,
        })?);
        let cloudtrail = Arc::new(CloudTrail::new(authority, history));
        let scheduler = Scheduler::new(clocks.clone(), vec![kms.clone(), cloudhsm.clone()]);
        kms.wake(scheduler.waker());
        cloudhsm.wake(scheduler.waker());
        cloudhsm.start(&shutdown).await?;
        shutdown.spawn(scheduler.run(shutdown.clone()));
        shutdown.spawn(kms.clone().follow_usage(shutdown.clone()));
        shutdown.spawn(kms.clone().keep_key_stores(shutdown.clone()));
        shutdown.spawn(iam.clone().follow_uses(shutdown.clone()));

        let registry = Registry::default()
            .with(KmsService(kms.clone()))
            .with(CloudHsmService(cloudhsm.clone()))
            .with(Ec2Service(networks.clone()))
            .with(IamService(iam.clone()))
            .with(StsService(Arc::new(Sts::new(iam.clone()))))
            .with(CloudTrailService(cloudtrail.clone()));
        let recorder = Arc::new(JournalRecorder::new(clocks.clone(), outbox.clone()));
        let quotas = Arc::new(KmsQuotas(kms.clone()));
        let garden =
            Garden { iam: iam.clone(), kms: kms.clone(), outbox: outbox.clone(), clocks: clocks.clone() };
        if let Some(seed) = &seed {
            seed.plant(&garden).await?;
        }
        let workbench = Workbench {
            db: db.clone(),
            clocks: clocks.clone(),
            scheduler,
            outbox: outbox.clone(),
            access_keys: access_keys.clone(),
            faults: Faults { kms: kms.clone(), cloudhsm: cloudhsm.clone() },
            iam,
            kms,
            networks,
            cloudhsm: cloudhsm.clone(),
            cloudtrail,
            root_key,
            garden,
            seed,
        };
        let parts = ServerParts {
            registry,
            credentials: access_keys,
            recorder,
            clocks,
            limits: Limits::default(),
            origins,
            admission: Some(quotas),
            dev: Some(Arc::new(workbench)),
        };
        Ok(Self { server: Server::new(parts, shutdown), db, journal, outbox, cloudhsm })
    }

    /// Stops the HSMs that this server has placed; what they keep stays.
    pub(crate) async fn stop_hsms(&self) {
        self.cloudhsm.stop_hsms().await;
    }

    /// Flushes and closes what is on disk. The server has stopped.
    pub(crate) async fn close(self) -> Result<()> {
        drop(self.server);
        drop(self.cloudhsm);
        self.outbox.empty().await;
        self.journal.close().await.context("closing the journal")?;
        self.db.close().await.context("closing the store")
    }
}

/// Makes the root credential that a server begins with, if it is not there.
async fn ensure_root_key(keys: &AccessKeys, root_key: &RootKey, now_ms: i64, data: &DataDir) -> Result<()> {
    let RootKey { account, access_key_id, secret } = root_key;
    let owner = keys.ensure_root_key(*account, access_key_id, secret, now_ms).await?;
    if owner != *account {
        bail!(
            "in {}, access key id `{access_key_id}` belongs to account {owner}, not {account}; leave out \
             --account-id, or name another folder with --data-dir",
            data.path().display()
        );
    }
    Ok(())
}

fn open_journal(data: &DataDir, root: &Root, clocks: &Clocks) -> Result<Arc<Journal>> {
    // A reset begins a stream.
    let options = JournalOptions { begins_streams: true, ..JournalOptions::default() };
    let key = root.subkey(Purpose::JournalMac, Epoch::CURRENT)?;
    let opened = Journal::open(&data.journal(), &options, &key, NODE, clocks.domain_now())
        .context("opening the journal")?;
    for note in &opened.notes {
        tracing::warn!("{note}");
    }
    Ok(Arc::new(opened.journal))
}

/// Opens the seal and checks it against the store, before anything else is touched: keys sealed under one
/// seal and a store full of keys sealed under another would be a loss noticed too late.
async fn open_seal(data: &DataDir, db: &Db) -> Result<Root> {
    let known = db.meta_get(SEAL_CHECK).await.context("reading the store")?;
    let (root, known) = if let Some(known) = known {
        let root = Root::open(&data.seal())
            .context("the store holds keys, and without the seal they were made under they cannot be used")?;
        (root, known)
    } else {
        let root = Root::open_or_create(&data.seal())?;
        let known = db.meta_insert_if_absent(SEAL_CHECK, root.check_value().as_bytes()).await?;
        (root, known)
    };
    root.check_value().verify(&known).with_context(|| {
        format!(
            "{} is not the seal that this store was made under; put back the folder that was beside it",
            data.seal().display()
        )
    })?;
    Ok(root)
}
