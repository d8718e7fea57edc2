//! One HSM.

mod caller;
mod dispatch;
mod founding;
mod local;
mod resealing;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use prost::Message;
use strongroom_crypto::digest::sha256;
use strongroom_crypto::password::PasswordHasher;
use strongroom_hsm_proto::command::{Call, EnforcementLevel, Failure, Role, TrustAnchor};
use strongroom_secret::Key256;

use crate::audit::{AuditDetail, AuditLog, Opcode, Slot};
use crate::cache::Cache;
use crate::counters::Counters;
use crate::effect::{Effects, Foundation, Kind, UserRef};
use crate::keyring::{Keyring, Place};
use crate::material::Material;
use crate::object::change;
use crate::options::{ConnectionId, HsmIdentity, Now, Options, Peer};
use crate::outcome::{Draft, FollowUp, refused};
use crate::quorum::Tokens;
use crate::refusal::Refusal;
use crate::session::{KeyRoom, Sessions};
use crate::state::{Consequence, KeyEntry, Resource, State, written_by};
use crate::{AuditRecord, HsmError, Outcome, Planned, ServiceEvent};

pub(crate) use caller::Caller;
pub(crate) use dispatch::BUSY;
pub(crate) use founding::ADMIN;
pub use founding::ClusterScheme;
use local::Failures;

/// One HSM: what it knows and does, without its sockets, files and clock.
///
/// Threads share it. What the HSMs of a cluster share is changed in two steps: [`Hsm::execute`] plans a change,
/// and [`Hsm::apply`] makes it when the log has it, here as on every other HSM. No lock is held while it computes.
pub struct Hsm {
    identity: HsmIdentity,
    pub(crate) options: Options,
    /// Taken before `sessions`, `tokens` and `failures`, which are each taken alone.
    state: RwLock<State>,
    sessions: RwLock<Sessions>,
    tokens: Mutex<Tokens>,
    failures: Mutex<Failures>,
    /// Whether what [`Hsm::unsaved_local`] gives has changed.
    unsaved: AtomicBool,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) keyring: Keyring,
    opened: Cache<Arc<Material>>,
    /// What passwords are hashed with: megabytes, and there only while somebody waits for them.
    hasher: Mutex<Weak<PasswordHasher>>,
    pub(crate) waiting_logins: AtomicUsize,
    pub(crate) key_room: KeyRoom,
    pub(crate) counters: Counters,
}

impl Hsm {
    /// An HSM without a partition: [`found`](Self::found), [`load`](Self::load) or [`apply`](Self::apply) gives it
    /// one, after [`set_epoch`](Self::set_epoch).
    #[must_use]
    pub fn new(identity: HsmIdentity, options: Options) -> Self {
        Self {
            state: RwLock::default(),
            sessions: RwLock::default(),
            tokens: Mutex::default(),
            failures: Mutex::default(),
            unsaved: AtomicBool::new(false),
            audit: AuditLog::new(options.audit_records, identity.reboot_counter),
            keyring: Keyring::default(),
            opened: Cache::new(options.opened_keys),
            hasher: Mutex::default(),
            waiting_logins: AtomicUsize::new(0),
            key_room: KeyRoom::default(),
            counters: Counters::default(),
            identity,
            options,
        }
    }

    /// Which HSM this is.
    pub fn identity(&self) -> &HsmIdentity {
        &self.identity
    }

    /// Its limits and policy.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives the HSM the key under which key tokens of an epoch are sealed: the subkey for tokens of the
    /// partition key. New tokens are sealed under the highest (incarnation, epoch).
    pub fn set_epoch(&self, incarnation: u32, epoch: u32, token_key: &Key256) {
        self.keyring.set((incarnation, epoch), token_key);
    }

    /// Takes away the keys of epochs before this one. What is still sealed under them does not open any more.
    pub fn forget_epochs_before(&self, incarnation: u32, epoch: u32) {
        self.keyring.forget_before((incarnation, epoch));
    }

    /// A client has connected.
    pub fn connect(&self, peer: Peer) -> ConnectionId {
        self.sessions_mut().connect(peer)
    }

