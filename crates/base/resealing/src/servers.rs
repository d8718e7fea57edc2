//! The servers on one PostgreSQL: what each says of the root keys that it has. On SQLite there is one.
//!
//! No two clocks are compared. Each server counts for itself for how long it has sealed under its root key, and counts only
//! while it runs; whether another still runs is seen from whether what it says changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_crypto::{hex, random};
use strongroom_runtime::Stopwatch;
use strongroom_seal::{Epoch, Root};
use strongroom_store::{Db, Engine};

use crate::{ResealingError, known};

/// Before a server's name: the newest epoch that it has and the one in which it seals, 4 bytes each, then a number that is
/// another each time, 8 bytes; since format 2 also for how many milliseconds it has sealed in that epoch, 8 bytes, and the
/// check value of its newest root key, 32 bytes. Numbers are big-endian.
const SERVER: &str = "seal.server.";
/// A server that has said nothing for so long does not run, or does not reach the store.
const SILENT: Duration = Duration::from_mins(1);
/// After so long its name is taken out, and no transaction that it began can still commit.
const GONE: Duration = Duration::from_hours(1);
/// Between two looks no more time is counted: who was paused has not watched anybody meanwhile.
const LONGEST_STEP: Duration = Duration::from_secs(15);

/// This server among the others. Clones are the same server.
#[derive(Clone)]
pub struct Servers {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    name: String,
    own: Mutex<Sealing>,
    seen: Mutex<HashMap<String, Seen>>,
    is_left_behind: AtomicBool,
}

/// In which epoch this server seals, and for how long it has.
struct Sealing {
    epoch: Epoch,
    counted: Counted,
    said: u64,
}

/// Time that was counted while the process ran.
struct Counted {
    time: Duration,
    last: Stopwatch,
}

impl Counted {
    fn from_now() -> Self {
        Self { time: Duration::ZERO, last: Stopwatch::start() }
    }

    fn count(&mut self) -> Duration {
        self.time = self.time.saturating_add(self.last.elapsed().min(LONGEST_STEP));
        self.last = Stopwatch::start();
        self.time
    }
}

/// What another server said last, and for how long that has been all.
struct Seen {
    said: Vec<u8>,
    silent: Counted,
}

/// What one of the servers says.
pub(crate) struct Report {
    newest: Epoch,
    current: Epoch,
    sealing_for: Duration,
    check: Option<Vec<u8>>,
}

impl Servers {
    /// Brings the root to where the store is ([`known::settle`]), and has the others know of this server before it reads
    /// anything: from then on no root key comes into use that it does not have, and none goes that it may use. `name` stays
    /// the same when the server starts again; without one it gets one.
    pub async fn join(db: &Db, root: &Root, name: Option<&str>) -> Result<Self, ResealingError> {
        let servers = Self::new(db.clone(), name.map(str::to_owned))?;
        known::settle(db, root).await?;
        servers.report(root).await?;
        // What came into use before others could see this server.
        servers.keep_up(root).await?;
        servers.report(root).await?;
        Ok(servers)
    }

