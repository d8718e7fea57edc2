//! HSMs that others do not let go at once.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, ZONE_B, until};

on_both_engines! {
    nobody_is_removed_or_replaced_who_may_still_be_let_go,
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
