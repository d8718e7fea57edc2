//! HSMs with files of their own around a store that can be made to misbehave.

use strongroom_hsm_cluster::{
    ClusterError, Command, Event, Extent, Founding, Halt, Identity, JoinRequest, MemberId, MemberSecret, Own,
    PartitionId, Progress, Replica, SealedEntry, Standing,
};
use strongroom_secret::Key256;

use crate::machine::Diary;

pub(crate) const DEVICE_ROOT: &[u8] = b"the manufacturer's root";
pub(crate) const FLEET_HALF: [u8; 32] = [0xf1; 32];
pub(crate) const NOW: i64 = 1_800_000_000_000;

pub(crate) fn partition() -> PartitionId {
    PartitionId::named("cluster-1")
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity {
        member: MemberId::new(name).unwrap(),
        secret: MemberSecret::generate().unwrap(),
        device_chain: format!("device of {name}").into_bytes(),
        supports: 1,
    }
}

pub(crate) fn founding() -> Founding {
    Founding {
        partition: partition(),
        device_root: DEVICE_ROOT.to_vec(),
        fleet_half: Key256::new(FLEET_HALF),
        level: 1,
        effects: b"founded".to_vec(),
    }
}

/// A command whose id, effects and reply follow from a number.
pub(crate) fn command(number: u32) -> Command {
    let mut id = [0xc0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Command { id, effects: effects(number), reply: format!("reply {number}").into_bytes() }
}

pub(crate) fn effects(number: u32) -> Vec<u8> {
    format!("effect {number}").into_bytes()
}

/// The store: entries by place, the first of them possibly compacted away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) before: u64,
    pub(crate) entries: Vec<Vec<u8>>,
    /// The snapshot that stands for what was compacted away.
    pub(crate) snapshot: Option<Vec<u8>>,
}

impl Store {
    pub(crate) fn last(&self) -> u64 {
        self.before + self.entries.len() as u64
    }

    pub(crate) fn extent(&self) -> Extent {
        let first = if self.last() == 0 { 0 } else { self.before + 1 };
        Extent { first, last: self.last() }
    }

    /// Appends, if the place is the next one; an empty store takes any place.
    pub(crate) fn append(&mut self, entry: &SealedEntry) -> bool {
        if self.last() == 0 {
            self.before = entry.sequence - 1;
        }
        let next = self.last() + 1 == entry.sequence;
        if next {
            self.entries.push(entry.bytes.clone());
        }
        next
    }

    pub(crate) fn from(&self, sequence: u64) -> &[Vec<u8>] {
        let skip = (sequence - 1).saturating_sub(self.before) as usize;
        &self.entries[skip.min(self.entries.len())..]
    }

    pub(crate) fn at(&self, sequence: u64) -> &[u8] {
        &self.from(sequence)[0]
    }

    pub(crate) fn truncate(&mut self, last: u64) {
        self.entries.truncate((last - self.before) as usize);
    }

    pub(crate) fn compact(&mut self, before: u64, snapshot: Vec<u8>) {
        self.entries.drain(..(before - 1 - self.before) as usize);
        self.before = before - 1;
        self.snapshot = Some(snapshot);
    }
}

/// What catching up brought.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    pub(crate) applied: u64,
    pub(crate) own: Option<Own>,
    pub(crate) events: Vec<Event>,
}

/// An HSM: a replica while it runs, and files.
#[derive(Debug)]
pub(crate) struct Hsm {
    pub(crate) replica: Option<Replica<Diary>>,
    pub(crate) checkpoint: Vec<u8>,
    pub(crate) tail: Vec<u8>,
    pub(crate) device_key: Key256,
    /// What it halted for.
    pub(crate) halt: Option<Halt>,
    /// It can give entries after this place back to the store.
    pub(crate) kept: u64,
}

impl Hsm {
    pub(crate) fn new(replica: Replica<Diary>) -> Self {
        let mut hsm = Self {
            replica: Some(replica),
            checkpoint: Vec::new(),
            tail: Vec::new(),
            device_key: Key256::new([0xd0; 32]),
            halt: None,
            kept: 0,
        };
        hsm.kept = hsm.replica().head().sequence;
        hsm.write_checkpoint();
        hsm
    }

    pub(crate) fn write_checkpoint(&mut self) {
        let key = self.device_key.clone();
        self.checkpoint = self.replica().checkpoint(&key).unwrap();
        self.tail.clear();
    }

    pub(crate) fn replica(&mut self) -> &mut Replica<Diary> {
        self.replica.as_mut().expect("the HSM runs")
    }

    pub(crate) fn diary(&self) -> &Diary {
        self.replica.as_ref().expect("the HSM runs").machine()
    }

    /// Persists what a call brought, or what it found wrong.
    pub(crate) fn persist(
        &mut self,
        progress: Result<Progress, ClusterError>,
    ) -> Result<Progress, ClusterError> {
        match &progress {
            Ok(progress) => {
                self.tail.extend_from_slice(&progress.persist);
                if self.replica().checkpoint_due() {
                    self.write_checkpoint();
                }
            }
            Err(ClusterError::Halted(halt)) => {
                self.halt = Some(halt.clone());
                self.write_checkpoint();
            }
            Err(_) => {}
        }
        progress
    }

    /// Loses what is in memory, and the last bytes of the tail that were not on the disk yet.
    pub(crate) fn crash(&mut self, torn: usize) {
        self.replica = None;
        self.tail.truncate(self.tail.len().saturating_sub(torn));
    }

