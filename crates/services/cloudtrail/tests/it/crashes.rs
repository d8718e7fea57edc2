//! Servers that end at any moment: each record is in one file, once, and digests chain.

use std::sync::Arc;

use strongroom_runtime::Agenda as _;
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use crate::bucket::{Bucket, Hang};
use crate::fixture::NOW;
use crate::world::{MINUTE, OneKey, World, open};

/// Starts of a server, each of which ends in the middle of something.
const STARTS: u8 = 120;

#[test]
fn a_record_is_in_one_file_whatever_stops() {
    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let (db, bucket) = (open(&database).await, Arc::new(Bucket::default()));
        let (mut ids, mut now_ms) = (Vec::new(), NOW);
        for start in 0..STARTS {
            let world = World::start(&db, folder.path(), bucket.clone(), now_ms, OneKey::default()).await;
            if start == 0 {
                world.trail("Trail", |_| ()).await;
            }
            ids.extend(world.calls(start + 1, 3).await);
            if start % 3 != 0 {
                world.deliveries.catch_up().await.unwrap();
            }
            world.pass(7 * MINUTE);
            bucket.hang(if start % 2 == 0 { Hang::Before } else { Hang::After });
            // Until a put hangs: of a file, or of a digest.
            tokio::select! {
                () = world.settle() => {}
                () = bucket.hanging.notified() => {}
            }
            now_ms = world.now();
            drop(world);
        }
        let world = World::start(&db, folder.path(), bucket.clone(), now_ms, OneKey::default()).await;
        world.pass(20 * MINUTE);
        bucket.hang_nowhere();
        world.settle().await;
        assert_eq!(
            world.deliveries.first(1).await.unwrap().iter().filter(|due| due.id.starts_with("file/")).count(),
            0
        );
        ids.sort();
        assert_eq!(bucket.event_ids(), ids);
        // What was put twice was the same.
        assert_eq!(bucket.changed(), std::collections::BTreeSet::new());
    });
}
