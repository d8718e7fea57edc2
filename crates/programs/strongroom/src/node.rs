//! One node: the layers joined over one data folder.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use strongroom_api_cloudtrail::CloudTrailService;
use strongroom_api_kms::KmsService;
use strongroom_api_sts::StsService;
use strongroom_cloudtrail::CloudTrail;
use strongroom_iam::{AccessKeys, Sts};
use strongroom_identity::{AccountId, Credentials};
use strongroom_journal::{Journal, JournalOptions};
use strongroom_kms::KeyManagement;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::SecretString;
use strongroom_server::{Limits, Registry, Server, ServerParts};
use strongroom_store::{Db, OpenOptions, RowMac};

use crate::data_dir::DataDir;
use crate::outbox::Outbox;
use crate::recording::JournalRecorder;

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
}

/// The root credential of an account.
pub(crate) struct RootKey<'a> {
    pub(crate) account: AccountId,
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: SecretString,
}

impl Node {
    /// Opens the data folder, whose lock the caller holds, and joins the layers for development.
    pub(crate) async fn open_dev(data: &DataDir, root_key: &RootKey<'_>, shutdown: Shutdown) -> Result<Self> {
        let clocks = Clocks::system();
        let db =
            Db::open_sqlite(&data.database(), &OpenOptions::default()).await.context("opening the store")?;
        let root = open_seal(data, &db).await?;
        let tables = [strongroom_kms::MIGRATIONS, strongroom_iam::MIGRATIONS];
        db.migrate(&tables).await.context("bringing the store up to date")?;

        let options = JournalOptions::default();
        let key = root.subkey(Purpose::JournalMac, Epoch::CURRENT)?;
        let opened = Journal::open(&data.journal(), &options, &key, NODE, clocks.domain_now())
            .context("opening the journal")?;
        for note in &opened.notes {
            tracing::warn!("{note}");
        }
        let journal = Arc::new(opened.journal);
        let outbox =
            Arc::new(Outbox::new(db.clone(), RowMac::new(&root.subkey(Purpose::RowMac, Epoch::CURRENT)?)));
        let replayed = outbox.replay(&journal).await?;
        if replayed > 0 {
            tracing::info!(replayed, "changes whose records a crash had cut off are recorded");
        }

        let access_keys = AccessKeys::new(db.clone(), &root)?.with_dev_accounts();
        let RootKey { account, access_key_id, secret } = root_key;
        let owner = access_keys.ensure_root_key(*account, access_key_id, secret, clocks.domain_now()).await?;
        if owner != *account {
            bail!(
                "in {}, access key id `{access_key_id}` belongs to account {owner}, not {account}; leave out \
                 --account-id, or name another folder with --data-dir",
                data.path().display()
            );
        }
        let credentials: Arc<dyn Credentials> = Arc::new(access_keys);

        let authority = Authority::new();
        let kms = KeyManagement::new(db.clone(), &root, authority.clone())?;
        let registry = Registry::default()
            .with(KmsService(Arc::new(kms)))
            .with(StsService(Arc::new(Sts::new())))
            .with(CloudTrailService(Arc::new(CloudTrail::new(authority, journal.reader()))));
        let recorder = Arc::new(JournalRecorder::new(journal.clone(), clocks.clone(), outbox.clone()));
        let parts = ServerParts { registry, credentials, recorder, clocks, limits: Limits::default() };
        Ok(Self { server: Server::new(parts, shutdown), db, journal, outbox })
    }

    /// Flushes and closes what is on disk. The server has stopped.
    pub(crate) async fn close(self) -> Result<()> {
        drop(self.server);
        self.outbox.empty().await;
        self.journal.close().await.context("closing the journal")?;
        self.db.close().await.context("closing the store")
    }
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