    pub(crate) fn new(db: Db, name: Option<String>) -> Result<Self, ResealingError> {
        let number = random::bytes::<8>().map_err(strongroom_seal::SealError::from)?;
        let name = format!("{SERVER}{}", name.unwrap_or_else(|| hex::encode(&number)));
        let own =
            Sealing { epoch: Epoch::new(0), counted: Counted::from_now(), said: u64::from_be_bytes(number) };
        let inner = Inner {
            db,
            name,
            own: Mutex::new(own),
            seen: Mutex::default(),
            is_left_behind: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the store has gone on under a root key that this server cannot get: what it would seal, nobody could open.
    #[must_use]
    pub fn is_left_behind(&self) -> bool {
        self.inner.is_left_behind.load(Ordering::Relaxed)
    }

    /// Brings the root to where the store is, and takes over what is offered.
    pub(crate) async fn keep_up(&self, root: &Root) -> Result<(), ResealingError> {
        let db = &self.inner.db;
        let settled = known::settle(db, root).await;
        match &settled {
            Ok(()) => self.inner.is_left_behind.store(false, Ordering::Relaxed),
            Err(ResealingError::LeftBehind { .. } | ResealingError::WrongSeal) => {
                self.inner.is_left_behind.store(true, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        settled?;
        // Also in the place of a root key of our own of that number, which nobody else has.
        if let Some(next) = root.current_epoch().next()
            && let Some(handed) = known::handover(db, next).await?
        {
            root.take_over(next, &handed)?;
        }
        Ok(())
    }

    /// Counts for how long this server has sealed in its epoch.
    pub(crate) fn sealing_for(&self, root: &Root) -> Duration {
        let mut own = self.inner.own.lock().unwrap_or_else(PoisonError::into_inner);
        let current = root.current_epoch();
        if own.epoch != current {
            (own.epoch, own.counted) = (current, Counted::from_now());
        }
        own.counted.count()
    }

    /// Says which root key is the newest here, and in which epoch this server seals and for how long it has.
    pub(crate) async fn report(&self, root: &Root) -> Result<(), ResealingError> {
        if self.inner.db.engine() != Engine::Postgres {
            return Ok(());
        }
        let sealing_for = u64::try_from(self.sealing_for(root).as_millis()).unwrap_or(u64::MAX);
        let number = {
            let mut own = self.inner.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.said = own.said.wrapping_add(1);
            own.said
        };
        let newest = root.newest_epoch();
        let check = root.check_value_of(newest);
        let said = [
            newest.number().to_be_bytes().as_slice(),
            &root.current_epoch().number().to_be_bytes(),
            &number.to_be_bytes(),
            &sealing_for.to_be_bytes(),
            check.as_ref().map_or(&[], |check| check.as_bytes().as_slice()),
        ]
        .concat();
        self.inner.db.meta_set(&self.inner.name, &said).await?;
        Ok(())
    }

    /// Takes the name out: the server has stopped, and nothing that it began can still commit.
    pub async fn leave(&self) -> Result<(), ResealingError> {
        if self.inner.db.engine() == Engine::Postgres {
            self.inner.db.meta_remove(&self.inner.name).await?;
        }
        Ok(())
    }

    /// How many other servers that run do not have that root key yet.
    pub(crate) async fn without(&self, epoch: Epoch, check: &[u8]) -> Result<usize, ResealingError> {
        let others = self.look().await?;
        let lacks = |report: &Report| {
            report.newest < epoch
                || report.newest == epoch && report.check.as_ref().is_some_and(|other| other != check)
        };
        let missing = |(report, silent): &(Report, Duration)| *silent < SILENT && lacks(report);
        Ok(others.iter().filter(|other| missing(other)).count())
    }

    /// How many other servers have not sealed under the root key of `epoch`, or a newer one, for all of `grace`.
    pub(crate) async fn may_be_before(&self, epoch: Epoch, grace: Duration) -> Result<usize, ResealingError> {
        let others = self.look().await?;
        let behind = |report: &Report| report.current < epoch || report.sealing_for < grace;
        Ok(others.iter().filter(|(report, _)| behind(report)).count())
    }

    /// What the others say, and for how long they have said nothing else. Those that are long gone are taken out.
    pub(crate) async fn look(&self) -> Result<Vec<(Report, Duration)>, ResealingError> {
        if self.inner.db.engine() != Engine::Postgres {
            return Ok(Vec::new());
        }
        let listed = self.inner.db.meta_list(SERVER).await?;
        let (mut others, mut gone) = (Vec::new(), Vec::new());
        {
            let mut seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.retain(|name, _| listed.iter().any(|(listed, _)| listed == name));
            for (name, said) in listed {
                if name == self.inner.name {
                    continue;
                }
                let report = read(&said);
                let seen = seen
                    .entry(name.clone())
                    .or_insert_with(|| Seen { said: said.clone(), silent: Counted::from_now() });
                if seen.said != said {
                    *seen = Seen { said, silent: Counted::from_now() };
                }
                let silent = seen.silent.count();
                if silent > GONE {
                    gone.push(name);
                } else {
                    others.push((report, silent));
                }
            }
        }
        for name in gone {
            self.inner.db.meta_remove(&name).await?;
        }
        Ok(others)
    }
}

/// What is not understood is of a server that has nothing yet: it is waited for.
fn read(said: &[u8]) -> Report {
    let number = |from: usize| {
        let bytes = said.get(from..from.checked_add(4)?)?;
        Some(Epoch::new(u32::from_be_bytes(bytes.try_into().ok()?)))
    };
    let sealing_for = said.get(16..24).and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
    Report {
        newest: number(0).unwrap_or(Epoch::new(0)),
        current: number(4).unwrap_or(Epoch::new(0)),
        sealing_for: Duration::from_millis(sealing_for.unwrap_or_default()),
        check: said.get(24..56).map(<[u8]>::to_vec),
    }
}
