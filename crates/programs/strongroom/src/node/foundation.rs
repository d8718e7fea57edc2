//! The store and the seal, which belong together.

use anyhow::{Context as _, Result};
use strongroom_seal::Root;
use strongroom_store::{Db, Migration, OpenOptions};

use crate::data_dir::DataDir;

/// The name under which the store keeps the seal's check value.
const SEAL_CHECK: &str = "seal.check";

/// The store, and the root of trust under which it is sealed.
pub(crate) struct Foundation {
    pub(crate) db: Db,
    pub(crate) root: Root,
}

impl Foundation {
    /// Opens the store of the data folder, or makes it, and the seal beside it.
    pub(crate) async fn open_or_create(data: &DataDir) -> Result<Self> {
        let db =
            Db::open_sqlite(&data.database(), &OpenOptions::default()).await.context("opening the store")?;
        let root = open_seal(data, &db).await?;
        db.migrate(&tables()).await.context("bringing the store up to date")?;
        Ok(Self { db, root })
    }
}

/// The tables of all services.
fn tables() -> [&'static [Migration]; 4] {
    [
        strongroom_kms::MIGRATIONS,
        strongroom_iam::MIGRATIONS,
        strongroom_ec2::MIGRATIONS,
        strongroom_cloudhsm::MIGRATIONS,
    ]
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
