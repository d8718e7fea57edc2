//! Rows of metrics: which there are, from when on they have a value every minute, and how far readings are.

use std::collections::BTreeSet;

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::unreadable;
use crate::domain::home::Home;
use crate::domain::metric::{Metric, MetricKey};
use crate::domain::series::{MINUTE_MS, floor};

/// The newest moment of a metric that has a value every minute: it is never out of use.
pub(crate) const ALWAYS_MS: i64 = 253_402_300_740_000;

const NOTE: Statement = Statement::new(
    "INSERT INTO cloudwatch_metrics (account, region, metric, namespace, name, dimensions, newest_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, metric) DO UPDATE \
     SET newest_ms = excluded.newest_ms WHERE excluded.newest_ms > cloudwatch_metrics.newest_ms",
);
const LIST: Statement = Statement::new(
    "SELECT metric, namespace, name, dimensions FROM cloudwatch_metrics \
     WHERE account = $1 AND region = $2 AND newest_ms >= $3 \
     AND namespace >= $4 AND (namespace > $4 OR name > $5 OR (name = $5 AND metric > $6)) \
     ORDER BY namespace, name, metric LIMIT $7",
);
const LIST_NAMESPACE: Statement = Statement::new(
    "SELECT metric, namespace, name, dimensions FROM cloudwatch_metrics \
     WHERE account = $1 AND region = $2 AND namespace = $4 AND newest_ms >= $3 \
     AND name >= $5 AND (name > $5 OR metric > $6) ORDER BY namespace, name, metric LIMIT $7",
);
const LIST_NAMED: Statement = Statement::new(
    "SELECT metric, namespace, name, dimensions FROM cloudwatch_metrics \
     WHERE account = $1 AND region = $2 AND namespace = $4 AND name = $5 AND newest_ms >= $3 AND metric > $6 \
     ORDER BY namespace, name, metric LIMIT $7",
);
const FORGET: Statement = Statement::new(
    "DELETE FROM cloudwatch_metrics WHERE (account, region, metric) IN \
     (SELECT account, region, metric FROM cloudwatch_metrics WHERE newest_ms < $1 ORDER BY newest_ms LIMIT $2)",
);
/// Those of AWS's services are in namespaces between these: the store sorts text by its bytes.
const COUNT: Statement = Statement::new(
    "SELECT COUNT(*) AS metrics FROM (SELECT 1 AS one FROM cloudwatch_metrics \
     WHERE account = $1 AND region = $2 AND (namespace < 'AWS/' OR namespace >= 'AWS0') LIMIT $3) AS counted",
);
const THERE_AMONG: Statement = Statement::new(
    "SELECT metric FROM cloudwatch_metrics WHERE account = $1 AND region = $2 AND metric IN \
     ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, \
     $27, $28, $29, $30, $31, $32, $33, $34)",
);
/// Metrics that are looked for at once.
const AMONG: usize = 32;
const BEGIN: Statement = Statement::new(
    "INSERT INTO cloudwatch_beginnings (account, region, since_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (account, region) DO UPDATE SET since_ms = excluded.since_ms \
     WHERE excluded.since_ms < cloudwatch_beginnings.since_ms",
);
const BEGINNING: Statement =
    Statement::new("SELECT since_ms FROM cloudwatch_beginnings WHERE account = $1 AND region = $2");
const TAKE_READING: Statement = Statement::new(
    "INSERT INTO cloudwatch_readings (reading, read_ms) VALUES ($1, $2) \
     ON CONFLICT (reading) DO UPDATE SET read_ms = excluded.read_ms \
     WHERE excluded.read_ms > cloudwatch_readings.read_ms",
);
pub(crate) const STATEMENTS: &[Statement] =
    &[NOTE, LIST, LIST_NAMESPACE, LIST_NAMED, FORGET, COUNT, THERE_AMONG, BEGIN, BEGINNING, TAKE_READING];

