//! Rows of points.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::metrics;
use crate::domain::home::Home;
use crate::domain::metric::{Metric, MetricKey};
use crate::domain::series::{Point, Resolution, floor};
use crate::domain::statistic::StatisticSet;

/// Points read at once.
const PAGE: i64 = 5_000;

const ADD: Statement = Statement::new(
    "INSERT INTO cloudwatch_points \
     (account, region, metric, resolution, at_ms, unit, samples, total, least, most) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
     ON CONFLICT (account, region, metric, resolution, at_ms, unit) DO UPDATE SET \
     samples = cloudwatch_points.samples + excluded.samples, total = cloudwatch_points.total + excluded.total, \
     least = CASE WHEN excluded.least < cloudwatch_points.least THEN excluded.least ELSE cloudwatch_points.least END, \
     most = CASE WHEN excluded.most > cloudwatch_points.most THEN excluded.most ELSE cloudwatch_points.most END",
);
const READ: Statement = Statement::new(
    "SELECT at_ms, unit, samples, total, least, most FROM cloudwatch_points \
     WHERE account = $1 AND region = $2 AND metric = $3 AND resolution = $4 \
     AND at_ms >= $5 AND (at_ms > $5 OR unit > $6) AND at_ms < $7 ORDER BY at_ms, unit LIMIT $8",
);
const DROP_OLD: Statement = Statement::new(
    "DELETE FROM cloudwatch_points WHERE (account, region, metric, resolution, at_ms, unit) IN \
     (SELECT account, region, metric, resolution, at_ms, unit FROM cloudwatch_points \
     WHERE resolution = $1 AND at_ms < $2 ORDER BY at_ms LIMIT $3)",
);

pub(crate) const STATEMENTS: &[Statement] = &[ADD, READ, DROP_OLD];

/// Samples that are to be kept, those of one span together.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    metrics: BTreeMap<(Home, MetricKey), (Metric, i64)>,
    sets: BTreeMap<(Home, MetricKey, Resolution, i64, String), StatisticSet>,
}

impl Samples {
    /// Counts samples of a metric at a moment.
    pub(crate) fn add(&mut self, home: Home, metric: &Metric, at: At<'_>, set: &StatisticSet) {
        let key = metric.key(&home);
        let newest = self.metrics.entry((home, key)).or_insert_with(|| (metric.clone(), at.ms));
        newest.1 = newest.1.max(at.ms);
        for resolution in Resolution::of_sample(at.is_fine) {
            let begin_ms = floor(at.ms, resolution.millis());
            let place = (home, key, *resolution, begin_ms, at.unit.to_owned());
            self.sets.entry(place).and_modify(|known| known.add(set)).or_insert(*set);
        }
    }

    /// Where the metrics are that they are of, but for those of AWS's services.
    pub(crate) fn homes(&self) -> BTreeSet<Home> {
        let own = self.metrics.iter().filter(|(_, (metric, _))| metric.is_own());
        own.map(|((home, _), _)| *home).collect()
    }

    /// The metrics there that they are of, but for those of AWS's services.
    pub(crate) fn keys_of(&self, home: &Home) -> Vec<MetricKey> {
        let of_home = self.metrics.iter().filter(|((of, _), (metric, _))| of == home && metric.is_own());
        of_home.map(|((_, key), _)| *key).collect()
    }

    /// Leaves out those of some metrics, and answers of how many minutes they are.
    pub(crate) fn leave_out(&mut self, left_out: &BTreeSet<(Home, MetricKey)>) -> u64 {
        let mut minutes = 0;
        self.metrics.retain(|place, _| !left_out.contains(place));
        self.sets.retain(|(home, key, resolution, ..), _| {
            let stays = !left_out.contains(&(*home, *key));
            minutes += u64::from(!stays && *resolution == Resolution::Minute);
            stays
        });
        minutes
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Adds them to what is kept.
    pub(crate) async fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for ((home, key), (metric, newest_ms)) in &self.metrics {
            metrics::note(tx, home, key, metric, *newest_ms).await?;
        }
        for ((home, key, resolution, at_ms, unit), set) in &self.sets {
            let [account, region] = home.columns();
            let values = [
                account,
                region,
                key.into(),
                resolution.millis().into(),
                (*at_ms).into(),
                unit.into(),
                set.samples.into(),
                set.sum.into(),
                set.least.into(),
                set.most.into(),
            ];
            tx.execute(ADD, &values).await?;
        }
        Ok(())
    }
}

/// When samples are, in which unit, and whether they are kept by the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'u> {
    pub(crate) ms: i64,
    pub(crate) unit: &'u str,
    pub(crate) is_fine: bool,
}

/// The points of a metric at a resolution, from one moment to before another, in their order.
pub(crate) async fn read(
    db: &Db,
    home: &Home,
    key: &MetricKey,
    resolution: Resolution,
    (from_ms, until_ms): (i64, i64),
) -> Result<Vec<Point>, StoreError> {
    let mut points: Vec<Point> = Vec::new();
    loop {
        let [account, region] = home.columns();
        let (after_ms, after_unit) =
            points.last().map_or((from_ms, ""), |last| (last.at_ms, last.unit.as_str()));
        let values: [Value; 8] = [
            account,
            region,
            key.into(),
            resolution.millis().into(),
            after_ms.into(),
            after_unit.into(),
            until_ms.into(),
            PAGE.into(),
        ];
        let rows = db.query(READ, &values).await?;
        for row in &rows {
            points.push(read_one(row)?);
        }
        if (rows.len() as i64) < PAGE {
            return Ok(points);
        }
    }
}

fn read_one(row: &Row) -> Result<Point, StoreError> {
    let set = StatisticSet {
        samples: row.f64("samples")?,
        sum: row.f64("total")?,
        least: row.f64("least")?,
        most: row.f64("most")?,
    };
    Ok(Point { at_ms: row.i64("at_ms")?, unit: row.text("unit")?, set })
}

/// Drops points of a resolution that are older than they are kept for, at most `most`; answers how many.
pub(crate) async fn drop_old(
    db: &Db,
    resolution: Resolution,
    now_ms: i64,
    most: u32,
) -> Result<u64, StoreError> {
    let before_ms = now_ms.saturating_sub(resolution.kept_ms());
    db.execute(DROP_OLD, &[resolution.millis().into(), before_ms.into(), most.into()]).await
}
