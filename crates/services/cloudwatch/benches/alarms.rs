//! How long a look at many alarms takes, each on a metric of its own: `cargo bench -p strongroom-cloudwatch`.
//!
//! `ALARMS` says how many (10,000), `ROUNDS` how many minutes are looked at (5).

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_macros, reason = "a bench prints")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_api_sns::Sns;
use strongroom_cloudwatch::{CloudWatch, METRIC_MIGRATIONS, MIGRATIONS, Parts};
use strongroom_identity::{Caller, Principal, Region, RequestContext, RequestId};
use strongroom_journal::{Journal, JournalOptions};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::{Clocks, ManualTime, Stopwatch};
use strongroom_schema::Timestamp;
use strongroom_seal::{Purpose, Root};
use strongroom_secret::Key256;
use strongroom_store::{Db, OpenOptions, RowMac};

const START: i64 = 1_658_502_000_000;
const MINUTE: i64 = 60_000;

struct Nobody;

#[async_trait]
impl Sns for Nobody {}

fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(look());
}

async fn look() {
    let (alarms, rounds) = (number("ALARMS", 10_000), number("ROUNDS", 5));
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("store.db"), &OpenOptions::default()).await.unwrap();
    let points = Db::open_sqlite(&folder.path().join("metrics.db"), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    points.migrate(&[METRIC_MIGRATIONS, strongroom_deriving::MIGRATIONS]).await.unwrap();
    let clocks = Clocks::new(Arc::new(ManualTime::at(START)), 0);
    let root = Root::from_key(Key256::new([7; 32])).unwrap();
    let options = JournalOptions::default();
    let (_, journal_key) = root.current_subkey(Purpose::JournalMac).unwrap();
    let journal = Journal::open(&folder.path().join("journal"), &options, &journal_key, "node", START);
    let journal = Arc::new(journal.unwrap().journal);
    let outbox = Outbox::new(db.clone(), RowMac::new(&root), journal.clone());
    let cloudwatch = CloudWatch::new(Parts {
        db,
        points,
        root: &root,
        authority: Authority::new(),
        outbox: Arc::new(outbox),
        journal: journal.reader(),
        clocks,
        sns: Arc::new(Nobody),
        gauges: Vec::new(),
    });
    let metric = |number: i64| format!("metric-{number}");
    for number in 0..alarms {
        let input = api::PutMetricAlarmInput {
            alarm_name: format!("alarm-{number:06}"),
            namespace: Some("Bench".to_owned()),
            metric_name: Some(metric(number)),
            statistic: Some(api::Statistic::Sum),
            period: Some(300),
            evaluation_periods: Some(1),
            threshold: Some(100.0),
            comparison_operator: Some(api::ComparisonOperator::GreaterThanOrEqualToThreshold),
            ..Default::default()
        };
        cloudwatch.put_metric_alarm(&context(), input).await.unwrap();
    }
    for minute in 0..15 {
        for chunk in (0..alarms).collect::<Vec<_>>().chunks(1_000) {
            let data = chunk.iter().map(|number| api::MetricDatum {
                metric_name: metric(*number),
                timestamp: Some(Timestamp::from_millis(START + minute * MINUTE)),
                value: Some(1.0),
                ..Default::default()
            });
            let input = api::PutMetricDataInput {
                namespace: "Bench".to_owned(),
                metric_data: Some(data.collect()),
                ..Default::default()
            };
            cloudwatch.put_metric_data(&context(), input).await.unwrap();
        }
    }
    // The first look moves each alarm to OK; the others only look.
    for round in 0..rounds {
        let watch = Stopwatch::start();
        cloudwatch.look_at(START + (15 + round) * MINUTE).await;
        println!("{alarms} alarms, minute {round}: {:?}", watch.elapsed());
    }
}

fn context() -> RequestContext {
    let account = "111122223333".parse().unwrap();
    RequestContext::new(
        RequestId::from_random([5; 16]),
        Caller::new(Principal::Root(account), "111122223333"),
        Region::named("us-east-1").unwrap(),
        START,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        "bench".to_owned(),
        None,
    )
}
