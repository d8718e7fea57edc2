//! What a cluster is, in few words.

use strongroom_api_cloudhsm::{Backup, BackupState, ClusterState};

use super::Step;
use crate::fixture::DAY;

/// HSMs that an account may have in a Region.
const MOST_HSMS: usize = 6;

/// How long a deleted cluster is shown.
const SHOWN: i64 = 60 * 60 * 1000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Uninitialized,
    Initialized,
    Active,
    Deleted {
        at: i64,
    },
}

/// What is shown of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    ready: bool,
    never_expires: bool,
}

impl Kept {
    pub(crate) fn of(backup: &Backup) -> Self {
        // One that is still to be made is as none: what is compared are settled states.
        let ready = backup.backup_state == Some(BackupState::Ready);
        Self { ready, never_expires: backup.never_expires.unwrap() }
    }
}

#[derive(Clone, Debug)]
struct Copy {
    /// Unknown until it is seen.
    id: Option<String>,
    created: i64,
    deletion: Option<i64>,
    never_expires: bool,
}

#[derive(Debug)]
pub(crate) struct Model {
    state: State,
    pub(crate) hsms: usize,
    retention: i64,
    next_daily: Option<i64>,
    /// The oldest first.
    backups: Vec<Copy>,
    now: i64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            state: State::default(),
            hsms: 0,
            retention: 90,
            next_daily: None,
            backups: Vec::new(),
            now: 0,
        }
    }
}

impl Model {
    pub(crate) fn has_csr(&self) -> bool {
        self.state == State::Uninitialized && self.hsms > 0
    }

    pub(crate) fn can_activate(&self) -> bool {
        self.state == State::Initialized && self.hsms > 0
    }

    /// One of the backups that there are, counted around.
    pub(crate) fn backup(&self, which: usize) -> Option<String> {
        self.backups.get(which % self.backups.len().max(1)).and_then(|backup| backup.id.clone())
    }

    pub(crate) fn shown_state(&self) -> Option<ClusterState> {
        match self.state {
            State::Uninitialized => Some(ClusterState::Uninitialized),
            State::Initialized => Some(ClusterState::Initialized),
            State::Active => Some(ClusterState::Active),
            State::Deleted { at } => (self.now < at + SHOWN).then_some(ClusterState::Deleted),
        }
    }

    pub(crate) fn kept(&self) -> Vec<Kept> {
        let kept =
            |backup: &Copy| Kept { ready: backup.deletion.is_none(), never_expires: backup.never_expires };
        self.backups.iter().map(kept).collect()
    }

    /// Learns what backups are called, and when they were made.
    pub(crate) fn learn(&mut self, names: &[(String, i64)]) {
        for (backup, (id, created)) in self.backups.iter_mut().zip(names) {
            assert!(backup.id.as_ref().is_none_or(|known| known == id), "backups are listed in their order");
            backup.id = Some(id.clone());
            backup.created = *created;
        }
    }

    fn back_up(&mut self, created: i64) {
        self.backups.push(Copy { id: None, created, deletion: None, never_expires: false });
    }

    fn is_gone(&self) -> bool {
        matches!(self.state, State::Deleted { .. })
    }

    /// Takes a step at that time; `false` if it cannot be taken.
    pub(crate) fn take(&mut self, step: Step, now: i64) -> bool {
        self.pass_time(now);
        match step {
            Step::CreateHsm { .. } => {
                // The first is made from a backup, unless the cluster is new.
                let ready = self.backups.iter().any(|backup| backup.deletion.is_none());
                let something = self.state == State::Uninitialized || ready;
                let first = self.hsms == 0 && !self.is_gone() && something;
                let further = self.hsms > 0 && self.state == State::Active && self.hsms < MOST_HSMS;
                if !first && !further {
                    return false;
                }
                self.hsms += 1;
                if self.state == State::Active {
                    self.back_up(now);
                }
            }
            Step::DeleteHsm { .. } => {
                self.hsms -= 1;
                if self.state != State::Uninitialized {
                    self.back_up(now);
                }
            }
            Step::Initialize if self.has_csr() => self.state = State::Initialized,
            Step::Activate => {
                self.state = State::Active;
                self.next_daily = Some(now + DAY);
                self.back_up(now);
            }
            Step::Retain { days } if !self.is_gone() => self.retention = days,
            Step::DeleteCluster if self.hsms == 0 && !self.is_gone() => {
                self.state = State::Deleted { at: now };
                self.next_daily = None;
            }
            Step::Initialize | Step::Retain { .. } | Step::DeleteCluster => return false,
            Step::DeleteBackup { which } => {
                let Some(backup) = self.found(which) else { return false };
                if backup.deletion.is_some() {
                    return false;
                }
                backup.deletion = Some(now + 7 * DAY);
            }
            Step::RestoreBackup { which } => {
                let Some(backup) = self.found(which) else { return false };
                if backup.deletion.take().is_none() {
                    return false;
                }
            }
            Step::Keep { which, never_expires } => {
                let Some(backup) = self.found(which) else { return false };
                if backup.deletion.is_some() {
                    return false;
                }
                backup.never_expires = never_expires;
            }
            Step::Wait { .. } => {}
        }
        // What a step brings about may be due at once: a backup restored long after its retention.
        self.pass_time(now);
        true
    }

    fn found(&mut self, which: usize) -> Option<&mut Copy> {
        let count = self.backups.len().max(1);
        self.backups.get_mut(which % count)
    }

    /// Does what becomes due, in its order.
    fn pass_time(&mut self, now: i64) {
        self.now = now;
        loop {
            let newest = self.backups.iter().rposition(|backup| backup.deletion.is_none());
            let due = |(place, backup): (usize, &Copy)| match backup.deletion {
                Some(at) => Some((at, place)),
                None if backup.never_expires || Some(place) == newest => None,
                None => Some((backup.created + self.retention * DAY, place)),
            };
            let backup = self.backups.iter().enumerate().filter_map(due).min();
            let daily = self.next_daily.filter(|at| *at <= now);
            match backup.filter(|(at, _)| *at <= now) {
                Some((at, place)) if daily.is_none_or(|daily| at <= daily) => {
                    if self.backups[place].deletion.is_some() {
                        self.backups.remove(place);
                    } else {
                        self.backups[place].deletion = Some(at + 7 * DAY);
                    }
                }
                _ => {
                    let Some(at) = daily else { return };
                    self.next_daily = Some(at + DAY);
                    if self.hsms > 0 {
                        self.back_up(at);
                    }
                }
            }
        }
    }
}
