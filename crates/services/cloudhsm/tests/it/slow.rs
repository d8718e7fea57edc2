//! HSMs that do not answer, and others that do not suffer from it.

use std::time::{Duration, Instant};

use strongroom_hsm_proto::fleet::HsmCall;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, ZONE_B};

on_both_engines! {
    all_hsms_are_told_at_once,
}

async fn all_hsms_are_told_at_once(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    for count in 2..=4 {
        client.create_hsm(&cluster, ZONE_B).await.unwrap();
        client.has_hsms(&cluster, count).await;
    }
    for hsm in client.has_hsms(&cluster, 4).await {
        bench.placement.hsm(&hsm.hsm_id).change(|disk| disk.deaf = Some(|call| matches!(call, HsmCall::SetClock(_))));
    }
    let begun = Instant::now();
    bench.plane.clock_moved().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "each is waited for by itself: {:?}", begun.elapsed());
}
