//! One key, as the model has it: its states, and its materials.

use std::collections::BTreeMap;

use strongroom_api_kms::{KeyState, RotationType};

use super::step::{Change, Home, POLICIES, TAGS};
use crate::fixture::DAY;

/// What the model expects of a refused call: its code.
pub(super) type Expected<T> = Result<T, &'static str>;

const DISABLED: &str = "DisabledException";
const INVALID_STATE: &str = "KMSInvalidStateException";

/// How near an automatic rotation keeps one on demand away, in milliseconds.
const TOO_CLOSE: i64 = 20 * 60 * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    Disabled,
    PendingDeletion { due: i64 },
    Gone,
}

/// The key store, as far as keys notice it.
#[derive(Default)]
pub(super) struct Store {
    /// Since when it has been connected.
    pub(super) connected_ms: Option<i64>,
}

pub(super) struct Key {
    pub(super) home: Home,
    pub(super) id: String,
    /// Its material is in the key store.
    pub(super) stored: bool,
    pub(super) state: State,
    pub(super) description: String,
    pub(super) tags: BTreeMap<String, String>,
    /// An index of [`POLICIES`], if one of them was put.
    pub(super) policy: Option<usize>,
    /// The period in days, and the next moment.
    pub(super) rotation: Option<(i32, i64)>,
    /// After the first: what made each material, and when. The last one encrypts.
    pub(super) rotations: Vec<(RotationType, i64)>,
}

impl Key {
    pub(super) fn new(home: Home, id: String, stored: bool) -> Self {
        Self {
            home,
            id,
            stored,
            state: State::Enabled,
            description: String::new(),
            tags: BTreeMap::new(),
            policy: None,
            rotation: None,
            rotations: Vec::new(),
        }
    }

    pub(super) fn shown_state(&self, store: &Store) -> (KeyState, Option<i64>) {
        match self.state {
            State::Enabled | State::Disabled if self.available(store).is_err() => {
                (KeyState::Unavailable, None)
            }
            State::Enabled => (KeyState::Enabled, None),
            State::Disabled | State::Gone => (KeyState::Disabled, None),
            State::PendingDeletion { due } => (KeyState::PendingDeletion, Some(due)),
        }
    }

    pub(super) fn shown_rotation(&self) -> Option<(i32, i64)> {
        self.rotation.filter(|_| !matches!(self.state, State::PendingDeletion { .. }))
    }

    /// Which material encrypts: its place among all.
    pub(super) fn current(&self) -> usize {
        self.rotations.len()
    }

    /// Whether its material can be used now.
    pub(super) fn available(&self, store: &Store) -> Expected<()> {
        if self.stored && store.connected_ms.is_none() { Err(INVALID_STATE) } else { Ok(()) }
    }

    pub(super) fn enabled(&self) -> Expected<()> {
        match self.state {
            State::Enabled => Ok(()),
            State::Disabled => Err(DISABLED),
            State::PendingDeletion { .. } | State::Gone => Err(INVALID_STATE),
        }
    }

    pub(super) fn staying(&self) -> Expected<()> {
        match self.state {
            State::Enabled | State::Disabled => Ok(()),
            State::PendingDeletion { .. } | State::Gone => Err(INVALID_STATE),
        }
    }

    pub(super) fn change(&mut self, now: i64, store: &Store, change: &Change) -> Expected<()> {
        match change {
            Change::Enable => {
                self.staying()?;
                if let (State::Disabled, Some((_, next))) = (self.state, &mut self.rotation) {
                    *next = now.max(*next);
                }
                self.state = State::Enabled;
            }
            Change::Disable => {
                self.staying()?;
                self.state = State::Disabled;
            }
            Change::ScheduleDeletion { days } => {
                self.staying()?;
                self.state = State::PendingDeletion { due: now + i64::from(*days) * DAY };
            }
            Change::CancelDeletion => match self.state {
                State::PendingDeletion { .. } => self.state = State::Disabled,
                _ => return Err(INVALID_STATE),
            },
            Change::Describe { description } => {
                self.staying()?;
                self.description.clone_from(description);
            }
            Change::Tag { name, value } => {
                self.staying()?;
                self.tags.insert(TAGS[*name].to_owned(), value.clone());
            }
            Change::Untag { name } => {
                self.staying()?;
                self.tags.remove(TAGS[*name]);
            }
            Change::PutPolicy { policy } if *policy == POLICIES.len() - 1 => {
                return Err("MalformedPolicyDocumentException");
            }
            Change::PutPolicy { policy } => self.policy = Some(*policy),
            Change::EnableRotation { days } => {
                self.enabled()?;
                let days = days.unwrap_or(365);
                if self.rotation.is_none_or(|(before, _)| before != days) {
                    self.rotation = Some((days, now + i64::from(days) * DAY));
                }
            }
            Change::DisableRotation => {
                self.enabled()?;
                self.rotation = None;
            }
            Change::Rotate => {
                self.enabled()?;
                if self.rotation.is_some_and(|(_, next)| next < now + TOO_CLOSE) {
                    return Err("ConflictException");
                }
                if self.rotations.iter().filter(|(kind, _)| *kind == RotationType::OnDemand).count() == 25 {
                    return Err("LimitExceededException");
                }
                self.available(store)?;
                self.rotations.push((RotationType::OnDemand, now));
            }
        }
        Ok(())
    }

    /// Does what is due.
    pub(super) fn pass_time(&mut self, now: i64, store: &Store) {
        let possible_ms = if self.stored { store.connected_ms } else { Some(i64::MIN) };
        match (self.state, &mut self.rotation) {
            (State::PendingDeletion { due }, _) if due <= now => self.state = State::Gone,
            (State::Enabled, Some((days, next))) => {
                while let Some(possible_ms) = possible_ms
                    && *next <= now
                {
                    // What was missed while it was not possible is done once.
                    let done = possible_ms.max(*next);
                    self.rotations.push((RotationType::Automatic, done));
                    *next = done + i64::from(*days) * DAY;
                }
            }
            _ => {}
        }
    }
}
