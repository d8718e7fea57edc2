//! kill -9 in the middle of everything, again and again: what was acknowledged is there, once, and recorded.
//!
//! Every client has keys of its own and knows to the last call what they must be like. After each kill, the
//! server shows all that it has: what was acknowledged, and of the one change of each client that was under
//! way all or nothing. The clock moves too, so that keys rotate and are deleted by themselves in between. In
//! the end, the journal must say of every change that was made, once.
//!
//! `STRONGROOM_CRASH_ROUNDS` sets the number of rounds (default 20), `STRONGROOM_CRASH_SEED` repeats a run's
//! choices.

mod change;
mod found;
mod key;
mod reckoning;
mod recorded;
mod worker;

use std::io::Write as _;
use std::ops::Range;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use found::{Clock, Found};
use recorded::Recorded;
use worker::{Moves, Worker};

use crate::choices::Choices;
use crate::client::Client;
use crate::program::{PATIENCE, Place, Program};

/// Clients at the same time.
const CLIENTS: usize = 6;

/// How often in a run the journal is verified before its end: each time all of it is read.
const AUDITS: u64 = 50;

/// Calls that are acknowledged in a round before the server is killed.
const CALLS: Range<u64> = 1..100;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = number("STRONGROOM_CRASH_ROUNDS").unwrap_or(20);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("STRONGROOM_CRASH_SEED").unwrap_or(now.as_nanos() as u64);
    tell(&format!("kill -9, {rounds} rounds: STRONGROOM_CRASH_SEED={seed}"));

    let place = Place::new();
    let mut choices = Choices::new(seed);
    let worker = |number| Worker::new(number, Choices::new(choices.next(0..u64::MAX)));
    let mut workers: Vec<_> = (0..CLIENTS).map(worker).collect();
    let mut checked = Checked::default();
    for round in 0..rounds {
        let context = format!("seed {seed}, round {round}");
        let program = place.start();
        checked.check(&mut program.client(), &mut workers, &context);
        kill_at_work(program, &mut workers, choices.next(CALLS) as usize);
        if round % rounds.div_ceil(AUDITS) == 0 {
            let (intact, said) = place.verify_audit();
            assert!(intact, "{context}: {said}");
        }
    }
    let context = format!("seed {seed}, at the end");
    let program = place.start();
    let mut client = program.client();
    checked.check(&mut client, &mut workers, &context);
    for worker in &mut workers {
        worker.revive(&mut client);
    }
    let mut all_again = Checked { clock: checked.clock, ..Checked::default() };
    all_again.check(&mut client, &mut workers, &context);
    program.stop();
    let recorded = Recorded::read(&place, &context);
    recorded.compare(&workers, &context);
    let (intact, said) = place.verify_audit();
    assert!(intact, "{context}: {said}");
    let calls: usize = workers.iter().map(|worker| worker.acknowledged.len()).sum();
    tell(&format!(
        "kill -9, {rounds} rounds: {calls} calls acknowledged ({recorded}), nothing lost: seed {seed}"
    ));
}

/// How far the checks have come.
#[derive(Default)]
struct Checked {
    /// How far the clock was ahead, in seconds.
    clock: u64,
    /// Ciphertexts of each worker.
    ciphertexts: [usize; CLIENTS],
}

impl Checked {
    /// Looks for everything that the workers know, and at the ciphertexts that are new.
    fn check(&mut self, client: &mut Client, workers: &mut [Worker], context: &str) {
        let moves = workers.iter_mut().map(|worker| std::mem::take(&mut worker.clock));
        let (mut least, mut most) = (self.clock, self.clock);
        for Moves { acknowledged, in_flight } in moves {
            least += acknowledged;
            most += acknowledged + in_flight;
        }
        self.clock = Clock::read(client).unwrap().ahead_s;
        assert!((least..=most).contains(&self.clock), "{context}: {least} <= {} <= {most}", self.clock);

        let found = Found::at(client);
        for description in found.keys.keys() {
            assert!(workers.iter().any(|worker| worker.owns(description)), "{context}: {description}");
        }
        for (worker, from) in workers.iter_mut().zip(&mut self.ciphertexts) {
            worker.compare(&found, context);
            worker.decrypt(client, *from, context);
            *from = worker.ciphertexts.len();
        }
    }
}

/// Has everyone work, and kills the server as soon as it has acknowledged so many calls.
fn kill_at_work(program: Program, workers: &mut [Worker], calls: usize) {
    let address = program.address;
    let (sender, told) = channel();
    thread::scope(|scope| {
        for worker in workers {
            let sender = sender.clone();
            scope.spawn(move || worker.work(address, &sender));
        }
        drop(sender);
        for _ in 0..calls {
            told.recv_timeout(PATIENCE).unwrap();
        }
        program.kill();
        told.iter().for_each(drop);
    });
}

/// Says something even if the test passes: a run can be repeated only by who knows its seed.
pub(crate) fn tell(text: &str) {
    // Past the harness, which keeps what a passing test prints to itself.
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}
