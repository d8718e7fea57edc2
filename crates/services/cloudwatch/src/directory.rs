//! All alarms in memory: they are looked at every minute, and few of them change in one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use strongroom_store::{Db, News, RowMac, StoreError};
use tokio::sync::Mutex;

use crate::domain::alarm::Alarm;
use crate::domain::home::Home;
use crate::repo;

/// Alarms read at once.
const PAGE: u32 = 1_000;

/// The alarms of one account and Region, by name.
pub(crate) type Alarms = BTreeMap<String, Arc<Alarm>>;

/// All alarms.
pub(crate) type All = BTreeMap<Home, Arc<Alarms>>;

/// What is known of all alarms, brought up to date by whoever asks.
pub(crate) struct Directory {
    db: Db,
    mac: RowMac,
    kept: Mutex<Arc<All>>,
    changes: Arc<Lock<Changes>>,
}

/// What has changed since the directory was last asked.
#[derive(Default)]
struct Changes {
    everything: bool,
    alarms: BTreeSet<(Home, String)>,
}

impl Directory {
    /// The alarms in `db`, none of them read yet.
    pub(crate) fn new(db: Db, mac: RowMac) -> Self {
        let changes = Arc::new(Lock::new(Changes { everything: true, alarms: BTreeSet::new() }));
        let told = changes.clone();
        db.feed().on(repo::alarms::ALARMS, move |news| {
            let mut changes = lock(&told);
            match news {
                News::Changed(arn) => match Home::parse_alarm_arn(arn) {
                    Some((home, name)) => drop(changes.alarms.insert((home, name.to_owned()))),
                    None => changes.everything = true,
                },
                News::Anything => changes.everything = true,
            }
        });
        Self { db, mac, kept: Mutex::default(), changes }
    }

    /// An alarm has changed, and the change is committed.
    pub(crate) fn changed(&self, home: Home, name: &str) {
        lock(&self.changes).alarms.insert((home, name.to_owned()));
    }

    /// Anything may have changed.
    pub(crate) fn forget(&self) {
        lock(&self.changes).everything = true;
    }

    /// All alarms as they are now.
    pub(crate) async fn all(&self) -> Result<Arc<All>, StoreError> {
        let mut kept = self.kept.lock().await;
        let changes = std::mem::take(&mut *lock(&self.changes));
        let outcome = self.bring_up(&mut kept, &changes).await;
        if outcome.is_err() {
            // What was not read is still to be read.
            let mut later = lock(&self.changes);
            later.everything |= changes.everything;
            later.alarms.extend(changes.alarms);
        }
        outcome.map(|()| kept.clone())
    }

    /// The alarms of an account and Region.
    pub(crate) async fn of(&self, home: &Home) -> Result<Arc<Alarms>, StoreError> {
        Ok(self.all().await?.get(home).cloned().unwrap_or_default())
    }

    async fn bring_up(&self, kept: &mut Arc<All>, changes: &Changes) -> Result<(), StoreError> {
        if changes.everything {
            *kept = Arc::new(self.read_all().await?);
            return Ok(());
        }
        for (home, name) in &changes.alarms {
            let found = repo::alarms::find(&self.db, &self.mac, home, name).await;
            let all = Arc::make_mut(kept);
            let alarms = Arc::make_mut(all.entry(*home).or_default());
            match found {
                Ok(Some(alarm)) => drop(alarms.insert(name.clone(), Arc::new(alarm))),
                Ok(None) => drop(alarms.remove(name)),
                Err(error @ (StoreError::Corrupt { .. } | StoreError::Column { .. })) => {
                    tracing::error!(%error, "an alarm cannot be read, and is not looked at");
                    alarms.remove(name);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn read_all(&self) -> Result<All, StoreError> {
        let mut all: BTreeMap<Home, Alarms> = BTreeMap::new();
        let mut after = None;
        loop {
            let (alarms, last) = repo::alarms::list_all(&self.db, &self.mac, after.as_ref(), PAGE).await?;
            for alarm in alarms {
                all.entry(alarm.home).or_default().insert(alarm.name.clone(), Arc::new(alarm));
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(all.into_iter().map(|(home, alarms)| (home, Arc::new(alarms))).collect()),
            }
        }
    }
}

fn lock(changes: &Lock<Changes>) -> MutexGuard<'_, Changes> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}
