//! Calls whose end nobody sees: the caller hangs up, or the server stops, while the change is being committed.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use strongroom_store::{Engine, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::time::{sleep, timeout};

use crate::fixture::World;

on_both_engines! { an_object_is_the_old_or_the_new_whenever_its_writing_ends }

/// More than a call is polled.
const MOST_POLLS: usize = 2_000;

/// Polls a future so often and no more.
async fn polled<T>(future: impl Future<Output = T>, mut times: usize) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(None);
        }
        times -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Connections on which somebody else is in the middle of something.
const AT_WORK: Statement = Statement::new(
    "SELECT CAST(state AS TEXT) AS state, CAST(query AS TEXT) AS query FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' \
     AND backend_type = 'client backend'",
);

/// More than anything that was left in the middle takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until whatever was left in the middle is over. On SQLite it is when the next change is; PostgreSQL may commit
/// while others change something else.
async fn nothing_is_under_way(world: &World) {
    if world.db.engine() != Engine::Postgres {
        return;
    }
    let mut seen = None;
    let over = async {
        while let Some(one) = world.db.query(AT_WORK, &[]).await.unwrap().first() {
            seen = Some((one.text("state").unwrap(), one.text("query").unwrap()));
            sleep(PAUSE).await;
        }
    };
    let in_time = timeout(PATIENCE, over).await.is_ok();
    assert!(in_time, "after {PATIENCE:?} there is still, by state and query: {seen:?}");
}

/// The last of these calls end when the database has committed and the call has not heard of it.
async fn an_object_is_the_old_or_the_new_whenever_its_writing_ends(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("interrupted").await;
    owner.put("interrupted", "k", b"first").await.unwrap();
    let mut there = b"first".to_vec();
    for polls in 1..MOST_POLLS {
        let new = format!("after {polls}").into_bytes();
        let is_whole = polled(owner.put("interrupted", "k", &new), polls).await.is_some();
        nothing_is_under_way(&world).await;
        owner.put("interrupted", "another", b"x").await.unwrap();
        let got = owner.get("interrupted", "k").await.unwrap();
        assert!(got == there || got == new, "{polls}");
        there = got;
        if is_whole {
            assert_eq!(there, new);
            return;
        }
    }
    panic!("the call does not end");
}