    /// A client has gone: its sessions end, with their keys and quorum tokens.
    pub fn disconnect(&self, connection: ConnectionId, now: Now) {
        let ended = self.sessions_mut().disconnect(connection);
        for session in ended {
            self.tokens().forget_session(session.id);
            self.audit.note(Opcode::AppFinalize, session.id, AuditDetail::None, now);
        }
    }

    /// Connections that may not stay: their trust anchor is gone, or certificates are enforced and they have none.
    /// Worth asking after a change.
    pub fn unwelcome(&self) -> Vec<ConnectionId> {
        let state = self.state();
        let enforced = state.enforcement == i32::from(EnforcementLevel::Cluster);
        let sessions = self.sessions();
        let unwelcome = sessions.peers().filter(|(_, peer)| match peer.trust_anchor {
            Some(anchor) => !state.anchors.contains_key(&anchor),
            None => enforced,
        });
        unwelcome.map(|(connection, _)| connection).collect()
    }

    /// Does what a client asks.
    pub fn execute(&self, connection: ConnectionId, call: &Call, now: Now) -> Outcome {
        dispatch::execute(self, connection, call, now)
    }

    /// Tells whether a plan is still good: the epoch is the same, and nothing that it relies on has changed since,
    /// nor is changed by `earlier`, the plans that stand before it in the same batch. If not, the call is executed again.
    pub fn still_holds(&self, planned: &Planned, earlier: &[Planned]) -> bool {
        planned.place == self.keyring.newest_place()
            && self.state().history.untouched_since(planned.revision, &planned.reads, earlier.len())
            && earlier.iter().all(|earlier| earlier.writes.is_disjoint(&planned.reads))
    }

    /// Makes a change that the log has. It decides nothing, so every HSM comes to the same state.
    pub fn apply(&self, effects: &[u8], _now: Now) -> Result<(), HsmError> {
        let consequences = self.state_mut().apply(Effects::read(effects)?);
        for consequence in consequences {
            match consequence {
                Consequence::LoggedOut(user) => self.log_out_but(&user, None),
                Consequence::LoggedOutElsewhere(kept) => {
                    let here = kept.hsm_id == self.identity.hsm_id;
                    self.log_out_but(&kept.user, here.then_some(kept.session));
                }
                Consequence::Gone(name) => self.sessions().end_shares(&name),
                Consequence::Forgiven(user) => self.forgive(&user),
                Consequence::Spent(nonces) => self.tokens().forget_spent(&nonces),
                Consequence::KeyChanged(handle) => self.opened.remove(KeyEntry::cache_handle(handle)),
            }
        }
        Ok(())
    }

    /// Ends a plan: its change has been applied, or (`failure`) has not been made. Records it in the audit log.
    pub fn settle(&self, planned: Planned, failure: Option<&Failure>, now: Now) {
        if failure.is_none() {
            if planned.computes {
                self.counters.computed();
            }
            // The log has the change: whatever has become of the session, nothing is taken back.
            let _ = self.follow_up(planned.follow_ups);
            if let Some(session) = planned.approved_in {
                self.audit.note(Opcode::ApproveToken, session, AuditDetail::None, now);
            }
        }
        if let Some(slot) = planned.slot {
            let failed = failure.map(|failure| (failure.code(), failure.text.as_str()));
            slot.write(failed.or_else(|| refused(&planned.answer)), now);
        }
    }

    /// The shared state, in its one encoding.
    pub fn snapshot(&self) -> Vec<u8> {
        self.state().snapshot()
    }

    /// Takes over a shared state, in place of the one there is.
    pub fn load(&self, snapshot: &[u8]) -> Result<(), HsmError> {
        let mut loaded = State::read(snapshot)?;
        let changed = {
            let mut state = self.state_mut();
            loaded.history.begin_anew_after(&state.history);
            let changed = loaded.users_changed_since(&state);
            *state = loaded;
            changed
        };
        // What happened between the two states is not known: who is not the same user any more logs in again.
        for user in changed {
            self.log_out_but(&user, None);
            self.forgive(&user);
            if user.role == i32::from(Role::CryptoUser) && !self.state().users.contains_key(&user) {
                self.sessions().end_shares(&user.name);
            }
        }
        Ok(())
    }

