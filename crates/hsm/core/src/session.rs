//! Connections and sessions: what an HSM knows of its clients, and no other HSM does.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use strongroom_hsm_proto::command::{FailureCode, RegistrationPurpose, Role};

use crate::effect::{UserRecord, UserRef};
use crate::hsm::BUSY;
use crate::refusal::Refusal;
use crate::state::KeyEntry;
use crate::{ConnectionId, Now, Peer};

/// For how long a challenge is good.
const CHALLENGE_MS: u64 = 10 * 60 * 1_000;
/// The number of an HSM's first session, as in AWS's samples.
const FIRST_SESSION: u64 = 0x0100_4001;

const NO_SUCH_SESSION: Refusal = Refusal::new(FailureCode::NoSession, "There is no such session");

/// Room for the session keys of all sessions together.
#[derive(Default)]
pub(crate) struct KeyRoom(Arc<AtomicUsize>);

/// Room for one session key, given back when the key is dropped.
pub(crate) struct Room(Arc<AtomicUsize>);

impl KeyRoom {
    /// Takes room for one key, unless `most` have it.
    pub(crate) fn take(&self, most: usize) -> Option<Room> {
        let more = |taken| (taken < most).then_some(taken + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Room(Arc::clone(&self.0)))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// All connections and sessions.
pub(crate) struct Sessions {
    connections: HashMap<ConnectionId, Connection>,
    by_id: HashMap<u64, Arc<Session>>,
    last_connection: u64,
    next_session: u64,
}

struct Connection {
    peer: Peer,
    sessions: Vec<u64>,
}

/// A session. Whoever holds it may still look into it when it is closed: it is then nobody's.
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) connection: ConnectionId,
    inner: Mutex<Inner>,
}

/// What a session holds.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) login: Option<UserRef>,
    /// A log-in that waits for the second factor; of the user as it was when its password was right.
    pub(crate) half_login: Option<Challenged<Arc<UserRecord>>>,
    /// A registration that waits for the new key's signature.
    pub(crate) registration: Option<Challenged<(RegistrationPurpose, UserRef)>>,
    /// Session keys.
    pub(crate) keys: BTreeMap<u64, Arc<KeyEntry>>,
    /// Session keys that become token keys as soon as the log has it, as long as somebody holds the mark.
    becoming_tokens: BTreeMap<u64, Weak<()>>,
    pub(crate) closed: bool,
}

/// Something that goes on when a challenge is answered.
#[derive(Clone)]
pub(crate) struct Challenged<T> {
    pub(crate) what: T,
    pub(crate) challenge: [u8; 32],
    expires_ms: u64,
}

impl<T> Challenged<T> {
    pub(crate) fn new(what: T, challenge: [u8; 32], now: Now) -> Self {
        Self { what, challenge, expires_ms: now.monotonic_ms.saturating_add(CHALLENGE_MS) }
    }

    pub(crate) fn is_good(&self, now: Now) -> bool {
        now.monotonic_ms < self.expires_ms
    }
}

impl Session {
    /// Looks into the session. The guard is held for no computation.
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn login(&self) -> Option<UserRef> {
        self.inner().login.clone()
    }
}

impl Inner {
    /// Forgets the log-in and what belongs to it.
    fn log_out(&mut self) {
        self.login = None;
        self.half_login = None;
        self.registration = None;
        self.keys.clear();
        self.becoming_tokens.clear();
    }

    /// Marks a session key that becomes a token key just as it is here: none if it is not any more. While the mark
    /// is held it does not change: what is forbidden meanwhile would be lost.
    pub(crate) fn mark_becoming_token(&mut self, entry: &Arc<KeyEntry>) -> Option<Arc<()>> {
        let handle = entry.record.handle;
        self.keys.get(&handle).filter(|now| Arc::ptr_eq(now, entry))?;
        let mark = Arc::new(());
        self.becoming_tokens.insert(handle, Arc::downgrade(&mark));
        Some(mark)
    }

    fn is_becoming_token(&self, handle: u64) -> bool {
        self.becoming_tokens.get(&handle).is_some_and(|mark| mark.strong_count() > 0)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            connections: HashMap::new(),
            by_id: HashMap::new(),
            last_connection: 0,
            next_session: FIRST_SESSION,
        }
    }
}

impl Sessions {
    pub(crate) fn connect(&mut self, peer: Peer) -> ConnectionId {
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        self.connections.insert(id, Connection { peer, sessions: Vec::new() });
        id
    }

    /// Ends a connection and gives the sessions that end with it.
    pub(crate) fn disconnect(&mut self, connection: ConnectionId) -> Vec<Arc<Session>> {
        let sessions = self.connections.remove(&connection).map(|connection| connection.sessions);
        sessions.into_iter().flatten().filter_map(|session| self.end(session)).collect()
    }

