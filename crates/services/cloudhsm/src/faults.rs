//! Faults of HSMs on demand, for whoever rehearses a failure. For development.
//!
//! What is to be wrong is kept in memory alone: a control plane that starts has HSMs that are well. The reconciler
//! holds to it as it holds to what is wanted otherwise, so a fault outlives its HSM's process and ends with the HSM.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_hsm_proto::fleet::{Fault, HsmCall, MAX_FAULT_DELAY_MS};

use crate::ControlPlane;
use crate::domain::hsm::Hsm;
use crate::error::Refusal;
use crate::fleet::pushing::at_once;
use crate::fleet::{CallError, Session};
use crate::placement::Condition;
use crate::repo;

/// HSMs that may have faults at once.
const MOST_FAULTY: usize = 64;

/// How long an HSM may take to hear what is to be wrong with it. One that stayed behind reads the log on first.
const PATIENCE: Duration = Duration::from_secs(10);

/// What people read of an HSM that is down. It is no other text than that of one that failed by itself.
const AWAY: &str = "The HSM is not connected.";

/// A fault of an HSM. One HSM may have one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HsmFault {
    /// Its process is killed, and not started again.
    Down,
    /// Its answers come late.
    Slow {
        /// By how many milliseconds: 1 to 60,000.
        delay_ms: u32,
    },
    /// It does not follow the cluster's log: it serves what it has, changes nothing, and is of no use to clients
    /// who have seen more than it has.
    Inconsistent,
}

/// Why a fault is not as it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HsmFaultError {
    /// There is no such HSM, it is not in a state for a fault, or a number is out of its range. The text says what
    /// to do.
    #[error("{0}")]
    Refused(String),
    /// The store, the placement or the HSM fails.
    #[error("the fault of an HSM cannot be brought about")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refusal> for HsmFaultError {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.into_cause())
    }
}

/// What is to be wrong with one HSM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wrongs {
    is_down: bool,
    /// What it does itself.
    own: Fault,
}

impl Wrongs {
    fn add(&mut self, fault: HsmFault) {
        match fault {
            HsmFault::Down => self.is_down = true,
            HsmFault::Slow { delay_ms } => self.own.delay_ms = delay_ms,
            HsmFault::Inconsistent => self.own.stays_behind = true,
        }
    }

    fn list(self) -> impl Iterator<Item = HsmFault> {
        let Fault { delay_ms, stays_behind } = self.own;
        let down = self.is_down.then_some(HsmFault::Down);
        let slow = (delay_ms > 0).then_some(HsmFault::Slow { delay_ms });
        let inconsistent = stays_behind.then_some(HsmFault::Inconsistent);
        down.into_iter().chain(slow).chain(inconsistent)
    }
}

/// What is to be wrong, by HSM.
#[derive(Default)]
pub(crate) struct Faults(Mutex<BTreeMap<String, Wrongs>>);

impl Faults {
    /// Whether an HSM is to be down.
    pub(crate) fn is_down(&self, hsm_id: &str) -> bool {
        self.lock().get(hsm_id).is_some_and(|wrongs| wrongs.is_down)
    }

    /// What an HSM is to do wrong itself.
    pub(crate) fn own(&self, hsm_id: &str) -> Fault {
        self.lock().get(hsm_id).map(|wrongs| wrongs.own).unwrap_or_default()
    }

