//! The client for programs with a tokio runtime: many calls at a time, over one connection to each HSM.

mod ask;
mod channel;
mod each;
mod enter;
mod refusals;
mod source;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use strongroom_crypto::random;
use strongroom_hsm_proto::command::{Approval, Command, Cursor, Failure, Reply, Welcome};
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_secret::SecretString;

use crate::availability::{Availability, Next};
use crate::cursor::Highest;
use crate::error::Reason;
use crate::keys::{Confirmed, Place, SessionKeys};
use crate::login::{Credentials, same_user};
use crate::moment::{millis, now_ms};
use crate::options::{KnownServer, another_cluster};
use crate::roster::{MemberId, Roster};
use crate::{ClientError, Options, Server, routing};
use channel::Channel;
use each::all;
use refusals::Refusals;

/// A client of a whole cluster, for one user. Clones are the same client.
///
/// Each HSM is connected to, and logged in at, when a call first goes there, and again when its connection was lost.
/// An HSM that refuses the user is left out, and others are asked. The password is shown to it again when its state
/// has changed, and then only a few times before [`Pool::connect`] is called: wrong passwords lock a user. A log-in
/// that is not answered counts as a refusal, unless the password is known to be right. Whoever
/// changes the user's own password through the pool goes on with the new one.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    options: Options,
    clocks: Clocks,
    shutdown: Shutdown,
    state: Mutex<State>,
    is_closed: AtomicBool,
}

/// Never locked across a wait.
struct State {
    roster: Roster,
    highest: Highest,
    links: Vec<Arc<Link>>,
    /// The cluster, as the options or the first HSM said.
    cluster_id: Option<String>,
    session_keys: SessionKeys,
    confirmed: Confirmed,
    credentials: Option<Credentials>,
    /// HSMs that refuse the user, or do not say.
    refusals: Refusals,
}

/// What there is with one HSM. Whoever connects holds the lock, and others wait for the connection.
#[derive(Default)]
struct Link {
    slot: tokio::sync::Mutex<Slot>,
    /// Counts the connections, and the attempts to make one.
    connections: AtomicU64,
    /// Counts those attempts that failed.
    failures: AtomicU64,
    /// The connection that was made last, for whoever only looks.
    latest: Mutex<Weak<Channel>>,
}

/// What came of the last attempt to connect.
#[derive(Default)]
struct Slot {
    channel: Option<Arc<Channel>>,
    trouble: Option<Trouble>,
}

/// Why one HSM did not do it.
#[derive(Clone, Debug)]
enum Trouble {
    Broken(Reason),
    Refused(Failure),
    /// It refuses the user, or gives him no session: the call itself was not asked.
    NotLetIn(Failure),
    SecondFactor,
}

impl Pool {
    /// A client of the cluster that `options` says, as a user, or as nobody. Only the addresses are looked at.
    pub fn new(
        options: Options,
        credentials: Option<Credentials>,
        clocks: Clocks,
        shutdown: Shutdown,
    ) -> Result<Self, ClientError> {
        if options.servers.is_empty() {
            return Err(ClientError::Configuration("no address of an HSM is configured".to_owned()));
        }
        let servers: Vec<_> =
            options.servers.iter().map(|known| (known.server.clone(), known.learned)).collect();
        let [turn] = random::bytes::<1>()?;
        let state = State {
            roster: Roster::new(&servers, turn.into()),
            highest: Highest::default(),
            links: Vec::new(),
            cluster_id: options.cluster_id.clone(),
            session_keys: SessionKeys::default(),
            confirmed: Confirmed::default(),
            credentials,
            refusals: Refusals::default(),
        };
        let state = Mutex::new(state);
        Ok(Self(Arc::new(Inner { options, clocks, shutdown, state, is_closed: AtomicBool::new(false) })))
    }