    pub(crate) fn restart(&mut self) {
        self.restart_as(1);
    }

    pub(crate) fn restart_as(&mut self, supports: u32) {
        let (replica, recovered) =
            Replica::recover(&self.device_key, &self.checkpoint, &self.tail, supports, Diary::default())
                .unwrap();
        assert_eq!(replica.head(), recovered.head);
        self.tail.truncate(self.tail.len() - recovered.torn);
        self.replica = Some(replica);
    }

    /// Catches up with the store, and gives back to it what it lost.
    pub(crate) fn sync(&mut self, store: &mut Store) -> Result<Synced, ClusterError> {
        let mut all = Synced::default();
        loop {
            let standing = match self.replica().observe(store.extent()) {
                Err(ClusterError::NeedsSnapshot { .. }) => {
                    let snapshot = store.snapshot.clone().expect("a compacted store has a snapshot");
                    self.replica().catch_up(&snapshot)?;
                    self.write_checkpoint();
                    self.kept = self.replica().head().sequence;
                    continue;
                }
                Err(error) => return self.persist(Err(error)).map(|_| all),
                Ok(standing) => standing,
            };
            let progress = match standing {
                Standing::Level => return Ok(all),
                Standing::Behind { from } => self.replica().replay(from, store.from(from)),
                Standing::Ahead { verify, entries } => {
                    let checked = if verify > store.before {
                        let junction = [store.at(verify).to_vec()];
                        self.replica().replay(verify, &junction)
                    } else {
                        Ok(Progress::default())
                    };
                    let _checked = self.persist(checked)?;
                    for entry in entries {
                        assert!(store.append(&entry));
                    }
                    continue;
                }
            };
            let progress = self.persist(progress)?;
            all.applied += progress.applied;
            all.own = all.own.or(progress.own);
            all.events.extend(progress.events);
        }
    }

    /// Appends the entry under way and applies it. False: another was there first, and was replayed.
    pub(crate) fn append(&mut self, store: &mut Store, entry: &SealedEntry) -> Result<bool, ClusterError> {
        if store.append(entry) {
            let progress = self.replica().appended();
            let progress = self.persist(progress)?;
            assert_eq!(progress.own, Some(Own::Landed));
            Ok(true)
        } else {
            let progress = self.sync(store)?;
            Ok(progress.own == Some(Own::Landed))
        }
    }

    /// Writes commands; gives the replies.
    pub(crate) fn write(
        &mut self,
        store: &mut Store,
        commands: &[Command],
        now_ms: i64,
    ) -> Result<Vec<Vec<u8>>, ClusterError> {
        self.sync(store)?;
        let proposed = self.replica().propose(commands, now_ms)?;
        assert_eq!(proposed.taken, commands.len());
        if let Some(entry) = proposed.entry {
            assert!(self.append(store, &entry)?, "nobody else writes just now");
        }
        let reply = |command: &Command| self.replica.as_ref()?.known(&command.id).map(<[u8]>::to_vec);
        Ok(commands.iter().map(|command| reply(command).unwrap()).collect())
    }
}

/// Founds the cluster with one HSM.
pub(crate) fn found(store: &mut Store) -> Hsm {
    let (replica, entry) = Replica::found(identity("hsm-1"), founding(), Diary::default(), NOW).unwrap();
    let mut hsm = Hsm::new(replica);
    assert!(hsm.append(store, &entry).unwrap());
    hsm
}

/// Lets an HSM join through `member`.
pub(crate) fn join(store: &mut Store, member: &mut Hsm, name: &str) -> Hsm {
    join_as(store, member, identity(name))
}

pub(crate) fn join_as(store: &mut Store, member: &mut Hsm, joiner: Identity) -> Hsm {
    let request = JoinRequest::new(&joiner, partition(), |_| Ok(b"signature".to_vec())).unwrap();
    let invitation = loop {
        member.sync(store).unwrap();
        let admission = member.replica().propose_join(&request, NOW, |_, root| root == DEVICE_ROOT).unwrap();
        if member.append(store, &admission.entry).unwrap() {
            break admission.invitation;
        }
    };
    let snapshot = store.snapshot.as_deref();
    let replica = Replica::join(joiner, partition(), &invitation, snapshot, Diary::default()).unwrap();
    let mut hsm = Hsm::new(replica);
    hsm.sync(store).unwrap();
    assert!(hsm.replica().is_member());
    hsm
}

/// A store with a cluster of `members` HSMs.
pub(crate) fn cluster(members: usize) -> (Store, Vec<Hsm>) {
    let mut store = Store::default();
    let mut hsms = vec![found(&mut store)];
    for number in 2..=members {
        let joined = join(&mut store, &mut hsms[0], &format!("hsm-{number}"));
        hsms.push(joined);
    }
    for hsm in &mut hsms {
        hsm.sync(&mut store).unwrap();
    }
    (store, hsms)
}

/// All HSMs have the same.
pub(crate) fn assert_agreement(hsms: &mut [Hsm]) {
    let (head, digest) = (hsms[0].replica().head(), hsms[0].replica().digest());
    for hsm in hsms {
        assert_eq!(hsm.replica().head(), head);
        assert_eq!(hsm.replica().digest(), digest);
    }
}

/// The reason for which a call halted.
pub(crate) fn halted<T: std::fmt::Debug>(result: Result<T, ClusterError>) -> Halt {
    match result {
        Err(ClusterError::Halted(halt)) => halt,
        other => panic!("not halted: {other:?}"),
    }
}
