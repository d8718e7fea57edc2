//! What a server in development has and no other: a root credential that everyone knows, a clock that is moved, resets,
//! faults, seeds with secrets.

use std::sync::Arc;

use anyhow::{Result, bail};
use strongroom_iam::AccessKeys;
use strongroom_identity::AccountId;
use strongroom_journal::JournalOptions;
use strongroom_runtime::{Clocks, Shutdown, SystemTime};
use strongroom_secret::SecretString;

use super::{Choices, Door, Foundation, Ground, Node, Services};
use crate::data_dir::DataDir;
use crate::dev_tools::{self, Workbench};
use crate::faults::Faults;
use crate::seed::{Garden, Seed};
use crate::settings::{JournalChoices, Place};

/// What is chosen for a server in development beside what any has.
pub(crate) struct Development {
    /// The root credential that it begins with.
    pub(crate) root_key: RootKey,
    /// What is there when it has started.
    pub(crate) seed: Option<Seed>,
    /// How calls are recorded.
    pub(crate) journal: JournalOptions,
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
    pub(crate) async fn open_dev(
        data: &DataDir,
        choices: Choices,
        door: Door,
        development: Development,
        shutdown: Shutdown,
    ) -> Result<Self> {
        let Development { root_key, seed, journal } = development;
        let foundation = Foundation::of_development(&Place::in_folder(data.clone())).await?;
        let clocks = Clocks::new(Arc::new(SystemTime), dev_tools::stored_offset(&foundation.db).await?);
        // A reset begins a stream.
        let options = JournalOptions { begins_streams: true, ..journal };
        let journal = JournalChoices { options, ..JournalChoices::default() };
        let ground = Ground::on(foundation, data, clocks, &journal).await?;
        let Ground { db, root, clocks, outbox, journal, .. } = &ground;
        let history = dev_tools::history(db, journal.reader()).await?;

        let access_keys = AccessKeys::new(db.clone(), root, clocks.clone()).with_dev_accounts();
        let access_keys = Arc::new(access_keys);
        ensure_root_key(&access_keys, &root_key, clocks.domain_now(), data).await?;
        let services = Services::join(&ground, data, access_keys, history, choices, &shutdown).await?;
        let schedulers = services.start(&ground, &shutdown).await?;

        let Services {
            access_keys,
            iam,
            networks,
            cloudhsm,
            kms,
            cloudtrail,
            sns,
            deliveries,
            cloudwatch,
            logs,
            ..
        } = &services;
        let garden =
            Garden { iam: iam.clone(), kms: kms.clone(), outbox: outbox.clone(), clocks: clocks.clone() };
        if let Some(seed) = &seed {
            seed.plant(&garden).await?;
        }
        let workbench = Workbench {
            db: db.clone(),
            clocks: clocks.clone(),
            schedulers,
            outbox: outbox.clone(),
            access_keys: access_keys.clone(),
            faults: Faults { kms: kms.clone(), cloudhsm: cloudhsm.clone() },
            iam: iam.clone(),
            kms: kms.clone(),
            networks: networks.clone(),
            cloudhsm: cloudhsm.clone(),
            s3: services.s3.clone(),
            cloudtrail: cloudtrail.clone(),
            sns: sns.clone(),
            deliveries: deliveries.clone(),
            cloudwatch: cloudwatch.clone(),
            logs: logs.clone(),
            hsm_logs: services.log_metrics.hsm_logs.clone(),
            root_key,
            garden,
            seed,
        };
        Ok(Self::new(&ground, &services, door, Some(Arc::new(workbench)), shutdown))
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
