//! What the HSMs of a cluster share: users, keys, quorum values, spent approvals, trust anchors.
//!
//! It changes by effects only. Applying them decides nothing: what a change may do is checked when it is planned.

mod deleted;
mod history;
mod keys;
mod spent;

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use strongroom_hsm_proto::command::{EnforcementLevel, Role, TrustAnchor};

use crate::HsmError;
use crate::effect::{
    AnchorRecord, FORMAT, Foundation, KeptSession, KeyRecord, Kind, QuorumSettings, Snapshot, UserRecord,
    UserRef,
};

use deleted::Deleted;
pub(crate) use history::{History, REMEMBERED_CHANGES, Resource, written_by};
pub(crate) use keys::{KeyEntry, Keys, Live};
use spent::Spent;

/// For how long a quorum token is good, unless it is set.
const TOKEN_SECONDS: u32 = 600;

/// The shared state.
pub(crate) struct State {
    pub(crate) foundation: Option<Foundation>,
    pub(crate) users: BTreeMap<UserRef, Arc<UserRecord>>,
    pub(crate) keys: Keys,
    pub(crate) deleted: Deleted,
    pub(crate) quorum: QuorumSettings,
    pub(crate) spent: Spent,
    pub(crate) anchors: BTreeMap<u32, AnchorRecord>,
    pub(crate) last_anchor: u32,
    pub(crate) enforcement: i32,
    pub(crate) history: History,
}

impl Default for State {
    fn default() -> Self {
        Self {
            foundation: None,
            users: BTreeMap::new(),
            keys: Keys::default(),
            deleted: Deleted::default(),
            quorum: QuorumSettings {
                user: 1,
                quorum: 1,
                cluster: 1,
                generated_s: TOKEN_SECONDS,
                approved_s: TOKEN_SECONDS,
            },
            spent: Spent::default(),
            anchors: BTreeMap::new(),
            last_anchor: 0,
            enforcement: EnforcementLevel::None.into(),
            history: History::default(),
        }
    }
}

/// What an effect means for what an HSM keeps beside the shared state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// The user's sessions are logged out.
    LoggedOut(UserRef),
    /// The user's other sessions are.
    LoggedOutElsewhere(KeptSession),
    /// The crypto user of this name is gone.
    Gone(String),
    /// The user's failed log-ins are forgotten.
    Forgiven(UserRef),
    /// Quorum tokens with these random parts are gone.
    Spent(Vec<Vec<u8>>),
    /// The opened key goes.
    KeyChanged(u64),
}

impl State {
    pub(crate) fn user(&self, name: &str, role: Role) -> Option<&Arc<UserRecord>> {
        self.users.get(&UserRef::new(name, role))
    }

    pub(crate) fn is_activated(&self) -> bool {
        self.users.keys().any(|user| user.role == i32::from(Role::Admin))
    }

    pub(crate) fn trust_anchors(&self) -> Vec<TrustAnchor> {
        let anchor = |anchor: &AnchorRecord| TrustAnchor {
            certificate_reference: anchor.reference,
            certificate: anchor.certificate.clone(),
        };
        self.anchors.values().map(anchor).collect()
    }

    /// How many administrators there are.
    pub(crate) fn administrators(&self) -> usize {
        self.users.keys().filter(|user| user.role == i32::from(Role::Admin)).count()
    }

    /// Users of an older state that are gone, or have another password.
    pub(crate) fn users_changed_since(&self, older: &Self) -> Vec<UserRef> {
        let is_same =
            |old: &UserRecord| self.users.get(&old.user).is_some_and(|user| user.password == old.password);
        older.users.values().filter(|old| !is_same(old)).map(|old| old.user.clone()).collect()
    }

    /// Makes one change.
    pub(crate) fn apply(&mut self, effects: Vec<Kind>) -> Vec<Consequence> {
        let writes = effects.iter().flat_map(written_by).collect();
        let mut consequences = Vec::new();
        for effect in effects {
            self.apply_one(effect, &mut consequences);
        }
        self.history.add(writes);
        consequences
    }

