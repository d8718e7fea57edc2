//! Calls whose end nobody sees: the caller hangs up, or the server stops, while the change is being committed.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use strongroom_testkit::{TestDatabase, on_both_engines};

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
        // What is under way in the database is over when the next change is.
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
