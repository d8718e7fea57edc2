//! Databases beside an embedded store: of metrics' points, and of log events.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_resealing::{Beside, Kept};
use strongroom_seal::Root;
use strongroom_store::{Db, Engine, Migration, OpenOptions};

use crate::data_dir::DataDir;

/// Opens the database of metrics' points.
pub(super) async fn points(store: &Db, root: &Root, data: &DataDir) -> Result<Db> {
    open((store, root), &data.metrics(), "metrics", strongroom_cloudwatch::METRIC_MIGRATIONS).await
}

/// Opens the database of log events.
pub(super) async fn log_events(store: &Db, root: &Root, data: &DataDir) -> Result<Db> {
    open((store, root), &data.log_events(), "log events", strongroom_logs::EVENT_MIGRATIONS).await
}

/// Beside an embedded store it is a file of its own, so that what is much never queues behind the services' writer. With
/// PostgreSQL it is the store, whose servers all see the same.
async fn open(
    (store, root): (&Db, &Root),
    file: &Path,
    what: &str,
    tables: &'static [Migration],
) -> Result<Db> {
    if store.engine() == Engine::Postgres {
        return Ok(store.clone());
    }
    let opened = Db::open_sqlite(file, &OpenOptions::default()).await;
    let opened = opened.with_context(|| format!("opening the {what}"))?;
    let tables = [tables, strongroom_deriving::MIGRATIONS];
    opened.migrate(&tables).await.with_context(|| format!("bringing the {what} up to date"))?;
    let adopted = strongroom_deriving::adopt(&opened, root).await;
    adopted.with_context(|| format!("sealing positions of an earlier version beside the {what}"))?;
    Ok(opened)
}

/// What a rotation of the seal goes over in them; nothing where they are the store.
pub(super) fn sealed(root: &Root, points: &Db, log_events: &Db) -> Vec<Arc<dyn Kept>> {
    let named = [("metrics.db", points), ("logs.db", log_events)].into_iter();
    let embedded = named.filter(|(_, db)| db.engine() == Engine::Sqlite);
    let beside = embedded.map(|(name, db)| Beside::new(name, db, root, &[strongroom_deriving::SEALED]));
    beside.map(|beside| Arc::new(beside) as Arc<dyn Kept>).collect()
}
