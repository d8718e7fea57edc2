//! The store and the seal, which belong together.
//!
//! The store knows its seal by a check value, and its kind: one for development, whose credentials everyone knows, is
//! never served as another.

use anyhow::{Context as _, Result, bail};
use strongroom_resealing::{ResealingError, Servers};
use strongroom_seal::{Root, Unlock};
use strongroom_store::{Db, Engine, Migration, OpenOptions};

use crate::restore;
use crate::server_name;
use crate::settings::{Place, SealPlace, StorePlace};

/// The name under which the store keeps the seal's check value.
const SEAL_CHECK: &str = "seal.check";

/// The name under which the store keeps which kind of installation it is of. Stores from before there was a choice have
/// nothing there, and are for development.
const KIND: &str = "installation.kind";
const DEVELOPMENT: &[u8] = b"development";
const PRODUCTION: &[u8] = b"production";

/// The store, and the root of trust under which it is sealed.
pub(crate) struct Foundation {
    pub(crate) db: Db,
    pub(crate) root: Root,
    /// This server among those on the store, which know of it from now on.
    pub(crate) servers: Servers,
}

impl Foundation {
    /// Opens store and seal of a development server, or makes them.
    pub(crate) async fn of_development(place: &Place) -> Result<Self> {
        let db = open_store(&place.store).await?;
        let kind = db.meta_get(KIND).await.context("reading the store")?;
        if kind.is_some_and(|kind| kind != DEVELOPMENT) {
            bail!(
                "{} is no development server's; serve it with `strongroom serve`, or name another folder with --data-dir",
                place.data.path().display()
            );
        }
        let known = db.meta_get(SEAL_CHECK).await.context("reading the store")?;
        let unlock = place.seal.unlock()?;
        let root = if known.is_some() {
            open_known(&place.seal, &unlock)?
        } else {
            let root = Root::open_or_create(&place.seal.dir)?;
            db.meta_insert_if_absent(SEAL_CHECK, root.check_value().as_bytes()).await?;
            root
        };
        let servers = join(&db, &root, place).await?;
        bring_up(&root, &unlock, &place.seal);
        db.meta_insert_if_absent(KIND, DEVELOPMENT).await?;
        migrate(&db, &root).await?;
        Ok(Self { db, root, servers })
    }

    /// Opens store and seal as `strongroom init` has made them. A seal that is not the store's is refused before anything
    /// is changed: keys sealed under one and a store full of keys sealed under another would be a loss noticed too late.
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        if let StorePlace::Sqlite(file) = &place.store
            && !file.exists()
        {
            bail!("there is no store at {}; make it with `strongroom init`", file.display());
        }
        let db = open_store(&place.store).await?;
        restore::refuse_store(&db, place).await?;
        let kind = db.meta_get(KIND).await.context("reading the store")?;
        if db.meta_get(SEAL_CHECK).await.context("reading the store")?.is_none() {
            bail!("the store is empty; make it ready with `strongroom init`");
        }
        if kind.is_none_or(|kind| kind != PRODUCTION) {
            bail!(
                "the store is a development server's, whose credentials everyone knows; make another with `strongroom init`"
            );
        }
        let unlock = place.seal.unlock()?;
        let root = open_known(&place.seal, &unlock)?;
        let servers = join(&db, &root, place).await?;
        bring_up(&root, &unlock, &place.seal);
        migrate(&db, &root).await?;
        Ok(Self { db, root, servers })
    }

    /// Makes store and seal, neither of which may be there.
    pub(crate) async fn create(place: &Place) -> Result<Self> {
        let db = open_store(&place.store).await?;
        let known = db.meta_get(SEAL_CHECK).await.context("reading the store")?;
        if known.is_some() {
            bail!(
                "the store has been made ready before, under a seal of its own; serve it with that seal, or name an empty \
                 database"
            );
        }
        let root = Root::create_with(&place.seal.dir, &place.seal.unlock()?)
            .context("making the seal; whatever is there is never written over")?;
        db.meta_set(KIND, PRODUCTION).await?;
        db.meta_insert_if_absent(SEAL_CHECK, root.check_value().as_bytes()).await?;
        // Of two who make one database ready at once, the other was first.
        let servers = join(&db, &root, place).await?;
        migrate(&db, &root).await?;
        Ok(Self { db, root, servers })
    }
}

/// Opens a store, whatever is in it.
pub(crate) async fn open_store(place: &StorePlace) -> Result<Db> {
    let opened = match place {
        StorePlace::Sqlite(file) => Db::open_sqlite(file, &OpenOptions::default()).await,
        StorePlace::Postgres(settings) => {
            let options = OpenOptions { connections: settings.connections(), ..OpenOptions::default() };
            Db::open_postgres(settings.url_with_password()?.expose(), &options).await
        }
    };
    opened.context("opening the store")
}

/// Opens the seal of a store that is in use.
fn open_known(seal: &SealPlace, unlock: &Unlock) -> Result<Root> {
    Root::open_with(&seal.dir, unlock)
        .context("the store holds keys, and without the seal they were made under they cannot be used")
}

/// Brings the seal to where the store is, which may have been rotated by another server, and has the other servers know of
/// this one. A seal that is not the store's is refused before anything is touched.
async fn join(db: &Db, root: &Root, place: &Place) -> Result<Servers> {
    match strongroom_resealing::settle(db, root).await {
        Err(error @ ResealingError::WrongSeal) => {
            return Err(error).with_context(|| {
                format!(
                    "{} is not the seal that this store was made under; put back the folder that was beside it",
                    place.seal.dir.display()
                )
            });
        }
        settled => settled.context("bringing seal and store together")?,
    }
    let name = match db.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(server_name::of(&place.data)?),
    };
    let joined = Servers::join(db, root, name.as_deref()).await;
    joined.context("telling the other servers on the store of this one")
}

/// Brings the slots of earlier versions up. Where the folder cannot be written, they stay as they are, and serve.
fn bring_up(root: &Root, unlock: &Unlock, seal: &SealPlace) {
    match root.bring_up(unlock) {
        Ok(false) => {}
        Ok(true) => tracing::info!(
            seal = %seal.dir.display(),
            "the seal's slots have key pairs now; earlier versions do not open it any more"
        ),
        Err(error) => tracing::warn!(%error, "the seal's slots stay in the form of an earlier version"),
    }
}

async fn migrate(db: &Db, root: &Root) -> Result<()> {
    db.migrate(&tables()).await.context("bringing the store up to date")?;
    strongroom_deriving::adopt(db, root).await.context("sealing positions of an earlier version")
}

/// The steps of all services' tables.
pub(crate) const fn tables() -> [&'static [Migration]; 13] {
    [
        strongroom_journal::MIGRATIONS,
        strongroom_kms::MIGRATIONS,
        strongroom_iam::MIGRATIONS,
        strongroom_ec2::MIGRATIONS,
        strongroom_s3::MIGRATIONS,
        strongroom_cloudhsm::MIGRATIONS,
        strongroom_deriving::MIGRATIONS,
        strongroom_cloudtrail::MIGRATIONS,
        strongroom_sns::MIGRATIONS,
        strongroom_cloudwatch::MIGRATIONS,
        strongroom_cloudwatch::METRIC_MIGRATIONS,
        strongroom_logs::MIGRATIONS,
        strongroom_logs::EVENT_MIGRATIONS,
    ]
}
