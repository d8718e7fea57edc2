//! Where journals are that a command reads: in a folder, or in a store with those of the other servers on it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use strongroom_journal::Reader;
use strongroom_store::Db;
use tokio::runtime::Runtime;

use crate::cli::PlaceOptions;
use crate::node::open_store;
use crate::settings::{Place, StorePlace};

/// Journals that are there.
pub(crate) enum Journals {
    /// One server's.
    Folder(PathBuf),
    /// Those of all servers on a store.
    Store(Stored),
}

/// A store, open.
pub(crate) struct Stored {
    pub(crate) db: Db,
    /// In which its connections live.
    _runtime: Runtime,
}

impl Journals {
    /// Those that the options name.
    pub(crate) fn named(options: &PlaceOptions) -> Result<Self> {
        Self::at(&Place::named(options)?)
    }

    fn at(place: &Place) -> Result<Self> {
        match &place.store {
            StorePlace::Sqlite(_) => {
                let folder = place.data.journal();
                if !folder.is_dir() {
                    bail!(
                        "there is no journal in {}; name the server's folder with --data-dir",
                        folder.display()
                    );
                }
                Ok(Self::Folder(folder))
            }
            StorePlace::Postgres(_) => {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
                let db = runtime.block_on(open_store(&place.store))?;
                let stored = Stored { db, _runtime: runtime };
                let listed = Reader::open_store(&stored.db).and_then(|reader| reader.chains());
                let servers =
                    listed.context("reading the journals in the store; has a server been started there?")?;
                if servers.is_empty() {
                    bail!("no server has a journal in the store yet");
                }
                Ok(Self::Store(stored))
            }
        }
    }

    /// Reads them.
    pub(crate) fn reader(&self) -> Result<Reader> {
        let reader = match self {
            Self::Folder(folder) => Reader::open(folder),
            Self::Store(stored) => Reader::open_store(&stored.db),
        };
        reader.context("opening the journal")
    }

    /// Where they are, for people.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Store(_) => "the journals in the store".to_owned(),
        }
    }
}
