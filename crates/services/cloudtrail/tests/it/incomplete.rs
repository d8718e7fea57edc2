//! Files of which the journal does not show everything any more when they are to be made.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_api_cloudtrail::{CloudTrail as _, GetTrailStatusRequest};
use strongroom_deriving::Followed as _;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::REGION;
use crate::world::{HOUR, MINUTE, World};

const STREAM: &str = "111122223333_CloudTrail_us-east-1";
const DAY: i64 = 24 * HOUR;

on_both_engines! {
    what_the_journal_does_not_show_is_waited_for,
    what_is_never_shown_again_keeps_nothing_else_back_for_ever,
    a_log_group_waits_for_it_too,
}

fn segment(folder: &Path) -> PathBuf {
    let stream = fs::read_dir(folder.join("journal")).unwrap().find_map(|entry| {
        let path = entry.unwrap().path().join("000001.seg");
        path.exists().then_some(path)
    });
    stream.unwrap()
}

/// Changes a byte of the last frame, or changes it back.
fn alter(folder: &Path) {
    let segment = segment(folder);
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.windows(4).rposition(|window| window == b"SRJF").unwrap();
    bytes[last + 150] ^= 1;
    // In place: the journal has the file open.
    let file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes[last + 150..=last + 150], last as u64 + 150)
        .unwrap();
}

async fn last_error(world: &World) -> Option<String> {
    let status = GetTrailStatusRequest { name: "Trail".to_owned() };
    world.cloudtrail.get_trail_status(&world.context(REGION), status).await.unwrap().latest_delivery_error
}

async fn what_the_journal_does_not_show_is_waited_for(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let ids = world.calls(1, 3).await;
    world.deliveries.catch_up().await.unwrap();
    alter(folder.path());
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), Vec::<String>::new());
    assert_eq!(last_error(&world).await.as_deref(), Some("InternalError"));
    assert!(world.deliveries.progress().damaged > 0);
    alter(folder.path());
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!((world.bucket.event_ids(), last_error(&world).await), (ids, None));
}

async fn what_is_never_shown_again_keeps_nothing_else_back_for_ever(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |input| input.enable_log_file_validation = Some(false)).await;
    let ids = world.calls(1, 3).await;
    world.deliveries.catch_up().await.unwrap();
    alter(folder.path());
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), Vec::<String>::new());
    // CloudTrail tries for thirty days.
    world.pass(31 * DAY);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), ids[..2]);
}

async fn a_log_group_waits_for_it_too(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", crate::log_events::to_logs).await;
    let ids = world.calls(1, 3).await;
    world.deliveries.catch_up().await.unwrap();
    alter(folder.path());
    world.pass(5_000);
    world.settle().await;
    assert_eq!(world.bucket.logs.event_ids(STREAM), Vec::<String>::new());
    alter(folder.path());
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.logs.event_ids(STREAM), ids);
}
