//! A store that lies: it shows each HSM a log of its own and changes these logs as it likes. What never happens:
//! an entry is applied that no HSM made for that place and past; HSMs that were led apart agree again; a client is
//! served by an HSM that does not have all that the client has seen; an HSM goes on after it halted.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use strongroom_crypto::digest::sha256;
use strongroom_hsm_cluster::entry::{Header, genesis};
use strongroom_hsm_cluster::{Admit, ClusterError, Halt, SealedEntry};

use crate::cluster::{Hsm, NOW, Store, cluster, command, effects, found, partition};

const HSMS: usize = 3;
const CLIENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A client writes at an HSM.
    Write {
        client: usize,
        hsm: usize,
    },
    /// A client asks an HSM.
    Read {
        client: usize,
        hsm: usize,
    },
    Sync {
        hsm: usize,
    },
    Crash {
        hsm: usize,
    },
    Turn {
        hsm: usize,
    },
    /// An HSM is shown the log of another from now on.
    Show {
        hsm: usize,
        of: usize,
    },
    Truncate {
        hsm: usize,
        by: usize,
    },
    Drop {
        hsm: usize,
        at: usize,
    },
    Swap {
        hsm: usize,
        at: usize,
        with: usize,
    },
    /// An entry from anywhere, of any time, any epoch, is put in a place, or between.
    Replay {
        hsm: usize,
        at: usize,
        old: usize,
        insert: bool,
    },
    Flip {
        hsm: usize,
        at: usize,
        byte: usize,
        bit: u8,
    },
    /// The store is given an HSM's state.
    Snapshot {
        hsm: usize,
    },
    /// An HSM is given any of these, of any time and branch, perhaps changed.
    CatchUp {
        hsm: usize,
        which: usize,
        flip: Option<usize>,
    },
    /// The store says that an append was done and forgets the entry.
    Forget {
        client: usize,
        hsm: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (hsm, client, at) = (0..HSMS, 0..CLIENTS, 0_usize..100);
    prop_oneof![
        12 => (client.clone(), hsm.clone()).prop_map(|(client, hsm)| Step::Write { client, hsm }),
        8 => (client.clone(), hsm.clone()).prop_map(|(client, hsm)| Step::Read { client, hsm }),
        4 => hsm.clone().prop_map(|hsm| Step::Sync { hsm }),
        1 => hsm.clone().prop_map(|hsm| Step::Crash { hsm }),
        1 => hsm.clone().prop_map(|hsm| Step::Turn { hsm }),
        4 => (hsm.clone(), hsm.clone()).prop_map(|(hsm, of)| Step::Show { hsm, of }),
        1 => (hsm.clone(), 1_usize..5).prop_map(|(hsm, by)| Step::Truncate { hsm, by }),
        1 => (hsm.clone(), at.clone()).prop_map(|(hsm, at)| Step::Drop { hsm, at }),
        1 => (hsm.clone(), at.clone(), at.clone()).prop_map(|(hsm, at, with)| Step::Swap { hsm, at, with }),
        2 => (hsm.clone(), at.clone(), at.clone(), any::<bool>())
            .prop_map(|(hsm, at, old, insert)| Step::Replay { hsm, at, old, insert }),
        1 => (hsm.clone(), at, 0_usize..400, 0_u8..8)
            .prop_map(|(hsm, at, byte, bit)| Step::Flip { hsm, at, byte, bit }),
        1 => hsm.clone().prop_map(|hsm| Step::Snapshot { hsm }),
        2 => (hsm.clone(), 0_usize..20, proptest::option::weighted(0.2, 0_usize..10_000))
            .prop_map(|(hsm, which, flip)| Step::CatchUp { hsm, which, flip }),
        1 => (client, hsm).prop_map(|(client, hsm)| Step::Forget { client, hsm }),
    ]
}

#[derive(Default)]
struct Client {
    cursor: Vec<u8>,
    seen: BTreeSet<u32>,
}

struct World {
    hsms: Vec<Hsm>,
    /// Where each HSM was last.
    heads: Vec<(u64, [u8; 32])>,
    /// What each HSM is shown.
    views: Vec<Store>,
    clients: Vec<Client>,
    /// Every entry that an HSM made: by its hash, its place and the hash before it.
    made: HashMap<[u8; 32], (u64, [u8; 32])>,
    /// All bytes that the store ever had, and some of another cluster.
    pool: Vec<Vec<u8>>,
    snapshots: Vec<Vec<u8>>,
    next: u32,
}

/// Reads the hash of the entry before.
fn made(entry: &[u8]) -> ([u8; 32], (u64, [u8; 32])) {
    let (header, _) = Header::read(entry).unwrap();
    (sha256(entry), (header.sequence, header.previous))
}