    /// The SHA-256 of the shared state's encoding.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.snapshot())
    }

    /// Whether an administrator has set the first password.
    pub fn is_activated(&self) -> bool {
        self.state().is_activated()
    }

    /// The trust anchors for clients' certificates.
    pub fn trust_anchors(&self) -> Vec<TrustAnchor> {
        self.state().trust_anchors()
    }

    /// Whether clients need a certificate.
    pub fn mtls_enforcement(&self) -> EnforcementLevel {
        EnforcementLevel::try_from(self.state().enforcement).unwrap_or(EnforcementLevel::Cluster)
    }

    /// Records in the audit log what the control plane has had this HSM do.
    pub fn record(&self, event: ServiceEvent, now: Now) {
        self.audit.note(event.opcode(), 0, AuditDetail::None, now);
    }

    /// The oldest audit records that are not stored yet, at most `most`. They stay until
    /// [`audit_stored`](Self::audit_stored).
    pub fn drain_audit(&self, most: usize) -> Vec<AuditRecord> {
        self.audit.oldest(most)
    }

    /// All audit records up to this sequence number are stored.
    pub fn audit_stored(&self, up_to: u64) {
        self.audit.stored(up_to);
    }

    /// Audit records that were not given here before. The caller appends them to a file before it sends an
    /// answer, so that none is lost if it is killed; [`restore_audit`](Self::restore_audit) takes them back.
    pub fn unsaved_audit(&self) -> Vec<AuditRecord> {
        self.audit.unsaved()
    }

    /// Goes on after these records, which were saved and are not stored yet. `next_sequence` counts when there are none.
    pub fn restore_audit(&self, next_sequence: u64, waiting: Vec<AuditRecord>) {
        self.audit.restore(next_sequence, waiting);
    }

    /// Gives the records of this process, which begin at `from`, numbers from `to` on: those between were given
    /// before, to records that were stored and then forgotten here. They are to be saved again.
    pub fn renumber_audit(&self, from: u64, to: u64) {
        self.audit.renumber(from, to);
    }

    /// A call is answered, whatever came of it: counted for
    /// [`HsmDescription::calls`](strongroom_hsm_proto::command::HsmDescription::calls).
    pub fn note_answered(&self) {
        self.counters.answered();
    }

    /// Numbers for metrics.
    pub fn occupancy(&self) -> Occupancy {
        let (token_keys, users) = {
            let state = self.state();
            (state.keys.len(), state.users.len())
        };
        let sessions = self.sessions();
        Occupancy { sessions: sessions.len(), session_keys: sessions.session_keys(), token_keys, users }
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sessions(&self) -> RwLockReadGuard<'_, Sessions> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sessions_mut(&self) -> RwLockWriteGuard<'_, Sessions> {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one place where passwords are hashed, one at a time. Its memory goes when nobody has it any more.
    pub(crate) fn hasher(&self) -> Arc<PasswordHasher> {
        let mut hasher = self.hasher.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.upgrade().unwrap_or_else(|| {
            let new = Arc::new(PasswordHasher::new());
            *hasher = Arc::downgrade(&new);
            new
        })
    }

    pub(crate) fn foundation(&self) -> Result<Foundation, HsmError> {
        self.state().foundation.clone().ok_or(HsmError::NotFounded)
    }

    /// Does what a change means for sessions of this HSM; all of it that can be done.
    fn follow_up(&self, follow_ups: Vec<FollowUp>) -> Result<(), Refusal> {
        let sessions = self.sessions();
        let mut outcome = Ok(());
        for follow_up in follow_ups {
            let done = match follow_up {
                FollowUp::Kept { session, handle, .. } => {
                    sessions.forget_key(session, handle);
                    Ok(())
                }
                FollowUp::Add { session, entry } => sessions.add_key(session, entry),
                FollowUp::Change { session, handle, attribute, by_administrator } => {
                    sessions.change_key(session, handle, |entry| {
                        let live = entry.live.clone().ok_or_else(Refusal::no_such_key)?;
                        Ok(KeyEntry::live(change(&entry.record, &attribute, by_administrator)?, live))
                    })
                }
                FollowUp::Registered { session } => {
                    sessions.end_registration(session);
                    Ok(())
                }
            };
            outcome = outcome.and(done);
        }
        outcome
    }

    /// The parsed material of a key.
    pub(crate) fn material(&self, entry: &KeyEntry) -> Result<Arc<Material>, HsmError> {
        if let Some(live) = &entry.live {
            return Ok(Arc::clone(&live.material));
        }
        if let Some(material) = self.opened.get(&entry.reference) {
            return Ok(material);
        }
        let record = &entry.record;
        let material = if record.token.is_empty() {
            Material::parse(record, &record.public)?
        } else {
            Material::parse(record, self.keyring.open_key(record)?.expose())?
        };
        let material = Arc::new(material);
        self.opened.insert(entry.reference, Arc::clone(&material));
        // Whoever deleted or changed the key meanwhile took it out of the cache before it was put in.
        let is_current = |now: &Arc<KeyEntry>| now.reference == entry.reference;
        if !self.state().keys.get(record.handle).is_some_and(is_current) {
            self.opened.remove(entry.reference.handle);
        }
        Ok(material)
    }
}

/// How much of an HSM is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Open sessions.
    pub sessions: usize,
    /// Session keys.
    pub session_keys: usize,
    /// Token keys.
    pub token_keys: usize,
    /// Users.
    pub users: usize,
}

