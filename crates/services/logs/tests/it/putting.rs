//! Events that are put.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, HOUR, Lab, START, refused};

on_both_engines! {
    events_are_taken_or_told_of,
    a_batch_has_its_bounds,
    a_full_batch_is_read_back,
}

const PLACE: (&str, &str) = ("g", "s");

async fn lab(database: &TestDatabase) -> Lab {
    let lab = Lab::new(database).await;
    lab.root().create("g").await.unwrap();
    lab.root().stream("g", "s").await.unwrap();
    lab
}

async fn events_are_taken_or_told_of(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let told = root.put(PLACE, &[(START + 1, "in time"), (START + 3 * HOUR, "ahead")]).await.unwrap();
    let rejected = told.rejected_log_events_info.unwrap();
    assert_eq!(rejected.too_new_log_event_start_index, Some(1));
    assert_eq!(told.next_sequence_token.unwrap().len(), 56);
    let told = root.put(PLACE, &[(START - 15 * DAY - 1, "old"), (START - 14 * DAY, "just")]).await;
    let (code, _) = refused(told);
    assert_eq!(code, "InvalidParameterException", "they are more than a day apart");
    let told = root.put(PLACE, &[(START - 14 * DAY - 1, "old"), (START - 14 * DAY, "just")]).await.unwrap();
    assert_eq!(told.rejected_log_events_info.unwrap().too_old_log_event_end_index, Some(1));
    root.retain("g", 3).await.unwrap();
    let told = root.put(PLACE, &[(START - 3 * DAY - 1, "gone"), (START - 3 * DAY, "kept")]).await.unwrap();
    assert_eq!(told.rejected_log_events_info.unwrap().expired_log_event_end_index, Some(1));
    let none = root.put(PLACE, &[(START - 15 * DAY, "old")]).await.unwrap();
    assert_eq!(none.rejected_log_events_info.unwrap().too_old_log_event_end_index, Some(1));
    assert_eq!(root.texts(PLACE).await.unwrap(), ["kept", "in time"]);
}

async fn a_batch_has_its_bounds(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let (_, text) = refused(root.put(PLACE, &[(START, "a"), (START - 1, "b")]).await);
    assert_eq!(text, "Log events in a single PutLogEvents request must be in chronological order.");
    let (_, text) = refused(root.put(PLACE, &[(START - DAY - 1, "a"), (START, "b")]).await);
    assert_eq!(
        text,
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
    );
    let most = "x".repeat(1_048_550);
    let (_, text) = refused(root.put(PLACE, &[(START, &format!("{most}x"))]).await);
    assert_eq!(text, "Log event too large: 1048577 bytes exceeds limit of 1048576");
    let (_, text) = refused(root.put(PLACE, &[(START, &most), (START, "y")]).await);
    assert_eq!(text, "Upload too large: 1048603 bytes exceeds limit of 1048576");
    root.put(PLACE, &[(START, &most)]).await.unwrap();
    assert_eq!(root.texts(PLACE).await.unwrap()[0].len(), most.len());
    assert_eq!(refused(root.put(("g", "t"), &[(START, "x")]).await).0, "ResourceNotFoundException");
}

async fn a_full_batch_is_read_back(database: &TestDatabase) {
    let lab = lab(database).await;
    let root = lab.root();
    let texts: Vec<_> = (0..10_000).map(|number| format!("event {number}")).collect();
    let events: Vec<_> = texts.iter().map(|text| (START, text.as_str())).collect();
    root.put(PLACE, &events).await.unwrap();
    assert_eq!(root.texts(PLACE).await.unwrap(), texts, "of one moment the first stays the first");
}