    pub(crate) fn peer(&self, connection: ConnectionId) -> Option<&Peer> {
        self.connections.get(&connection).map(|connection| &connection.peer)
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = (ConnectionId, &Peer)> {
        self.connections.iter().map(|(id, connection)| (*id, &connection.peer))
    }

    /// Opens a session. When there are as many as may be, the oldest in which nobody has logged in gives way:
    /// strangers do not keep users out.
    pub(crate) fn open(
        &mut self,
        connection: ConnectionId,
        most: usize,
    ) -> Result<(u64, Option<Arc<Session>>), Refusal> {
        let mut gone = None;
        if self.by_id.len() >= most {
            let idle = self.by_id.values().filter(|session| session.login().is_none());
            let oldest = idle.min_by_key(|session| session.id).cloned();
            let oldest = oldest.ok_or(Refusal::limit("The HSM has no more sessions"))?;
            self.close(&oldest);
            gone = Some(oldest);
        }
        let owner = self
            .connections
            .get_mut(&connection)
            .ok_or(Refusal::new(FailureCode::NoSession, "The connection is closed"))?;
        let id = self.next_session;
        self.next_session += 1;
        owner.sessions.push(id);
        let session = Session { id, connection, inner: Mutex::default() };
        self.by_id.insert(id, Arc::new(session));
        Ok((id, gone))
    }

    /// Ends a session.
    pub(crate) fn close(&mut self, session: &Session) {
        if let Some(connection) = self.connections.get_mut(&session.connection) {
            connection.sessions.retain(|other| *other != session.id);
        }
        self.end(session.id);
    }

    fn end(&mut self, session: u64) -> Option<Arc<Session>> {
        let session = self.by_id.remove(&session)?;
        let mut inner = session.inner();
        inner.log_out();
        inner.closed = true;
        drop(inner);
        Some(session)
    }

    /// The session that a connection names.
    pub(crate) fn get(&self, connection: ConnectionId, session: u64) -> Result<Arc<Session>, Refusal> {
        self.by_id
            .get(&session)
            .filter(|session| session.connection == connection)
            .cloned()
            .ok_or(NO_SUCH_SESSION)
    }

    /// Gives a session a new key, if its owner is still logged in there.
    pub(crate) fn add_key(&self, session: u64, entry: Arc<KeyEntry>) -> Result<(), Refusal> {
        let session = self.by_id.get(&session).ok_or(NO_SUCH_SESSION)?;
        let mut inner = session.inner();
        if inner.login != Some(UserRef::new(&entry.record.owner, Role::CryptoUser)) {
            return Err(Refusal::new(FailureCode::NotLoggedIn, "The session is not logged in any more"));
        }
        inner.keys.insert(entry.record.handle, entry);
        Ok(())
    }

    /// Changes a session key: what `change` makes of it as it is now, so that of two changes none is lost.
    pub(crate) fn change_key(
        &self,
        session: u64,
        handle: u64,
        change: impl FnOnce(&KeyEntry) -> Result<Arc<KeyEntry>, Refusal>,
    ) -> Result<(), Refusal> {
        let session = self.by_id.get(&session).ok_or(NO_SUCH_SESSION)?;
        let mut inner = session.inner();
        if inner.is_becoming_token(handle) {
            return Err(BUSY);
        }
        let entry = inner.keys.get(&handle).ok_or_else(Refusal::no_such_key)?;
        let changed = change(entry)?;
        inner.keys.insert(handle, changed);
        Ok(())
    }

    /// A crypto user that goes leaves the lists of whom session keys are shared with once they are token keys.
    pub(crate) fn end_shares(&self, name: &str) {
        for session in self.by_id.values() {
            for entry in session.inner().keys.values_mut() {
                if let (true, Some(live)) =
                    (entry.record.shared_with.iter().any(|other| other == name), &entry.live)
                {
                    let mut record = entry.record.clone();
                    record.shared_with.retain(|other| other != name);
                    *entry = KeyEntry::live(record, live.clone());
                }
            }
        }
    }

    /// The session's challenge for a new public key is answered.
    pub(crate) fn end_registration(&self, session: u64) {
        if let Some(session) = self.by_id.get(&session) {
            session.inner().registration = None;
        }
    }

    /// Takes a session key away.
    pub(crate) fn forget_key(&self, session: u64, handle: u64) {
        if let Some(session) = self.by_id.get(&session) {
            let mut inner = session.inner();
            inner.keys.remove(&handle);
            inner.becoming_tokens.remove(&handle);
        }
    }

    /// Logs a session out.
    pub(crate) fn log_out(session: &Session) {
        session.inner().log_out();
    }

    /// Sessions in which a user is logged in.
    pub(crate) fn of_user<'a>(&'a self, user: &'a UserRef) -> impl Iterator<Item = &'a Arc<Session>> {
        self.by_id.values().filter(move |session| session.inner().login.as_ref() == Some(user))
    }

    /// Sessions in which a user is logged in, or half so.
    pub(crate) fn of_user_or_half(&self, user: &UserRef) -> Vec<Arc<Session>> {
        let belongs = |session: &&Arc<Session>| {
            let inner = session.inner();
            inner.login.as_ref() == Some(user)
                || inner.half_login.as_ref().is_some_and(|half| half.what.user == *user)
        };
        self.by_id.values().filter(belongs).cloned().collect()
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many session keys there are.
    pub(crate) fn session_keys(&self) -> usize {
        self.by_id.values().map(|session| session.inner().keys.len()).sum()
    }
}
