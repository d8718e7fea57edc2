//! An honest store, HSMs that crash at any moment, clients that try again: all agree, nothing acknowledged is
//! lost, everything takes effect once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_hsm_cluster::{Event, Own};

use crate::cluster::{Hsm, NOW, Store, assert_agreement, cluster, command, effects, identity, join_as};

/// What happens next; numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A client has an HSM do a command; a low number is likely one that was tried before.
    Write {
        hsm: usize,
        number: u32,
    },
    /// As above, but the HSM crashes when the entry is in the store and the answer is not there yet.
    CrashAfterAppend {
        hsm: usize,
        number: u32,
    },
    /// As above, but the HSM crashes while it persists, so many bytes before the end.
    CrashWhilePersisting {
        hsm: usize,
        number: u32,
        torn: usize,
    },
    /// The HSM proposes, and another entry comes first.
    LoseRace {
        hsm: usize,
        winner: usize,
        number: u32,
    },
    Crash {
        hsm: usize,
    },
    Sync {
        hsm: usize,
    },
    Checkpoint {
        hsm: usize,
    },
    /// A digest that all compare, then compaction.
    Snapshot {
        hsm: usize,
        compact: bool,
    },
    Turn {
        hsm: usize,
    },
    Join {
        hsm: usize,
    },
    Leave {
        hsm: usize,
        leaver: usize,
    },
    /// The store comes back as it was some entries ago.
    OldDump {
        lost: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (hsm, number) = (0_usize..8, 0_u32..20);
    prop_oneof![
        8 => (hsm.clone(), number.clone()).prop_map(|(hsm, number)| Step::Write { hsm, number }),
        3 => (hsm.clone(), number.clone()).prop_map(|(hsm, number)| Step::CrashAfterAppend { hsm, number }),
        3 => (hsm.clone(), number.clone(), 0_usize..400)
            .prop_map(|(hsm, number, torn)| Step::CrashWhilePersisting { hsm, number, torn }),
        3 => (hsm.clone(), hsm.clone(), number)
            .prop_map(|(hsm, winner, number)| Step::LoseRace { hsm, winner, number }),
        2 => hsm.clone().prop_map(|hsm| Step::Crash { hsm }),
        2 => hsm.clone().prop_map(|hsm| Step::Sync { hsm }),
        1 => hsm.clone().prop_map(|hsm| Step::Checkpoint { hsm }),
        1 => (hsm.clone(), any::<bool>()).prop_map(|(hsm, compact)| Step::Snapshot { hsm, compact }),
        1 => hsm.clone().prop_map(|hsm| Step::Turn { hsm }),
        1 => hsm.clone().prop_map(|hsm| Step::Join { hsm }),
        1 => (hsm.clone(), hsm).prop_map(|(hsm, leaver)| Step::Leave { hsm, leaver }),
        1 => (1_u64..8).prop_map(|lost| Step::OldDump { lost }),
    ]
}

struct World {
    store: Store,
    hsms: Vec<Hsm>,
    /// The first replies of acknowledged commands.
    acknowledged: BTreeMap<u32, Vec<u8>>,
    joined: usize,
    time_ms: i64,
}

impl World {
    fn new() -> Self {
        let (store, hsms) = cluster(3);
        Self { store, hsms, acknowledged: BTreeMap::new(), joined: 3, time_ms: NOW }
    }

    /// The HSM, running.
    fn index(&mut self, hsm: usize) -> usize {
        let index = hsm % self.hsms.len();
        if self.hsms[index].replica.is_none() {
            self.hsms[index].restart();
        }
        index
    }

    /// Replays until the HSM has all; its files then cover everything.
    fn synced(&mut self, hsm: usize) -> usize {
        let index = self.index(hsm);
        self.hsms[index].sync(&mut self.store).unwrap();
        index
    }

    fn acknowledge(&mut self, number: u32, reply: &[u8]) {
        let first = self.acknowledged.entry(number).or_insert_with(|| reply.to_vec());
        assert_eq!(*first, reply, "a retry gets the first reply");
    }

    fn write(&mut self, index: usize, number: u32) {
        // A plan that is made anew may come out otherwise; only the first one counts.
        let mut planned = command(number);
        planned.reply = format!("reply {number} at {index} when {}", self.time_ms).into_bytes();
        let replies = self.hsms[index].write(&mut self.store, &[planned], self.time_ms).unwrap();
        self.acknowledge(number, &replies[0]);
    }

