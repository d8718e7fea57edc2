//! What comes of what was done when nobody heard of it.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, DAY};

on_both_engines! {
    a_backup_whose_answer_is_lost_is_finished,
}

async fn a_backup_whose_answer_is_lost_is_finished(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    // All bytes are handed over, and the connection breaks before the HSM says so.
    bench.placement.hsm(&hsm).change(|disk| disk.answers_lost = 1);
    bench.later(DAY + 1).await;
    client.has_backups(&cluster, 2).await;
    assert_eq!(bench.placement.hsm(&hsm).disk().answers_lost, 0);
    // And the days after.
    bench.later(DAY).await;
    client.has_backups(&cluster, 3).await;
}