    /// Connects to every HSM that can be reached, and logs in. How many let the user in is the answer; if none does,
    /// it fails with what one of them says of the user, or with why none can be reached.
    pub async fn connect(&self) -> Result<usize, ClientError> {
        self.0.check_open()?;
        self.0.state().refusals.clear();
        let until = self.0.deadline();
        let mut connected = 0;
        let mut refused = None;
        let mut last = None;
        let mut asked = 0;
        loop {
            // Those that are asked name others.
            let next: Vec<_> = self.0.state().roster.ids().skip(asked).collect();
            if next.is_empty() {
                break;
            }
            asked += next.len();
            // All at a time: one that says nothing costs the others none of the time.
            for channel in all(next.into_iter().map(|id| self.0.channel(id, until)).collect()).await {
                match channel {
                    Ok(_) => connected += 1,
                    Err(Trouble::NotLetIn(failure)) => refused = Some(failure.into()),
                    Err(trouble) => last = Some(trouble.into()),
                }
            }
        }
        match refused.or(last) {
            Some(error) if connected == 0 => Err(error),
            _ => Ok(connected),
        }
    }

    /// Asks for something that needs no approvals.
    pub async fn call(&self, command: Command) -> Result<Reply, ClientError> {
        self.call_approved(command, Vec::new()).await
    }

    /// Asks for something that others have approved. As [`Cluster`](crate::Cluster) does: a change takes effect
    /// once, and a key of the cluster is told to be made when a second HSM has it.
    pub async fn call_approved(
        &self,
        command: Command,
        approvals: Vec<Approval>,
    ) -> Result<Reply, ClientError> {
        let inner = &self.0;
        let until = inner.deadline();
        let only = {
            let state = inner.state();
            state.session_keys.route(&command, |place| state.is_alive(place))?
        };
        if inner.options.check_keys_in_use && routing::needs_available_keys(&command) {
            inner.check_available(&routing::keys_used(&command), until).await?;
        }
        let mut call = routing::call(command, approvals)?;
        let (member, connection, reply) = inner.attempt(&mut call, only, until).await?;
        let Some(command) = &call.command else { return Ok(reply) };
        let consequences = routing::consequences(command, &reply);
        {
            let mut state = inner.state();
            state.session_keys.note(&consequences, Place { member, session: connection });
            state.note_password(command);
        }
        if !consequences.cluster_keys.is_empty() && inner.options.check_key_availability {
            inner.confirm(&consequences.cluster_keys, Some(member), until).await?;
        }
        Ok(reply)
    }

