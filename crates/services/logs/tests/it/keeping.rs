//! What is kept no longer is gone for readers at once, and from the disk within the hour.

use strongroom_api_logs::{CloudWatchLogs as _, DescribeLogStreamsRequest};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, HOUR, Lab, MINUTE, START, refused};

on_both_engines! {
    events_go_when_their_time_has_passed,
    what_is_deleted_leaves_nothing,
    a_server_that_does_not_stay_removes_what_is_due,
    the_first_event_is_the_first_that_is_there,
}

const EVENTS: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_events");
const STORED: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_stored");
const KEYS: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_data_keys");
const STREAMS: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_streams");
const LEAVINGS: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_leavings");

async fn count(lab: &Lab, statement: Statement) -> i64 {
    lab.db.query_one(statement, &[]).await.unwrap().i64("found").unwrap()
}

async fn events_go_when_their_time_has_passed(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    for group in ["kept", "forever"] {
        root.create(group).await.unwrap();
        root.stream(group, "s").await.unwrap();
        let texts: Vec<_> = (0..2_500).map(|number| format!("{number:04}")).collect();
        let events: Vec<_> = texts.iter().map(|text| (START, text.as_str())).collect();
        root.put((group, "s"), &events).await.unwrap();
        root.put((group, "s"), &[(START + HOUR, "later")]).await.unwrap();
    }
    root.retain("kept", 1).await.unwrap();
    lab.wait(DAY + 1);
    assert_eq!(root.texts(("kept", "s")).await.unwrap(), ["later"], "they are gone at once");
    assert_eq!(root.group("kept").await.stored_bytes, Some(10_005), "from the disk they go later");
    lab.pass(HOUR - 1).await;
    assert_eq!(root.group("kept").await.stored_bytes, Some(5));
    assert_eq!(root.group("forever").await.stored_bytes, Some(10_005));
    assert_eq!(count(&lab, EVENTS).await, 2_502);
    // A longer time brings nothing back.
    root.retain("kept", 3).await.unwrap();
    assert_eq!(root.texts(("kept", "s")).await.unwrap(), ["later"]);
    lab.pass(3 * DAY).await;
    assert_eq!(root.group("kept").await.stored_bytes, Some(0));
}

async fn what_is_deleted_leaves_nothing(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.create("h").await.unwrap();
    for place in [("g", "s"), ("h", "s"), ("h", "t")] {
        root.stream(place.0, place.1).await.unwrap();
        root.put(place, &[(START, "x")]).await.unwrap();
    }
    assert_eq!(count(&lab, KEYS).await, 2);
    root.delete("g").await.unwrap();
    root.create("g").await.unwrap();
    assert_eq!(
        refused(root.texts(("g", "s")).await).0,
        "ResourceNotFoundException",
        "it has none of its namesake's"
    );
    root.delete("g").await.unwrap();
    root.delete_stream("h", "s").await.unwrap();
    assert_eq!(count(&lab, KEYS).await, 1, "without its key nothing of the group is readable any more");
    assert_eq!(root.group("h").await.stored_bytes, Some(2));
    lab.pass(HOUR).await;
    assert_eq!((count(&lab, EVENTS).await, count(&lab, STORED).await), (1, 1));
    assert_eq!(count(&lab, STREAMS).await, 1);
    assert_eq!(root.group("h").await.stored_bytes, Some(1));
    lab.pass(HOUR).await;
    assert_eq!(count(&lab, LEAVINGS).await, 0, "it is gone through again, and then forgotten");
    assert_eq!(root.texts(("h", "t")).await.unwrap(), ["x"]);
}

async fn a_server_that_does_not_stay_removes_what_is_due(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.stream("g", "s").await.unwrap();
    root.put(("g", "s"), &[(START, "x")]).await.unwrap();
    root.delete("g").await.unwrap();
    assert_eq!(count(&lab, EVENTS).await, 1);
    lab.pass(MINUTE).await;
    assert_eq!(count(&lab, EVENTS).await, 0);
}

async fn the_first_event_is_the_first_that_is_there(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.retain("g", 1).await.unwrap();
    for stream in ["all-go", "some-go"] {
        root.stream("g", stream).await.unwrap();
        root.put(("g", stream), &[(START, "x"), (START + 1, "y")]).await.unwrap();
    }
    root.put(("g", "some-go"), &[(START + HOUR, "later")]).await.unwrap();
    lab.pass(DAY + HOUR).await;
    let times = async |name: &str| {
        let input = DescribeLogStreamsRequest {
            log_group_name: Some("g".to_owned()),
            log_stream_name_prefix: Some(name.to_owned()),
            ..Default::default()
        };
        let found = lab.logs.describe_log_streams(&root.context(), input).await.unwrap();
        let stream = found.log_streams.unwrap().remove(0);
        (stream.first_event_timestamp, stream.last_event_timestamp)
    };
    assert_eq!(times("some-go").await, (Some(START + HOUR), Some(START + HOUR)));
    assert_eq!(times("all-go").await, (None, Some(START + 1)), "when it was last written to stays");
    let now = lab.now();
    root.put(("g", "all-go"), &[(now, "z")]).await.unwrap();
    assert_eq!(times("all-go").await, (Some(now), Some(now)));
}