    /// Forgets an HSM that is gone.
    pub(crate) fn forget(&self, hsm_id: &str) {
        self.lock().remove(hsm_id);
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Adds a fault. Answers what was wrong with the HSM before, or nothing when too many HSMs have faults.
    fn add(&self, hsm_id: &str, fault: HsmFault) -> Option<Wrongs> {
        let mut all = self.lock();
        if all.len() >= MOST_FAULTY && !all.contains_key(hsm_id) {
            return None;
        }
        let wrongs = all.entry(hsm_id.to_owned()).or_default();
        let before = *wrongs;
        wrongs.add(fault);
        Some(before)
    }

    /// Takes back what was [added](Self::add).
    fn put_back(&self, hsm_id: &str, before: Wrongs) {
        let mut all = self.lock();
        if before == Wrongs::default() {
            all.remove(hsm_id);
        } else {
            all.insert(hsm_id.to_owned(), before);
        }
    }

    fn list(&self) -> Vec<(String, HsmFault)> {
        let all = self.lock();
        all.iter().flat_map(|(id, wrongs)| wrongs.list().map(|fault| (id.clone(), fault))).collect()
    }

    /// Keeps only the faults that `keep` says. Answers the HSMs that have fewer now.
    fn retain(&self, keep: impl Fn(&str, HsmFault) -> bool) -> Vec<String> {
        let mut all = self.lock();
        let mut changed = Vec::new();
        for (id, wrongs) in all.iter_mut() {
            let mut kept = Wrongs::default();
            wrongs.list().filter(|fault| keep(id, *fault)).for_each(|fault| kept.add(fault));
            if kept != *wrongs {
                *wrongs = kept;
                changed.push(id.clone());
            }
        }
        all.retain(|_, wrongs| *wrongs != Wrongs::default());
        changed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Wrongs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ControlPlane {
    /// The faults of HSMs, in the order of their ids.
    pub fn hsm_faults(&self) -> Vec<(String, HsmFault)> {
        self.faults.list()
    }

    /// Gives an HSM, in whatever account and Region, a fault until it is [cleared](Self::clear_hsm_faults). One of
    /// the same kind is replaced. When this answers, the process of an HSM that is to be down has ended, and one
    /// that is connected knows what it is to do wrong. What fails leaves the HSM's faults as they were.
    pub async fn set_hsm_fault(&self, hsm_id: &str, fault: HsmFault) -> Result<(), HsmFaultError> {
        if let HsmFault::Slow { delay_ms } = fault
            && !(1..=MAX_FAULT_DELAY_MS).contains(&delay_ms)
        {
            let text = format!("The delay must be 1 to {MAX_FAULT_DELAY_MS} milliseconds.");
            return Err(HsmFaultError::Refused(text));
        }
        let found = repo::hsms::find(&self.db, &self.mac, hsm_id).await.map_err(Refusal::from)?;
        let hsm = found.ok_or_else(|| {
            HsmFaultError::Refused(format!(
                "There is no HSM {hsm_id}. `aws cloudhsmv2 describe-clusters` lists those that there are."
            ))
        })?;
        if !hsm.is_member() {
            let state = hsm.state.as_str();
            let text =
                format!("The HSM {hsm_id} is {state}; only an ACTIVE or DEGRADED one can have a fault.");
            return Err(HsmFaultError::Refused(text));
        }
        let Some(before) = self.faults.add(hsm_id, fault) else {
            let text = format!("{MOST_FAULTY} HSMs have faults already; clear some first.");
            return Err(HsmFaultError::Refused(text));
        };
        tracing::warn!(hsm = hsm_id, ?fault, "an HSM is given a fault");
        let done = match (fault, self.fleet.session(hsm_id)) {
            (HsmFault::Down, _) => self.keep_down(&hsm).await.map_err(HsmFaultError::from),
            (_, Some(session)) => {
                self.push_fault_to(&session).await.map_err(|error| HsmFaultError::Failed(error.into()))
            }
            (_, None) => Ok(()),
        };
        if done.is_err() {
            self.faults.put_back(hsm_id, before);
        }
        self.nudge();
        done
    }

    /// Clears the faults that `which` says, of the HSM of that id. Answers how many HSMs had some. The reconciler
    /// starts those that were down; one that stayed behind has read the log on when this answers.
    pub async fn clear_hsm_faults(&self, which: impl Fn(&str, HsmFault) -> bool) -> usize {
        let changed = self.faults.retain(|id, fault| !which(id, fault));
        let tell = async |id: &str| {
            tracing::warn!(hsm = id, "faults of an HSM are cleared");
            // It may be started at once, however often that was tried.
            self.memory.forget(id);
            if let Some(session) = self.fleet.session(id)
                && let Err(error) = self.push_fault_to(&session).await
            {
                tracing::warn!(hsm = id, %error, "an HSM is not told yet that it is to be well");
            }
        };
        at_once(changed.iter().map(|id| tell(id))).await;
        self.nudge();
        changed.len()
    }

    /// Sees to it that an HSM that is to be down is.
    pub(crate) async fn keep_down(&self, hsm: &Hsm) -> Result<(), Refusal> {
        let condition = self.placement.observe(&hsm.id).await;
        if condition.map_err(|error| Refusal::Internal(error.into()))? == Condition::Running {
            let killed = self.placement.kill(&hsm.id).await;
            killed.map_err(|error| Refusal::Internal(error.into()))?;
        }
        if let Some(session) = self.fleet.session(&hsm.id) {
            session.close();
        }
        self.degraded(hsm, AWAY).await
    }

    /// Tells an HSM what it is to do wrong, if that is not what it was told last.
    pub(crate) async fn push_fault_to(&self, session: &Session) -> Result<(), CallError> {
        // Held while it is told, so that what is told last is what holds.
        let mut told = session.fault.lock().await;
        let fault = self.faults.own(&session.hsm_id);
        if *told != fault {
            session.order(HsmCall::SetFault(fault), PATIENCE).await?;
            *told = fault;
        }
        Ok(())
    }
}