/// Finishes a draft into a plan.
fn planned(mut draft: Draft, now: Now, slot: Option<Slot>, place: Option<Place>) -> Planned {
    let writes = draft.effects.iter().flat_map(written_by).collect();
    // A key that is put names its users. One of them who goes meanwhile leaves the key as it is, not as it is put.
    for effect in &draft.effects {
        if let Kind::PutKey(record) = effect {
            let names = record.shared_with.iter().chain([&record.owner]);
            draft.reads.extend(names.map(|name| Resource::User(UserRef::new(name, Role::CryptoUser))));
        }
    }
    Planned {
        effects: Effects::new(now.domain_ms, draft.effects).encode_to_vec(),
        answer: draft.answer,
        revision: draft.revision,
        place,
        reads: draft.reads,
        writes,
        approved_in: draft.approved_in,
        follow_ups: draft.follow_ups,
        computes: false,
        slot,
    }
}

impl fmt::Debug for Hsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hsm").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::{KeyClass, KeyType};

    use super::*;
    use crate::Mode;
    use crate::effect::{KeyRecord, KeyRef};

    #[test]
    fn a_key_that_is_opened_while_it_is_deleted_is_not_kept() {
        let identity = HsmIdentity {
            hsm_id: String::new(),
            cluster_id: String::new(),
            serial_number: String::new(),
            reboot_counter: 1,
        };
        let hsm = Hsm::new(identity, Options::new(Mode::NonFips));
        hsm.set_epoch(1, 1, &Key256::new([1; 32]));
        let record = KeyRecord {
            handle: 7,
            class: KeyClass::SecretKey.into(),
            key_type: KeyType::Aes.into(),
            ..KeyRecord::default()
        };
        let record = hsm.keyring.seal_key(record, &[2; 32]).unwrap();
        let now = Now { domain_ms: 0, monotonic_ms: 0 };
        let apply = |kind| hsm.apply(&Effects::new(0, vec![kind]).encode_to_vec(), now).unwrap();
        apply(Kind::PutKey(record));
        let entry = hsm.state().keys.get(7).cloned().unwrap();
        hsm.material(&entry).unwrap();
        assert_eq!(hsm.opened.stats().held, 1);
        apply(Kind::DeleteKey(KeyRef { handle: 7 }));
        hsm.material(&entry).unwrap();
        assert_eq!(hsm.opened.stats().held, 0);
    }
}