    fn apply_one(&mut self, effect: Kind, consequences: &mut Vec<Consequence>) {
        match effect {
            Kind::Foundation(foundation) => self.foundation = Some(foundation),
            Kind::PutUser(record) => {
                let user = record.user.clone();
                if self.users.get(&user).is_some_and(|old| old.password != record.password) {
                    consequences.push(Consequence::Forgiven(user.clone()));
                }
                self.users.insert(user, Arc::new(record));
            }
            Kind::DeleteUser(user) => {
                self.users.remove(&user);
                if user.role == i32::from(Role::CryptoUser) {
                    self.keys.end_shares(&user.name);
                    consequences.push(Consequence::Gone(user.name.clone()));
                }
                consequences.push(Consequence::LoggedOut(user.clone()));
                consequences.push(Consequence::Forgiven(user));
            }
            Kind::PutKey(mut record) => {
                // A key never names somebody who is not there: whoever comes later under the name is another.
                record.shared_with.retain(|name| self.user(name, Role::CryptoUser).is_some());
                if record.version != KeyRecord::FIRST_VERSION {
                    consequences.push(Consequence::KeyChanged(record.handle));
                }
                self.keys.put(KeyEntry::new(record));
            }
            Kind::DeleteKey(key) => {
                self.keys.delete(key.handle);
                self.deleted.add(key.handle);
                consequences.push(Consequence::KeyChanged(key.handle));
            }
            Kind::SetQuorum(quorum) => self.quorum = quorum,
            Kind::Spend(approval) => {
                self.spent.add(&approval.nonces);
                consequences.push(Consequence::Spent(approval.nonces));
            }
            Kind::PutAnchor(anchor) => {
                self.last_anchor = self.last_anchor.max(anchor.reference);
                self.anchors.insert(anchor.reference, anchor);
            }
            Kind::DeleteAnchor(reference) => {
                self.anchors.remove(&reference);
            }
            Kind::SetEnforcement(level) => self.enforcement = level,
            Kind::LogOut(user) => consequences.push(Consequence::LoggedOut(user)),
            Kind::LogOutElsewhere(kept) => consequences.push(Consequence::LoggedOutElsewhere(kept)),
        }
    }

    /// Writes the state in its one encoding.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let snapshot = Snapshot {
            format: FORMAT,
            foundation: self.foundation.clone(),
            users: self.users.values().map(|user| UserRecord::clone(user)).collect(),
            keys: self.keys.iter().map(|entry| entry.record.clone()).collect(),
            quorum: Some(self.quorum),
            spent: self.spent.iter().map(|nonce| nonce.to_vec()).collect(),
            anchors: self.anchors.values().cloned().collect(),
            enforcement: self.enforcement,
            last_anchor: self.last_anchor,
            deleted: self.deleted.iter().collect(),
        };
        snapshot.encode_to_vec()
    }

    /// Reads what [`snapshot`](Self::snapshot) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, HsmError> {
        let snapshot = Snapshot::decode(bytes).map_err(|_| HsmError::InvalidState)?;
        if snapshot.format != FORMAT {
            return Err(HsmError::UnknownEffect);
        }
        let mut state = Self {
            foundation: snapshot.foundation,
            quorum: snapshot.quorum.ok_or(HsmError::InvalidState)?,
            last_anchor: snapshot.last_anchor,
            enforcement: snapshot.enforcement,
            ..Self::default()
        };
        state.users = snapshot.users.into_iter().map(|user| (user.user.clone(), Arc::new(user))).collect();
        for record in snapshot.keys {
            state.keys.put(KeyEntry::new(record));
        }
        state.spent.add(&snapshot.spent);
        for handle in snapshot.deleted {
            state.deleted.add(handle);
        }
        state.anchors = snapshot.anchors.into_iter().map(|anchor| (anchor.reference, anchor)).collect();
        Ok(state)
    }
}

impl KeyRecord {
    /// The version of a key that was not changed yet.
    pub(crate) const FIRST_VERSION: u32 = 1;

    /// How many must approve the most that several must approve of it.
    pub(crate) fn highest_quorum(&self) -> u32 {
        self.manage_quorum.max(self.use_quorum)
    }

    /// Whether enough users are left for its quorum values.
    pub(crate) fn has_enough_users(&self) -> bool {
        self.highest_quorum() as usize <= 1 + self.shared_with.len()
    }
}
