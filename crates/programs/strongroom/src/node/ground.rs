//! What services stand on: the foundation, the clocks, and what keeps the evidence.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_journal::{Journal, JournalOptions, move_into_store};
use strongroom_outbox::Outbox;
use strongroom_resealing::Servers;
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root};
use strongroom_store::{Db, Engine, RowMac};

use super::Foundation;
use crate::data_dir::DataDir;
use crate::journal_keeping::JournalKeeping;
use crate::server_name;
use crate::settings::JournalChoices;

/// The name of this node in its journal. One node writes a data folder.
const NODE: &str = "local";

/// Store, seal, clocks, journal and outbox. Clones are the same.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) db: Db,
    pub(crate) root: Root,
    pub(crate) clocks: Clocks,
    pub(crate) journal: Arc<Journal>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) keeping: Arc<JournalKeeping>,
    pub(crate) servers: Servers,
}

impl Ground {
    /// Opens the journal of the data folder, whose lock the caller holds, and records what a crash had cut off.
    pub(crate) async fn on(
        foundation: Foundation,
        data: &DataDir,
        clocks: Clocks,
        choices: &JournalChoices,
    ) -> Result<Self> {
        let Foundation { db, root, servers } = foundation;
        let journal = open_journal(&db, data, &root, &clocks, &choices.options)?;
        let keeping = JournalKeeping::open(&journal, &root, &clocks, choices.keeping.clone())?;
        let mac = RowMac::new(&root);
        let outbox = Arc::new(Outbox::new(db.clone(), mac, journal.clone()));
        let replayed = outbox.replay().await?;
        if replayed > 0 {
            tracing::info!(replayed, "changes whose records a crash had cut off are recorded");
        }
        Ok(Self { db, root, clocks, journal, outbox, keeping: Arc::new(keeping), servers })
    }

    /// Flushes and closes what is on disk. Nobody works on it any more.
    pub(crate) async fn close(self) -> Result<()> {
        close(&self.outbox, &self.journal, &self.keeping, &self.db, Some(&self.servers)).await
    }
}

/// Flushes and closes what is on disk, in this order. `leaving` leaves the other servers on the store: nothing is under way
/// here any more that is sealed under a root key which may go.
pub(super) async fn close(
    outbox: &Outbox,
    journal: &Journal,
    keeping: &JournalKeeping,
    db: &Db,
    leaving: Option<&Servers>,
) -> Result<()> {
    outbox.empty().await;
    journal.close().await.context("closing the journal")?;
    keeping.finish().context("signing the end of the journal")?;
    if let Some(servers) = leaving
        && let Err(error) = servers.leave().await
    {
        tracing::warn!(%error, "this server's name stays in the store, and older root keys with it, for an hour");
    }
    db.close().await.context("closing the store")
}

/// Opens the journal: in the folder beside an embedded store, or else in the store, among those of the other servers.
fn open_journal(
    db: &Db,
    data: &DataDir,
    root: &Root,
    clocks: &Clocks,
    options: &JournalOptions,
) -> Result<Arc<Journal>> {
    let (epoch, key) = root.current_subkey(Purpose::JournalMac)?;
    let options = &JournalOptions { key_epoch: epoch.number(), ..options.clone() };
    let now_ms = clocks.domain_now();
    let opened = match db.engine() {
        Engine::Sqlite => Journal::open(&data.journal(), options, &key, NODE, now_ms),
        Engine::Postgres => {
            let name = server_name::of(data)?;
            move_in(db, data, &name, now_ms)?;
            Journal::open_in_store(db, &name, options, &key, now_ms)
        }
    };
    let opened = opened.context("opening the journal")?;
    for note in &opened.notes {
        tracing::warn!("{note}");
    }
    let journal = match db.engine() {
        Engine::Sqlite => opened.journal.beside_those_in(db).context("opening the journal")?,
        Engine::Postgres => opened.journal,
    };
    Ok(Arc::new(journal))
}

/// Moves what versions before kept beside the store into it.
fn move_in(db: &Db, data: &DataDir, name: &str, now_ms: i64) -> Result<()> {
    let moved = move_into_store(&data.journal(), db, name, now_ms);
    let Some(moved) = moved.context("moving the journal into the store")? else { return Ok(()) };
    for note in &moved.notes {
        tracing::warn!("{note}");
    }
    tracing::info!(
        segments = moved.segments,
        checkpoints = moved.checkpoints,
        "the journal is in the store now, where every server on it sees it; {} is not needed any more",
        moved.folder.display()
    );
    Ok(())
}