    /// Ends all connections, and with them the user's sessions at the HSMs. Calls that are under way, and all later
    /// ones, fail with [`ClientError::Closed`].
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        self.0.state().close_channels();
    }

    /// Names HSMs that may be new: those that a cluster has been given since.
    pub fn learn(&self, servers: impl IntoIterator<Item = Server>) {
        self.0.state().learn(None, servers);
    }

    /// The addresses to begin with next time; see [`Cluster::servers`](crate::Cluster::servers).
    pub fn servers(&self) -> Vec<KnownServer> {
        self.0.state().roster.worth_keeping()
    }

    /// The highest state that was seen.
    pub fn cursor(&self) -> Option<Cursor> {
        self.0.state().highest.get()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_open(&self) -> Result<(), ClientError> {
        if self.is_closed.load(Ordering::SeqCst) { Err(ClientError::Closed) } else { Ok(()) }
    }

    fn deadline(&self) -> u64 {
        now_ms(&self.clocks).saturating_add(millis(self.options.timeouts.call))
    }

    fn link(&self, id: MemberId) -> Arc<Link> {
        let mut state = self.state();
        if state.links.len() <= id.0 {
            state.links.resize_with(id.0 + 1, Arc::default);
        }
        Arc::clone(&state.links[id.0])
    }

    /// Takes note of a welcome, or tells why it is none.
    fn welcomed(&self, id: MemberId, welcome: &Welcome) -> Result<(), Reason> {
        let mut state = self.state();
        let expected = state.cluster_id.get_or_insert_with(|| welcome.cluster_id.clone());
        if *expected != welcome.cluster_id {
            return Err(another_cluster(&welcome.cluster_id, expected));
        }
        state.highest.note(welcome.cursor.as_ref());
        state.roster.welcomed(id, welcome.hsm_id.clone(), welcome.load);
        state.learn(Some(id), welcome.peers.iter().filter_map(|peer| peer.parse().ok()));
        Ok(())
    }

    /// Keys are about to be used.
    async fn check_available(&self, keys: &[u64], until: u64) -> Result<(), ClientError> {
        if !self.options.check_key_availability {
            return Ok(());
        }
        let unknown: Vec<u64> = {
            let state = self.state();
            let is_unknown =
                |key: &&u64| !state.session_keys.contains(**key) && !state.confirmed.contains(**key);
            keys.iter().filter(is_unknown).copied().collect()
        };
        if unknown.is_empty() { Ok(()) } else { self.confirm(&unknown, None, until).await }
    }

    /// Asks HSM after HSM until enough have the keys.
    async fn confirm(&self, keys: &[u64], maker: Option<MemberId>, until: u64) -> Result<(), ClientError> {
        let mut search = Availability::of(keys, maker, until);
        loop {
            let next = search.next(&mut self.state().roster, now_ms(&self.clocks));
            match next {
                Next::Ask(id) => match self.ask(id, &mut search.call(), until).await {
                    Ok((_, reply)) => search.answered(id, &reply),
                    Err(Trouble::Refused(failure) | Trouble::NotLetIn(failure)) => {
                        search.refused(failure.code());
                    }
                    Err(Trouble::Broken(_)) => search.broke(),
                    Err(Trouble::SecondFactor) => search.login_lost(),
                },
                Next::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Next::Enough => {
                    let mut state = self.state();
                    for key in keys {
                        state.confirmed.add(*key);
                    }
                    return Ok(());
                }
                Next::LeftToTheCall => return Ok(()),
                Next::TooFew => return Err(search.too_few()),
            }
        }
    }
}

impl Link {
    /// Ends the connection that there is.
    fn close(&self) {
        if let Some(channel) = self.latest.lock().unwrap_or_else(PoisonError::into_inner).upgrade() {
            channel.close();
        }
    }
}

impl State {
    /// Whether a session is the one that there is at its HSM.
    fn is_alive(&self, place: Place) -> bool {
        let Some(link) = self.links.get(place.member.0) else { return false };
        let latest = link.latest.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        latest.is_some_and(|channel| channel.number == place.session && !channel.is_closed())
    }

    fn close_channels(&self) {
        self.links.iter().for_each(|link| link.close());
    }

    /// Takes note of HSMs that `from`, or somebody else, has named.
    fn learn(&mut self, from: Option<MemberId>, servers: impl IntoIterator<Item = Server>) {
        for replaced in self.roster.learn(from, servers) {
            self.refusals.forget(replaced);
            if let Some(link) = self.links.get_mut(replaced.0) {
                link.close();
                // Session keys are where a connection of that number is: none has it twice.
                let connections = AtomicU64::new(link.connections.load(Ordering::SeqCst));
                *link = Arc::new(Link { connections, ..Link::default() });
            }
        }
    }

    /// A command is done: perhaps the user's own password is another one now.
    fn note_password(&mut self, command: &Command) {
        if let (Some(credentials), Some((username, role, password))) =
            (&mut self.credentials, routing::new_password(command))
            && same_user(credentials, username, role)
        {
            credentials.password = SecretString::new(password.to_owned());
            self.refusals.begin_anew();
        }
    }
}

impl From<Trouble> for ClientError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Broken(reason) => Self::Unreachable(reason.text),
            Trouble::Refused(failure) | Trouble::NotLetIn(failure) => failure.into(),
            Trouble::SecondFactor => Self::LoginLost,
        }
    }
}
