//! What is kept and for how long; rows that others altered; what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use strongroom_cloudwatch::{Emission, Gauge};
use strongroom_runtime::BoxError;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, DAY, HOUR, Lab, MINUTE, REGION, START, orders};

on_both_engines! {
    points_go_when_their_time_is_over,
    a_gauge_is_read_every_minute_and_by_one_server,
    an_altered_alarm_is_not_looked_at,
    others_samples_are_kept,
}

const POINTS: Statement = Statement::new("SELECT COUNT(*) AS found FROM cloudwatch_points");
const METRICS: Statement = Statement::new("SELECT COUNT(*) AS found FROM cloudwatch_metrics");
const ALTER: Statement = Statement::new(
    "UPDATE cloudwatch_alarms SET document = REPLACE(document, '\"threshold\":3.0', '\"threshold\":300.0') WHERE name = $1",
);

async fn points_go_when_their_time_is_over(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.root().data(&[(lab.now(), 1.0)]).await;
    let found = async |statement| lab.db.query_one(statement, &[]).await.unwrap().i64("found").unwrap();
    assert_eq!(found(POINTS).await, 3);
    for (days, points) in [(14, 3), (2, 2), (48, 1), (390, 1), (2, 0)] {
        lab.pass(days * DAY).await;
        assert_eq!(found(POINTS).await, points, "after {days} more days");
    }
    assert_eq!(found(METRICS).await, 0);
}

/// A value that grows whenever it is read.
struct Growing(AtomicI64);

#[async_trait]
impl Gauge for Growing {
    fn name(&self) -> &'static str {
        "growing"
    }

    async fn read(&self, at_ms: i64) -> Result<Vec<Emission>, BoxError> {
        let value = self.0.fetch_add(1, Ordering::SeqCst) as f64;
        Ok(vec![emission("Growing", at_ms - 1, value)])
    }
}

fn emission(name: &str, at_ms: i64, value: f64) -> Emission {
    Emission {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        namespace: "AWS/Test".to_owned(),
        name: name.to_owned(),
        dimensions: vec![("Topic".to_owned(), "t".to_owned())],
        unit: "Count",
        at_ms,
        value,
    }
}

async fn a_gauge_is_read_every_minute_and_by_one_server(database: &TestDatabase) {
    let lab = Lab::with_gauges(database, vec![Arc::new(Growing(AtomicI64::new(1)))]).await;
    for _ in 0..3 {
        lab.pass(MINUTE).await;
    }
    // Another server is late.
    lab.cloudwatch.look_at(lab.now()).await;
    let dimensions = [("Topic", "t")];
    let sums = lab.root().sums(("AWS/Test", "Growing"), &dimensions, (START, START + HOUR), 60).await;
    let sums: Vec<_> = sums.into_iter().map(|(at_ms, sum)| ((at_ms - START) / MINUTE, sum)).collect();
    assert_eq!(sums, [(0, 1.0), (1, 2.0), (2, 3.0)]);
}

async fn an_altered_alarm_is_not_looked_at(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    for name in ["altered", "sound"] {
        lab.root().put(orders(name)).await.unwrap();
    }
    assert_eq!(lab.db.execute(ALTER, &["altered".into()]).await.unwrap(), 1);
    lab.root().data(&[(lab.now(), 9.0)]).await;
    let restarted = lab.another();
    restarted.look_at(lab.now() + MINUTE).await;
    assert_eq!(lab.topics.subjects(), ["ALARM: \"sound\" in US East (N. Virginia)"]);
    let refused = lab.root().set_state("altered", "ALARM").await.unwrap_err();
    assert_eq!(refused.code(), "InternalFailure");
}

async fn others_samples_are_kept(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.cloudwatch.emit(&[emission("Sent", START, 2.0), emission("Sent", START, 3.0)]).await.unwrap();
    lab.cloudwatch.emit(&[]).await.unwrap();
    let sums = lab.root().sums(("AWS/Test", "Sent"), &[("Topic", "t")], (START, START + HOUR), 60).await;
    assert_eq!(sums, [(START, 5.0)]);
}
