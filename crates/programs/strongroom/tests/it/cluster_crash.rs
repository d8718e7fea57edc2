//! kill -9 of HSMs and of the server in the middle of everything: what was acknowledged is there, once, and every
//! HSM says the same.
//!
//! Every client has users and keys of its own and knows to the last call what they must be like. In each round,
//! HSMs, the server, or all of them are killed while the clients work; then everything comes back by itself, and
//! every HSM, asked alone, must show what was acknowledged, and of the one change of each client that was under
//! way all or nothing. Keys must sign as before, and passwords let in. As long as two of three HSMs and the server
//! are there, no client may notice anything.
//!
//! `STRONGROOM_CRASH_ROUNDS` sets the number of rounds (default 10), `STRONGROOM_CRASH_SEED` repeats a run's
//! choices.

mod change;
#[path = "../../benches/rig/cluster.rs"]
pub(crate) mod cluster;
mod fleet;
mod hsm;
#[path = "../../benches/rig/http.rs"]
pub(crate) mod http;
mod loss;
mod model;
#[path = "../../benches/rig/processes.rs"]
pub(crate) mod processes;
mod worker;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::{Blow, Fleet};
use model::Shown;
use worker::Worker;

use crate::choices::Choices;
use crate::crash::tell;
use crate::program::PATIENCE;

/// Clients at the same time.
const CLIENTS: usize = 4;

/// Calls that are acknowledged in a round before something is killed, and afterwards.
const BEFORE: Range<u64> = 1..40;
const AFTER: Range<u64> = 1..20;

/// How long a moment is, in milliseconds, between a call that is acknowledged and the blow.
const MOMENT_MS: Range<u64> = 0..20;

#[test]
fn clusters_lose_nothing_and_agree_whatever_is_killed() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = number("STRONGROOM_CRASH_ROUNDS").unwrap_or(10);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("STRONGROOM_CRASH_SEED").unwrap_or(now.as_nanos() as u64);
    tell(&format!("kill -9 of HSMs and server, {rounds} rounds: STRONGROOM_CRASH_SEED={seed}"));

    let mut choices = Choices::new(seed);
    let mut fleet = Fleet::start();
    let worker = |number| Worker::new(number, Choices::new(choices.next(0..u64::MAX)), &fleet);
    let mut workers: Vec<_> = (0..CLIENTS).map(worker).collect();
    for round in 0..rounds {
        let blow = Blow::choose(&mut choices);
        let context = format!("seed {seed}, round {round}, {blow:?}");
        let counts = [choices.next(BEFORE), choices.next(AFTER)];
        let moment = Duration::from_millis(choices.next(MOMENT_MS));
        strike(&mut fleet, &mut workers, &blow, counts, moment);
        if !blow.is_felt() {
            for worker in &workers {
                assert_eq!(worker.trouble(), None, "{context}: a client noticed it");
            }
        }
        check(&fleet, &mut workers, &mut choices, &context);
    }
    let context = format!("seed {seed}, at the end");
    check_everywhere(&fleet, &workers, &context);
    let total = |count: fn(&Worker) -> u64| workers.iter().map(count).sum::<u64>();
    let (changes, uses) = (total(|worker| worker.changes), total(|worker| worker.uses));
    let made = total(|worker| worker.cleared_up[0]);
    let not_made = total(|worker| worker.cleared_up[1]);
    fleet.end(&context);
    tell(&format!(
        "kill -9 of HSMs and server, {rounds} rounds: {changes} changes and {uses} signatures acknowledged, of those \
         in doubt {made} were made and {not_made} not, nothing lost: seed {seed}"
    ));
}

/// Has everyone work, strikes in the middle of it, and lets them work on until enough is acknowledged again.
fn strike(fleet: &mut Fleet, workers: &mut [Worker], blow: &Blow, counts: [u64; 2], moment: Duration) {
    let enough = AtomicBool::new(false);
    let (sender, told) = channel();
    thread::scope(|scope| {
        for worker in workers {
            let (sender, enough) = (sender.clone(), &enough);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) && worker.act() {
                    // Whoever listens may have heard enough.
                    let _ = sender.send(());
                }
            });
        }
        drop(sender);
        let hear = |count| {
            for _ in 0..count {
                match told.recv_timeout(PATIENCE) {
                    Ok(()) => {}
                    // Everyone is in doubt about something.
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => panic!("no client gets anything done"),
                }
            }
        };
        let [before, after] = counts;
        hear(before);
        thread::sleep(moment);
        fleet.strike(blow);
        hear(after);
        enough.store(true, Ordering::Relaxed);
    });
}

/// Looks at every HSM for everything that the workers know, and has their keys and new passwords used at one.
fn check(fleet: &Fleet, workers: &mut [Worker], choices: &mut Choices, context: &str) {
    let mut hsms = fleet.settled(workers.iter().flat_map(Worker::cursors));
    let shown: Vec<_> = hsms.iter_mut().map(|hsm| (hsm.id.clone(), hsm.show())).collect();
    let (first, shown_first) = &shown[0];
    for (other, shown_other) in &shown[1..] {
        assert_eq!(shown_other, shown_first, "{context}: {other} and {first} do not agree");
    }
    shown_first.assert_known(context);
    for worker in workers {
        let hsm = choices.next(0..hsms.len() as u64) as usize;
        worker.compare(shown_first, &mut hsms[hsm], context);
    }
}

/// Has every key and every password used at every HSM.
fn check_everywhere(fleet: &Fleet, workers: &[Worker], context: &str) {
    for hsm in &mut fleet.settled(workers.iter().flat_map(Worker::cursors)) {
        let shown: Shown = hsm.show();
        for worker in workers {
            worker.assert_shown(&shown, context);
            worker.use_keys(hsm, context);
            worker.use_passwords(hsm, context);
        }
    }
}
