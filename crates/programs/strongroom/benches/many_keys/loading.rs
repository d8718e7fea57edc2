//! A data folder with many keys, made as the product makes them: sealed tokens, rows with their MACs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use async_trait::async_trait;
use strongroom_api_cloudhsm::CloudHsm;
use strongroom_api_ec2::Ec2;
use strongroom_api_iam::Iam;
use strongroom_hsm_client::{ClientError, Credentials};
use strongroom_identity::{AccountId, Principals, Region};
use strongroom_journal::{Journal, JournalOptions};
use strongroom_kms::{Cluster, ClusterAddress, Dialer, KeyManagement, Parts, Settings, TrustAnchors};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{BoxError, Clocks};
use strongroom_seal::{Purpose, Root};
use strongroom_store::{Db, OpenOptions, RowMac};

use crate::program::Program;

/// Keys in one transaction.
const BATCH: usize = 1_000;

/// Keys between two lines of progress.
const PROGRESS_EVERY: usize = 100_000;

/// Makes a data folder with so many keys, and answers their ids.
pub(crate) fn load(data: &Path, count: usize) -> Result<Vec<String>> {
    // The server makes the seal and the tables.
    drop(Program::start(data)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(fill(data, count))
}

/// No clusters, and no networks.
struct Nothing;

impl CloudHsm for Nothing {}

impl Ec2 for Nothing {}

impl Iam for Nothing {}

#[async_trait]
impl TrustAnchors for Nothing {
    async fn trust_anchor(&self, _: AccountId, _: Region, _: &str) -> Result<Option<String>, BoxError> {
        Ok(None)
    }
}

#[async_trait]
impl Principals for Nothing {
    async fn id_of(&self, _: &str) -> Result<Option<String>, BoxError> {
        Ok(None)
    }

    async fn arn_of(&self, _: AccountId, _: &str) -> Result<Option<String>, BoxError> {
        Ok(None)
    }
}

impl Dialer for Nothing {
    fn dial(&self, _: ClusterAddress, _: Option<Credentials>) -> Result<Arc<dyn Cluster>, ClientError> {
        Err(ClientError::Unreachable("there is no cluster".to_owned()))
    }
}

async fn fill(data: &Path, count: usize) -> Result<Vec<String>> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let db = Db::open_sqlite(&data.join("strongroom.db"), &OpenOptions::default()).await?;
    let root = Root::open(&data.join("seal"))?;
    let (_, journal_key) = root.current_subkey(Purpose::JournalMac)?;
    let journal =
        Journal::open(&data.join("journal"), &JournalOptions::default(), &journal_key, "bench", now_ms)?;
    let journal = Arc::new(journal.journal);
    let mac = RowMac::new(&root);
    let outbox = Arc::new(Outbox::new(db.clone(), mac, journal.clone()));
    let kms = KeyManagement::new(Parts {
        db: db.clone(),
        root: &root,
        authority: Authority::new(),
        outbox,
        journal: journal.reader(),
        clocks: Clocks::system(),
        principals: Arc::new(Nothing),
        iam: Arc::new(Nothing),
        cloudhsm: Arc::new(Nothing),
        ec2: Arc::new(Nothing),
        anchors: Arc::new(Nothing),
        dialer: Arc::new(Nothing),
        settings: Settings::default(),
    });

    let account = "000000000000".parse()?;
    let region = Region::named("us-east-1").context("no such Region")?;
    let begun = Instant::now();
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let batch = BATCH.min(count - ids.len());
        ids.extend(kms.load_keys(account, region, batch, now_ms).await.map_err(|error| anyhow!(error))?);
        if ids.len() % PROGRESS_EVERY == 0 {
            println!("{} keys made after {:.0?} ...", ids.len(), begun.elapsed());
        }
    }
    println!("{count} keys made in {:.1?}", begun.elapsed());
    journal.close().await?;
    db.close().await?;
    Ok(ids)
}
