//! Several servers on one store look at the same alarms.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, MINUTE, orders};

on_both_engines! {
    a_state_becomes_another_once_and_is_told_once,
    what_one_changes_the_others_see,
}

async fn a_state_becomes_another_once_and_is_told_once(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    for number in 0..20 {
        lab.root().put(orders(&format!("a{number}"))).await.unwrap();
    }
    lab.root().data(&[(lab.now(), 9.0)]).await;
    let (first, second) = (lab.another(), lab.another());
    let at_ms = lab.now() + MINUTE;
    tokio::join!(first.look_at(at_ms), second.look_at(at_ms), lab.cloudwatch.look_at(at_ms));
    // Who was overtaken looks again a minute later.
    first.look_at(at_ms).await;
    let mut subjects = lab.topics.subjects();
    assert_eq!(subjects.len(), 20);
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 20, "each alarm told once");
    let summary = "Alarm updated from INSUFFICIENT_DATA to ALARM".to_owned();
    let history = lab.root().history("a7").await;
    assert_eq!(history.iter().filter(|item| **item == summary).count(), 1);
}

async fn what_one_changes_the_others_see(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let other = lab.another();
    other.look_at(lab.now()).await;
    lab.root().put(orders("a")).await.unwrap();
    lab.root().data(&[(lab.now(), 9.0)]).await;
    // What is told of changes is not followed here: a server that starts sees all.
    let started = lab.another();
    started.look_at(lab.now() + MINUTE).await;
    assert_eq!(lab.root().history("a").await[1], "Alarm updated from INSUFFICIENT_DATA to ALARM");
}
