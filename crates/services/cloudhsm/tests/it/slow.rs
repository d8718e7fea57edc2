//! HSMs that do not answer, and others that do not suffer from it.

use std::time::Duration;

use strongroom_hsm_proto::fleet::HsmCall;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, DAY, ZONE_B};

on_both_engines! {
    all_hsms_are_told_at_once,
    an_hsm_that_fails_or_is_stuck_keeps_no_other_from_the_work,
}

async fn an_hsm_that_fails_or_is_stuck_keeps_no_other_from_the_work(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    client.create_hsm(&cluster, ZONE_B).await.unwrap();
    let mut ids: Vec<_> = client.has_hsms(&cluster, 2).await.into_iter().map(|hsm| hsm.hsm_id).collect();
    client.has_backups(&cluster, 2).await;
    ids.sort();
    let [first, second] = [0, 1].map(|which| bench.placement.hsm(&ids[which]));
    first.change(|disk| disk.backups_refused = true);
    bench.later(DAY + 1).await;
    client.has_backups(&cluster, 3).await;

    // The other one is stuck: it is connected, and neither answers nor says how it is.
    first.change(|disk| disk.backups_refused = false);
    // It is not told of the change, of which it would report.
    second.disk().deaf = Some(|call| matches!(call, HsmCall::BackUp(_)));
    for _ in 0..24 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        first.change(|_| {});
    }
    bench.later(DAY).await;
    client.has_backups(&cluster, 4).await;
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
        bench
            .placement
            .hsm(&hsm.hsm_id)
            .change(|disk| disk.deaf = Some(|call| matches!(call, HsmCall::SetClock(_))));
    }
    let told = tokio::time::timeout(Duration::from_secs(15), bench.plane.clock_moved()).await;
    assert!(told.is_ok(), "each is waited for by itself");
}
