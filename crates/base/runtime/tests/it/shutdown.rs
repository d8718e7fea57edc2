//! Everyone hears of a shutdown, and it waits for everyone, but not for ever.

use std::future::pending;
use std::time::Duration;

use strongroom_runtime::ShutdownOwner;
use tokio::sync::oneshot;

#[tokio::test]
async fn tasks_hear_of_it_and_are_waited_for() {
    let owner = ShutdownOwner::new();
    let shutdown = owner.handle();
    let (tell, told) = oneshot::channel();
    let heard = shutdown.clone();
    shutdown.spawn(async move {
        let before = heard.has_begun();
        heard.begun().await;
        tell.send((before, heard.has_begun())).unwrap();
    });
    assert!(!shutdown.has_begun());
    tokio::task::yield_now().await;
    assert!(owner.finish(Duration::from_mins(1)).await);
    assert_eq!(told.await, Ok((false, true)));
    assert!(shutdown.has_begun());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_not_waited_for_for_ever() {
    let owner = ShutdownOwner::new();
    owner.handle().spawn(pending());
    assert!(!owner.finish(Duration::from_mins(1)).await);
}
