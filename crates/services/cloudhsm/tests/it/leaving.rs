//! HSMs that others do not let go at once.

use std::time::Duration;

use strongroom_hsm_proto::fleet::{PlaneCall, Read};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, ZONE_B, until};

on_both_engines! {
    nobody_is_removed_or_replaced_who_may_still_be_let_go,
    nobody_speaks_for_an_hsm_that_is_deleted,
}

async fn nobody_speaks_for_an_hsm_that_is_deleted(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    let deleted = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    // Its process cannot be ended, and keeps the connection.
    bench.placement.placed().outlived = true;
    let line = bench.placement.hsm(&deleted).line();
    let ask = async || {
        let read = line.call(PlaneCall::Read(Read { from: 1, max_bytes: 64 }));
        tokio::time::timeout(Duration::from_secs(5), read).await.ok().flatten()
    };
    assert!(ask().await.is_some());
    client.delete_hsm(&cluster, &deleted).await.unwrap();
    client.has_hsms(&cluster, 1).await;
    until("the end of its connection", async || ask().await.is_none().then_some(())).await;
}

async fn nobody_is_removed_or_replaced_who_may_still_be_let_go(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, first) = client.active().await;
    let first = bench.placement.hsm(&first);
    let has_let_go = |id: &str| {
        let leave = format!("leave {id}");
        first.disk().entries.values().any(|entry| entry == leave.as_bytes())
    };
    // As long as a store or a network is away now and then, and longer than a few looks.
    let removed = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    first.change(|disk| disk.leaves_refused = 12);
    client.delete_hsm(&cluster, &removed).await.unwrap();
    client.has_hsms(&cluster, 1).await;
    assert!(has_let_go(&removed), "it is no member of the cluster any more");

    let lost = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    first.change(|disk| disk.leaves_refused = 7);
    bench.placement.lose(&lost);
    until("the replacement", async || {
        let hsms = client.cluster(&cluster).await?.hsms?;
        hsms.iter().all(|hsm| hsm.hsm_id != lost).then_some(())
    })
    .await;
    client.has_hsms(&cluster, 2).await;
    assert!(has_let_go(&lost));
}