    fn take(&mut self, step: Step) {
        self.time_ms += 7;
        match step {
            Step::Write { hsm, number } => {
                let index = self.index(hsm);
                self.write(index, number);
            }
            Step::CrashAfterAppend { hsm, number } => {
                let index = self.synced(hsm);
                let proposed = self.hsms[index].replica().propose(&[command(number)], self.time_ms).unwrap();
                if let Some(entry) = proposed.entry {
                    assert!(self.store.append(&entry));
                }
                self.hsms[index].crash(0);
            }
            Step::CrashWhilePersisting { hsm, number, torn } => {
                let index = self.synced(hsm);
                let hsm = &mut self.hsms[index];
                let proposed = hsm.replica().propose(&[command(number)], self.time_ms).unwrap();
                let Some(entry) = proposed.entry else { return };
                assert!(self.store.append(&entry));
                let progress = hsm.replica().appended().unwrap();
                assert_eq!(progress.own, Some(Own::Landed));
                let written = progress.persist.len().saturating_sub(torn);
                hsm.tail.extend_from_slice(&progress.persist[..written]);
                hsm.crash(0);
            }
            Step::LoseRace { hsm, winner, number } => {
                let index = self.synced(hsm);
                let winner = self.synced(winner);
                let proposed = self.hsms[index].replica().propose(&[command(number)], self.time_ms).unwrap();
                if index == winner {
                    return;
                }
                self.write(winner, number);
                if let Some(entry) = proposed.entry {
                    assert!(!self.hsms[index].append(&mut self.store, &entry).unwrap());
                }
                self.write(index, number);
            }
            Step::Crash { hsm } => {
                let index = self.index(hsm);
                self.hsms[index].crash(0);
            }
            Step::Sync { hsm } => {
                self.synced(hsm);
            }
            Step::Checkpoint { hsm } => {
                let index = self.index(hsm);
                self.hsms[index].write_checkpoint();
            }
            Step::Snapshot { hsm, compact } => self.snapshot(hsm, compact),
            Step::Turn { hsm } => {
                let index = self.synced(hsm);
                let entry = self.hsms[index].replica().propose_turn(self.time_ms).unwrap();
                assert!(self.hsms[index].append(&mut self.store, &entry).unwrap());
            }
            Step::Join { hsm } => {
                if self.hsms.len() < 5 {
                    let index = self.synced(hsm);
                    self.joined += 1;
                    let name = format!("hsm-{}", self.joined);
                    let joined = join_as(&mut self.store, &mut self.hsms[index], identity(&name));
                    self.hsms.push(joined);
                }
            }
            Step::Leave { hsm, leaver } => self.leave(hsm, leaver),
            Step::OldDump { lost } => self.old_dump(lost),
        }
    }

    fn sync_all(&mut self) {
        for index in 0..self.hsms.len() {
            self.synced(index);
        }
    }

    fn snapshot(&mut self, hsm: usize, compact: bool) {
        let index = self.synced(hsm);
        let entry = self.hsms[index].replica().propose_snapshot(self.time_ms).unwrap();
        let progress = {
            assert!(self.store.append(&entry));
            let progress = self.hsms[index].replica().appended();
            self.hsms[index].persist(progress).unwrap()
        };
        assert_eq!(progress.events, [Event::SnapshotVerified { sequence: entry.sequence }]);
        if compact {
            let snapshot = self.hsms[index].replica().sealed_snapshot().unwrap();
            self.store.compact(entry.sequence, snapshot);
        }
    }

    fn leave(&mut self, hsm: usize, leaver: usize) {
        let index = self.synced(hsm);
        let leaver = leaver % self.hsms.len();
        if leaver == index || self.hsms.len() < 3 {
            return;
        }
        // What only the leaver has must not be lost with it: a real one is asked to stop first.
        self.synced(leaver);
        let name = self.hsms[leaver].replica().id().clone();
        let entry = self.hsms[index].replica().propose_leave(&name, self.time_ms).unwrap();
        assert!(self.hsms[index].append(&mut self.store, &entry).unwrap());
        self.hsms.remove(leaver);
    }

    /// The store loses entries that all HSMs have, and the HSMs give them back.
    fn old_dump(&mut self, lost: u64) {
        self.sync_all();
        // So many as the first one to come still has; one that came by a snapshot has few.
        let tails = self.hsms.iter().map(|hsm| hsm.kept);
        let Some((index, kept)) = tails.enumerate().min_by_key(|(_, kept)| *kept) else { return };
        let last = (self.store.last() - lost.min(self.store.last())).max(kept).max(self.store.before);
        self.store.truncate(last);
        self.synced(index);
    }

    /// All is well.
    fn check(mut self) {
        self.sync_all();
        self.snapshot(0, false);
        self.sync_all();
        assert_agreement(&mut self.hsms);
        for hsm in &self.hsms {
            for number in 0..20 {
                let times = hsm.diary().count(&effects(number));
                assert!(times <= 1, "command {number} took effect {times} times");
                assert!(times == 1 || !self.acknowledged.contains_key(&number), "command {number} was lost");
            }
            assert!(hsm.diary().lines.is_sorted_by_key(|(time, _)| *time));
            assert_eq!(hsm.diary().epochs, self.hsms[0].diary().epochs);
            assert_eq!(hsm.diary().newest_key, self.hsms[0].diary().newest_key);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn replicas_agree_and_lose_nothing(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.check();
    }
}