impl World {
    fn new() -> Self {
        let (store, hsms) = cluster(HSMS);
        let mut others = Store::default();
        let mut stranger = found(&mut others);
        stranger.write(&mut others, &[command(77)], NOW).unwrap();
        let snapshots = vec![stranger.replica().sealed_snapshot().unwrap()];
        let mut pool = others.entries;
        pool.extend(store.entries.iter().cloned());
        Self {
            made: store.entries.iter().map(|entry| made(entry)).collect(),
            heads: vec![(0, genesis(partition(), 1)); HSMS],
            views: vec![store; HSMS],
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            hsms,
            pool,
            snapshots,
            next: 0,
        }
    }

    fn publish(&mut self, entry: &SealedEntry) {
        let (hash, place) = made(&entry.bytes);
        self.made.insert(hash, place);
        self.pool.push(entry.bytes.clone());
    }

    /// What the HSM does when it hears of its log.
    fn sync(&mut self, hsm: usize) -> Result<(), ClusterError> {
        let synced = self.hsms[hsm].sync(&mut self.views[hsm]).map(|_| ());
        self.check_history(hsm);
        synced
    }

    /// Shows the client's cursor; whether the HSM serves it.
    fn admitted(&mut self, client: usize, hsm: usize) -> bool {
        for _ in 0..2 {
            match self.hsms[hsm].replica().admit(&self.clients[client].cursor) {
                Ok(Admit::Served) => {
                    let diary = self.hsms[hsm].diary();
                    for number in &self.clients[client].seen {
                        assert_eq!(diary.count(&effects(*number)), 1, "served without command {number}");
                    }
                    return true;
                }
                Ok(Admit::Behind(_)) => {
                    if self.sync(hsm).is_err() {
                        return false;
                    }
                }
                Ok(Admit::Forked) => {
                    self.hsms[hsm].halt = self.hsms[hsm].replica().halted().cloned();
                    self.hsms[hsm].write_checkpoint();
                    return false;
                }
                Ok(Admit::Disputed | Admit::Expired) | Err(_) => return false,
            }
        }
        false
    }

    /// The client has its answer.
    fn answered(&mut self, client: usize, hsm: usize, numbers: impl IntoIterator<Item = u32>) {
        self.clients[client].cursor = self.hsms[hsm].replica().cursor().unwrap();
        self.clients[client].seen.extend(numbers);
    }

