//! The database of metrics' points.

use anyhow::{Context as _, Result};
use strongroom_store::{Db, Engine, OpenOptions};

use crate::data_dir::DataDir;

/// Opens it: beside an embedded store it is a file of its own, so that points never queue behind the services' writer. With
/// PostgreSQL it is the store, whose servers all see the same.
pub(super) async fn open(store: &Db, data: &DataDir) -> Result<Db> {
    if store.engine() == Engine::Postgres {
        return Ok(store.clone());
    }
    let opened = Db::open_sqlite(&data.metrics(), &OpenOptions::default()).await;
    let points = opened.context("opening the metrics")?;
    let tables = [strongroom_cloudwatch::METRIC_MIGRATIONS, strongroom_deriving::MIGRATIONS];
    points.migrate(&tables).await.context("bringing the metrics up to date")?;
    Ok(points)
}