/// Notes that a metric has a point at a moment. Moments are kept by the minute, so that few notes write anything.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    home: &Home,
    key: &MetricKey,
    metric: &Metric,
    newest_ms: i64,
) -> Result<(), StoreError> {
    let [account, region] = home.columns();
    let dimensions =
        serde_json::to_string(&metric.dimensions).map_err(|error| unreadable("dimensions", error))?;
    let values = [
        account,
        region,
        key.into(),
        (&metric.namespace).into(),
        (&metric.name).into(),
        dimensions.into(),
        floor(newest_ms, MINUTE_MS).into(),
    ];
    tx.execute(NOTE, &values).await.map(drop)
}

/// Where a list of metrics goes on: after the metric of these names and key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) key: Vec<u8>,
}

/// A metric and the key of its points.
pub(crate) struct Listed {
    pub(crate) key: MetricKey,
    pub(crate) metric: Metric,
}

/// The next metrics after a place, in the order of namespace, name and key, that have points since a moment.
pub(crate) async fn list(
    db: &Db,
    home: &Home,
    (namespace, name): (Option<&str>, Option<&str>),
    since_ms: i64,
    after: &Place,
    most: u32,
) -> Result<Vec<Listed>, StoreError> {
    let [account, region] = home.columns();
    let (statement, in_namespace, named) = match (namespace, name) {
        (Some(namespace), Some(name)) => (LIST_NAMED, namespace, name),
        (Some(namespace), None) => (LIST_NAMESPACE, namespace, after.name.as_str()),
        (None, _) => (LIST, after.namespace.as_str(), after.name.as_str()),
    };
    let values = [
        account,
        region,
        since_ms.into(),
        in_namespace.into(),
        named.into(),
        after.key.clone().into(),
        most.into(),
    ];
    db.query(statement, &values).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Listed, StoreError> {
    let dimensions: Vec<(String, String)> =
        serde_json::from_str(&row.text("dimensions")?).map_err(|error| unreadable("dimensions", error))?;
    let metric = Metric { namespace: row.text("namespace")?, name: row.text("name")?, dimensions };
    Ok(Listed { key: row.array("metric")?, metric })
}

/// Forgets metrics whose newest point is before a moment, at most `most`; answers how many.
pub(crate) async fn forget_old(db: &Db, before_ms: i64, most: u32) -> Result<u64, StoreError> {
    db.execute(FORGET, &[before_ms.into(), most.into()]).await
}

/// How many metrics of its own an account has in a Region: counted up to `most`.
pub(crate) async fn count(db: &Db, home: &Home, most: u32) -> Result<u32, StoreError> {
    let [account, region] = home.columns();
    let counted = db.query_one(COUNT, &[account, region, most.into()]).await?.i64("metrics")?;
    Ok(u32::try_from(counted).unwrap_or(u32::MAX))
}

/// Which of these metrics there are.
pub(crate) async fn there_among(
    tx: &mut Tx<'_>,
    home: &Home,
    keys: &[MetricKey],
) -> Result<BTreeSet<MetricKey>, StoreError> {
    let mut there = BTreeSet::new();
    for some in keys.chunks(AMONG) {
        // The last ones are fewer: the first of them is asked for as often as there are places.
        let places = some.iter().chain(some.iter().take(1).cycle()).take(AMONG);
        let mut values = Vec::from(home.columns());
        values.extend(places.map(Value::from));
        for row in tx.query(THERE_AMONG, &values).await? {
            there.insert(row.array("metric")?);
        }
    }
    Ok(there)
}

/// Notes that keys of KMS are there from a moment on.
pub(crate) async fn begin(tx: &mut Tx<'_>, home: &Home, since_ms: i64) -> Result<(), StoreError> {
    let [account, region] = home.columns();
    tx.execute(BEGIN, &[account, region, since_ms.into()]).await.map(drop)
}

/// From when on keys of KMS are there.
pub(crate) async fn beginning(db: &Db, home: &Home) -> Result<Option<i64>, StoreError> {
    let row = db.query_opt(BEGINNING, &home.columns()).await?;
    row.map(|row| row.i64("since_ms")).transpose()
}

/// Takes the reading of a moment; answers whether nobody has taken it before.
pub(crate) async fn take_reading(tx: &mut Tx<'_>, reading: &str, at_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(TAKE_READING, &[reading.into(), at_ms.into()]).await? == 1)
}
