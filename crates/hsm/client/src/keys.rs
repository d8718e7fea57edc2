//! What a client remembers of keys: which live in a session on one HSM, and which are on two.

use std::collections::{HashMap, HashSet, VecDeque};

use strongroom_hsm_proto::command::Command;

use crate::error::KeyReference;
use crate::limits::{MAX_CONFIRMED_KEYS, MAX_SESSION_KEYS};
use crate::roster::MemberId;
use crate::routing::Consequences;
use crate::{ClientError, routing};

/// Where a session key is: at an HSM, in one of the sessions that the client has had there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) member: MemberId,
    /// Counts the sessions at the HSM.
    pub(crate) session: u64,
}

/// Session keys and where they are. All of a session's are at one HSM, so that they can be used together.
#[derive(Debug, Default)]
pub(crate) struct SessionKeys {
    places: HashMap<u64, Place>,
    home: Option<Place>,
}

impl SessionKeys {
    /// Takes note of what a call at this place has led to.
    pub(crate) fn note(&mut self, consequences: &Consequences, place: Place) {
        for key in &consequences.session_keys {
            self.made(*key, place);
        }
        for key in consequences.cluster_keys.iter().chain(&consequences.gone) {
            self.places.remove(key);
        }
    }

    fn made(&mut self, key: u64, place: Place) {
        self.home = Some(place);
        if self.places.len() < MAX_SESSION_KEYS {
            self.places.insert(key, place);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn contains(&self, key: u64) -> bool {
        self.places.contains_key(&key)
    }

    /// The only HSM at which the command makes sense, if there is one. `is_alive` tells whether a session is still
    /// the one at its HSM.
    pub(crate) fn route(
        &self,
        command: &Command,
        is_alive: impl Fn(Place) -> bool,
    ) -> Result<Option<MemberId>, ClientError> {
        let mut only = None;
        for key in routing::keys_used(command) {
            let Some(place) = self.places.get(&key) else { continue };
            if !is_alive(*place) {
                return Err(ClientError::SessionKeyLost(KeyReference(key)));
            }
            if only.is_some_and(|only| only != place.member) {
                return Err(ClientError::SessionKeysApart);
            }
            only = Some(place.member);
        }
        let home = self.home.filter(|home| is_alive(*home)).map(|home| home.member);
        let wants_home = routing::makes_session_keys(command) || routing::looks_at_keys(command);
        Ok(only.or(home.filter(|_| wants_home)))
    }
}

/// Keys that are known to be on two HSMs; the oldest are forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Confirmed {
    keys: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Confirmed {
    pub(crate) fn add(&mut self, key: u64) {
        if self.keys.insert(key) {
            self.order.push_back(key);
            if self.order.len() > MAX_CONFIRMED_KEYS
                && let Some(oldest) = self.order.pop_front()
            {
                self.keys.remove(&oldest);
            }
        }
    }

    pub(crate) fn contains(&self, key: u64) -> bool {
        self.keys.contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::{FindKeys, Sign, WrapKey};

    use super::*;

    fn sign(key: u64) -> Command {
        Command::Sign(Sign { key, mechanism: None, data: Vec::new() })
    }

    fn at(member: usize, session: u64) -> Place {
        Place { member: MemberId(member), session }
    }

    #[test]
    fn session_keys_stay_where_they_are() {
        let mut keys = SessionKeys::default();
        let find = Command::FindKeys(FindKeys::default());
        assert_eq!(keys.route(&find, |_| true).unwrap(), None);
        keys.made(7, at(2, 1));
        assert_eq!(keys.route(&sign(7), |_| true).unwrap(), Some(MemberId(2)));
        assert_eq!(keys.route(&sign(8), |_| true).unwrap(), None);
        assert_eq!(keys.route(&find, |_| true).unwrap(), Some(MemberId(2)), "its list shows them");

        assert!(matches!(keys.route(&sign(7), |_| false), Err(ClientError::SessionKeyLost(_))));
        assert_eq!(keys.route(&find, |_| false).unwrap(), None);

        keys.made(9, at(1, 1));
        let wrap = Command::WrapKey(WrapKey { payload: 7, wrapping: 9, mechanism: None });
        assert!(matches!(keys.route(&wrap, |_| true), Err(ClientError::SessionKeysApart)));
        keys.note(&Consequences { gone: Some(7), ..Consequences::default() }, at(2, 1));
        assert_eq!(keys.route(&wrap, |_| true).unwrap(), Some(MemberId(1)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut confirmed = Confirmed::default();
        for key in 0..=MAX_CONFIRMED_KEYS as u64 {
            confirmed.add(key);
            confirmed.add(key);
        }
        assert!(!confirmed.contains(0) && confirmed.contains(1));
        assert_eq!(confirmed.order.len(), confirmed.keys.len());
    }
}
