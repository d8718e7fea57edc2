//! Order, failures, settling, pauses, the loop.

use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::{Agenda, Clocks, ManualTime, Scheduler, ShutdownOwner};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::diary::{Deed, Diary, Log, PassingTime};

const PATIENCE: Duration = Duration::from_secs(5);

/// Two agendas, `a` before `b`, at domain time 0.
struct Rig {
    time: Arc<ManualTime>,
    log: Log,
    a: Arc<Diary>,
    b: Arc<Diary>,
    scheduler: Scheduler,
}

fn rig() -> Rig {
    let time = Arc::new(ManualTime::at(0));
    let log = Log::default();
    let (a, b) = (Diary::new("a", &log), Diary::new("b", &log));
    let scheduler = Scheduler::new(Clocks::new(time.clone(), 0), agendas(&a, &b));
    Rig { time, log, a, b, scheduler }
}

fn agendas(a: &Arc<Diary>, b: &Arc<Diary>) -> Vec<Arc<dyn Agenda>> {
    vec![a.clone(), b.clone()]
}

#[tokio::test(start_paused = true)]
async fn items_go_by_time_then_agenda_then_id_and_later_ones_wait() {
    let Rig { time, log, a, b, scheduler } = rig();
    b.add(10, "second", Deed::Once);
    b.add(5, "first", Deed::Once);
    a.add(10, "y", Deed::Once);
    a.add(10, "x", Deed::Once);
    a.add(21, "later", Deed::Once);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), [""; 0], "nothing is due yet");

    time.set(20);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["b first@5", "a x@10", "a y@10", "b second@10"]);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_time_goes_through_every_period_in_its_order() {
    let Rig { time, log, a, b, scheduler } = rig();
    a.add(100, "rotate", Deed::Every(100));
    b.add(250, "delete", Deed::Once);
    time.set(420);
    assert!(scheduler.settle(PATIENCE).await);
    let expected = ["a rotate@100", "a rotate@200", "b delete@250", "a rotate@300", "a rotate@400"];
    assert_eq!(log.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_fails_is_put_off_and_holds_up_nobody() {
    let Rig { time, log, a, b, scheduler } = rig();
    a.add(1, "bad", Deed::Fail);
    a.add(2, "worse", Deed::Fail);
    a.add(3, "good", Deed::Once);
    b.add(4, "good", Deed::Once);
    time.set(10);
    let begun = Instant::now();
    assert!(!scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["a bad@1", "a worse@2", "a good@3", "b good@4"]);
    assert_eq!(begun.elapsed(), Duration::ZERO, "settling does not wait for what was put off");

    a.add(1, "bad", Deed::Once);
    assert!(!scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["a bad@1", "a worse@2"], "each settling tries once more");
    a.add(2, "worse", Deed::Once);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["a worse@2"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_says_it_is_done_and_stays_counts_as_failed() {
    let Rig { log, a, scheduler, .. } = rig();
    a.add(0, "sticky", Deed::Stay);
    a.add(0, "tame", Deed::Once);
    assert!(!scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["a sticky@0", "a tame@0"]);
}

#[tokio::test(start_paused = true)]
async fn more_failures_than_can_be_put_off_make_the_agenda_rest_but_not_the_others() {
    let Rig { log, a, b, scheduler, .. } = rig();
    for number in 0..1_010 {
        a.add(-1, &format!("{number:04}"), Deed::Fail);
    }
    b.add(0, "good", Deed::Once);
    assert!(!scheduler.settle(PATIENCE).await);
    let done = log.take();
    assert_eq!((done.len(), done.last().unwrap().as_str()), (1_002, "b good@0"));
    assert_eq!(a.most_asked(), 1_001);
}

#[tokio::test(start_paused = true)]
async fn an_agenda_that_cannot_be_read_rests() {
    let Rig { log, a, b, scheduler, .. } = rig();
    a.add(0, "hidden", Deed::Once);
    b.add(0, "seen", Deed::Once);
    a.set_unreadable(true);
    assert!(!scheduler.settle(PATIENCE).await, "nobody knows what is due");
    assert_eq!(log.take(), ["a unreadable", "b seen@0"]);

    a.set_unreadable(false);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["a hidden@0"]);
}

#[tokio::test(start_paused = true)]
async fn settling_waits_for_the_item_at_hand_but_no_longer_than_its_patience() {
    let Rig { log, a, scheduler, .. } = rig();
    let permits = Arc::new(Semaphore::new(0));
    a.add(0, "slow", Deed::Wait(permits.clone()));
    let begun = Instant::now();
    assert!(!scheduler.settle(PATIENCE).await);
    assert_eq!((log.take(), begun.elapsed()), (vec!["a slow@0".to_owned()], PATIENCE));

    let (settled, ()) = tokio::join!(scheduler.settle(PATIENCE), async {
        sleep(Duration::from_secs(1)).await;
        permits.add_permits(1);
    });
    // Nobody waited for it any more, and it was neither dropped half-way nor begun again.
    assert!(settled);
    assert_eq!(log.take(), ["a slow finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_the_item_at_hand_and_keeps_the_next_from_beginning() {
    let Rig { log, a, b, scheduler, .. } = rig();
    let permits = Arc::new(Semaphore::new(0));
    a.add(0, "slow", Deed::Wait(permits.clone()));
    b.add(0, "next", Deed::Once);
    let owner = ShutdownOwner::new();
    owner.handle().spawn(scheduler.run(owner.handle()));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(log.take(), ["a slow@0"]);
    let (pause, ()) = tokio::join!(scheduler.pause(), async {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(log.take(), [""; 0]);
        permits.add_permits(1);
    });
    assert_eq!(log.take(), ["a slow finished"]);
    assert!(!scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), [""; 0]);

    drop(pause);
    assert!(scheduler.settle(PATIENCE).await);
    assert_eq!(log.take(), ["b next@0"]);
    assert!(owner.finish(PATIENCE).await);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_pause_makes_the_loop_look_anew() {
    let Rig { log, a, scheduler, .. } = rig();
    let owner = ShutdownOwner::new();
    owner.handle().spawn(scheduler.run(owner.handle()));
    sleep(Duration::from_secs(1)).await;
    let pause = scheduler.pause().await;
    a.add(0, "new", Deed::Once);
    drop(pause);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(log.take(), ["a new@0"]);
    assert!(owner.finish(PATIENCE).await);
}

#[tokio::test(start_paused = true)]
async fn the_loop_does_things_at_their_moments_and_hears_of_changes() {
    let start = Instant::now();
    let clocks = Clocks::new(Arc::new(PassingTime(start)), 0);
    let log = Log::default();
    let (a, b) = (Diary::new("a", &log), Diary::new("b", &log));
    let scheduler = Scheduler::new(clocks.clone(), agendas(&a, &b));
    a.add(2_500, "rotate", Deed::Every(30_000));
    let owner = ShutdownOwner::new();
    owner.handle().spawn(scheduler.run(owner.handle()));
    sleep(Duration::from_secs(33)).await;
    assert_eq!(log.times(start), [2_500, 32_500]);

    // Told, it looks at once; not told, within ten seconds.
    log.take();
    b.add(0, "told", Deed::Once);
    scheduler.waker().wake();
    sleep(Duration::from_secs(1)).await;
    b.add(0, "untold", Deed::Once);
    sleep(Duration::from_secs(10)).await;
    let times = log.times(start);
    assert_eq!((times.len(), times[0]), (2, 33_000));
    assert!((34_000..=44_000).contains(&times[1]), "{times:?}");
    log.take();

    clocks.advance(60_000);
    scheduler.waker().wake();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(log.take(), ["a rotate@62500", "a rotate@92500"]);
    assert!(owner.finish(PATIENCE).await);
}

#[tokio::test(start_paused = true)]
async fn the_loop_tries_what_failed_again_after_longer_and_longer_pauses() {
    let Rig { log, a, scheduler, .. } = rig();
    a.add(0, "bad", Deed::Fail);
    let owner = ShutdownOwner::new();
    let start = Instant::now();
    owner.handle().spawn(scheduler.run(owner.handle()));
    sleep(Duration::from_secs(250)).await;
    let seconds: Vec<_> = log.times(start).into_iter().map(|ms| ms / 1_000).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert!(owner.finish(PATIENCE).await);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_item_at_hand_finish_and_begins_no_other() {
    let Rig { log, a, b, scheduler, .. } = rig();
    let permits = Arc::new(Semaphore::new(0));
    a.add(0, "slow", Deed::Wait(permits.clone()));
    b.add(0, "next", Deed::Once);
    let owner = ShutdownOwner::new();
    owner.handle().spawn(scheduler.run(owner.handle()));
    sleep(Duration::from_secs(1)).await;
    let (stopped, ()) = tokio::join!(owner.finish(PATIENCE), async {
        sleep(Duration::from_secs(1)).await;
        permits.add_permits(1);
    });
    assert!(stopped);
    assert_eq!(log.take(), ["a slow@0", "a slow finished"]);
}