    fn write(&mut self, client: usize, hsm: usize, forget: bool) {
        if !self.admitted(client, hsm) || self.sync(hsm).is_err() {
            return;
        }
        self.next += 1;
        let (number, replica) = (self.next, self.hsms[hsm].replica());
        let entry = replica.propose(&[command(number)], NOW).unwrap().entry.unwrap();
        self.publish(&entry);
        assert!(self.views[hsm].append(&entry));
        let progress = self.hsms[hsm].replica().appended();
        assert_eq!(self.hsms[hsm].persist(progress).unwrap().applied, 1);
        if forget {
            self.views[hsm].entries.pop();
        }
        self.answered(client, hsm, [number]);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Write { client, hsm } => self.write(client, hsm, false),
            Step::Forget { client, hsm } => self.write(client, hsm, true),
            Step::Read { client, hsm } => {
                if self.admitted(client, hsm) {
                    let diary = self.hsms[hsm].diary();
                    let there: Vec<_> = (1..=self.next).filter(|n| diary.count(&effects(*n)) > 0).collect();
                    self.answered(client, hsm, there);
                }
            }
            Step::Sync { hsm } => {
                let _found_out = self.sync(hsm);
            }
            Step::Crash { hsm } => {
                self.hsms[hsm].crash(0);
                self.hsms[hsm].restart();
            }
            Step::Turn { hsm } => {
                if self.sync(hsm).is_ok() {
                    let entry = self.hsms[hsm].replica().propose_turn(NOW).unwrap();
                    self.publish(&entry);
                    assert!(self.hsms[hsm].append(&mut self.views[hsm], &entry).unwrap());
                }
            }
            Step::Show { hsm, of } => self.views[hsm] = self.views[of].clone(),
            Step::Snapshot { hsm } => {
                self.snapshots.extend(self.hsms[hsm].replica().sealed_snapshot());
            }
            Step::CatchUp { hsm, which, flip } => {
                let mut snapshot = self.snapshots[which % self.snapshots.len()].clone();
                if let Some(flip) = flip {
                    let length = snapshot.len();
                    snapshot[flip % length] ^= 1;
                }
                let before = self.hsms[hsm].replica().digest();
                match self.hsms[hsm].replica().catch_up(&snapshot) {
                    Ok(()) => {
                        assert_eq!(flip, None, "a changed snapshot was taken");
                        self.hsms[hsm].write_checkpoint();
                    }
                    Err(error) => {
                        assert_eq!(self.hsms[hsm].replica().digest(), before);
                        if let ClusterError::Halted(halt) = error {
                            self.hsms[hsm].halt = Some(halt);
                            self.hsms[hsm].write_checkpoint();
                        }
                    }
                }
            }
            Step::Truncate { hsm, by } => {
                let entries = &mut self.views[hsm].entries;
                entries.truncate(entries.len().saturating_sub(by));
            }
            Step::Drop { hsm, at } => {
                if let Some(at) = self.place(hsm, at) {
                    self.views[hsm].entries.remove(at);
                }
            }
            Step::Swap { hsm, at, with } => {
                if let (Some(at), Some(with)) = (self.place(hsm, at), self.place(hsm, with)) {
                    self.views[hsm].entries.swap(at, with);
                }
            }
            Step::Replay { hsm, at, old, insert } => {
                let entry = self.pool[old % self.pool.len()].clone();
                match self.place(hsm, at) {
                    Some(at) if insert => self.views[hsm].entries.insert(at, entry),
                    Some(at) => self.views[hsm].entries[at] = entry,
                    None => self.views[hsm].entries.push(entry),
                }
            }
            Step::Flip { hsm, at, byte, bit } => {
                if let Some(at) = self.place(hsm, at) {
                    let entry = &mut self.views[hsm].entries[at];
                    let byte = byte % entry.len();
                    entry[byte] ^= 1 << bit;
                }
            }
        }
    }

    /// A place in the view of an HSM; the later ones, which it may not have yet, are likelier.
    fn place(&self, hsm: usize, at: usize) -> Option<usize> {
        let length = self.views[hsm].entries.len();
        (length > 0).then(|| length - 1 - (at % length.min(4)))
    }

    /// All that the HSM has was made by HSMs, each entry on the one before; and it has all that it had.
    fn check_history(&mut self, hsm: usize) {
        let head = self.hsms[hsm].replica().head();
        let (mut sequence, mut hash) = (head.sequence, head.hash);
        let (last, before) = self.heads[hsm];
        assert!(sequence >= last, "an HSM went back");
        while sequence > 0 {
            assert!(sequence != last || hash == before, "an HSM left its past");
            let (place, previous) = self.made.get(&hash).expect("an entry that no HSM made");
            assert_eq!(*place, sequence);
            (sequence, hash) = (sequence - 1, *previous);
        }
        self.heads[hsm] = (head.sequence, head.hash);
    }

    /// Equal heads are equal histories, and whoever has the same command in different places is led apart.
    fn check(&mut self) {
        for hsm in 0..HSMS {
            self.check_history(hsm);
            let halt = self.hsms[hsm].halt.clone();
            let replica = self.hsms[hsm].replica();
            if let Some(halt) = halt {
                assert_eq!(replica.halted(), Some(&halt), "an HSM went on by itself");
                assert_eq!(replica.cursor(), Err(ClusterError::Halted(halt)));
            }
            for other in 0..hsm {
                let one = self.hsms[hsm].replica.as_ref().unwrap();
                let two = self.hsms[other].replica.as_ref().unwrap();
                let shorter = one.machine().lines.len().min(two.machine().lines.len());
                let apart = one.machine().lines[..shorter] != two.machine().lines[..shorter];
                if one.head() == two.head() {
                    assert_eq!(one.digest(), two.digest());
                }
                assert!(!apart || one.head().hash != two.head().hash, "HSMs led apart agree again");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_lying_store_is_found_out(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
    }
}

/// The plainest attack, step by step: two HSMs, two logs, two clients, and a third client that would see both.
#[test]
fn two_branches_never_meet() {
    let (mut store, mut hsms) = cluster(2);
    let mut branch = store.clone();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    hsms[1].write(&mut branch, &[command(2)], NOW).unwrap();
    let cursors = [hsms[0].replica().cursor().unwrap(), hsms[1].replica().cursor().unwrap()];

    let sequence = store.last();
    let mut witness = hsms.remove(1);
    assert_eq!(witness.replica().admit(&cursors[1]), Ok(Admit::Served));
    assert_eq!(witness.replica().admit(&cursors[0]), Ok(Admit::Forked));
    let still = ClusterError::Halted(Halt::Forked { sequence });
    assert_eq!(witness.replica().admit(&cursors[1]), Err(still.clone()));
    assert_eq!(witness.sync(&mut store).map(|_| ()), Err(still));
}
