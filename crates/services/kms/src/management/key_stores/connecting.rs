//! Connecting a key store, and disconnecting it: the work that its state stands for.
//!
//! `kmsuser`'s password is changed in two steps: the new one is in the store before the HSMs know it, and takes the
//! old one's place after. Whatever happens in between, the HSMs take one of the two that the store has:
//!
//! 1. log in with the current password, or with the pending one; that was in force, so it is current now;
//! 2. unless one is pending that is not in force, make a new one and write it down as pending;
//! 3. have the HSMs change to it;
//! 4. write it down as current, and the key store as CONNECTED.
//!
//! If it is open whether they have changed to it, the first three are done once more, with the pending one tried first.

use std::sync::Arc;
use std::time::Duration;

use strongroom_hsm_client::{ClientError, Server};
use strongroom_hsm_proto::command::{
    ChangePassword, Command, FailureCode, ListUsers, Result as Answered, Role, UserDescription,
};
use strongroom_secret::SecretString;
use strongroom_service::ApiError;

use super::credentials::random_password;
use super::lines::Line;
use super::{KeyStores, credentials, recording};
use crate::clusters::{Cluster, ClusterAddress};
use crate::domain::identifier::Home;
use crate::domain::key_store::{ConnectionError, ConnectionState, KMS_USER, KeyStore};
use crate::error::Refusal;
use crate::management::random_id;
use crate::repo;

/// How long a call may take while a key store is connected: passwords are hashed, on HSMs that may have just started.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a cluster out of reach is tried before the attempt to connect has failed.
const TRIES: u32 = 3;

/// How often HSMs are asked whether `kmsuser` is still logged in elsewhere, and how long between. The sessions of a
/// server that was killed end some moments after it.
const LOGIN_TRIES: u32 = 25;
const LOGIN_PAUSE: Duration = Duration::from_millis(200);

/// Why an attempt to connect ends.
enum Stop {
    /// The key store is FAILED.
    Failed(ConnectionError),
    /// The HSMs were to change the password, and it is open whether they have: so the key store would be FAILED.
    Unsure(ConnectionError),
    /// Somebody has changed the key store meanwhile: it is not to be connected any more, or another has done it.
    Overtaken,
    /// The store does not answer: the attempt is made again later.
    Later(Refusal),
}

/// The passwords that the store has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Current,
    Pending,
}

impl From<ConnectionError> for Stop {
    fn from(error: ConnectionError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Later(refusal)
    }
}

/// What came of the work on a key store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// There is nothing to do, or somebody else does it.
    Left,
    /// The key store has come to another state.
    Done,
    /// The key store is connected now, and was not before.
    Connected,
}

impl KeyStores {
    /// Does what the key store's state asks for.
    pub(super) async fn take_up(&self, store: KeyStore, line: &Line) -> Result<Work, Refusal> {
        match store.state {
            ConnectionState::Connecting => self.connect(store, line).await,
            ConnectionState::Disconnecting => self.disconnect(&store, line).await.map(|()| Work::Done),
            ConnectionState::Connected | ConnectionState::Failed | ConnectionState::Disconnected => {
                Ok(Work::Left)
            }
        }
    }

    async fn connect(&self, store: KeyStore, line: &Line) -> Result<Work, Refusal> {
        let (home, id) = (store.home.clone(), store.id.clone());
        let ended = match self.faults.take(&id) {
            Some(error) => Err(error.into()),
            None => self.try_to_connect(store, line).await,
        };
        match ended {
            Ok(()) => {
                tracing::info!(store = id, "a key store is connected");
                Ok(Work::Connected)
            }
            // Another server may still be at it: there is something to do at once only in another state.
            Err(Stop::Overtaken) => {
                let found = repo::key_stores::find(&self.db, &self.mac, &home, &id).await?;
                let is_wanted = found.is_some_and(|found| found.state == ConnectionState::Connecting);
                Ok(if is_wanted { Work::Left } else { Work::Done })
            }
            Err(Stop::Later(refusal)) => Err(refusal),
            Err(Stop::Failed(error) | Stop::Unsure(error)) => {
                tracing::warn!(store = id, error = error.as_str(), "a key store cannot be connected");
                let now_ms = self.clocks.domain_now();
                let settled = self.alter(&home, &id, |store| store.connected(Some(error), now_ms)).await;
                line.hang_up();
                settled.map(|_| Work::Done)
            }
        }
    }

    async fn try_to_connect(&self, store: KeyStore, line: &Line) -> Result<(), Stop> {
        let facts = self.calls.cluster(&store.home, &store.cluster_id).await?;
        let facts = facts.ok_or(ConnectionError::ClusterNotFound)?;
        if !facts.is_served() {
            return Err(ConnectionError::InsufficientHsms.into());
        }
        self.calls.move_in(&store, &facts).await.map_err(|error| of_network(&store, &error))?;
        let address = ClusterAddress { deadline: PATIENCE, ..self.address(&store, &facts).await? };
        // Before a password is shown to anybody: wrong ones are counted.
        self.look_at_user(&address).await?;
        let (store, client, password) = match self.rotate(store.clone(), &address, Known::Current).await {
            // The answer was lost; or an HSM that was behind has let in the former password, and the others know the
            // pending one only.
            Err(Stop::Unsure(_)) => {
                let store = self.seen_again(&store).await?;
                self.rotate(store, &address, Known::Pending).await?
            }
            rotated => rotated?,
        };
        // Every HSM is shown how far the cluster is before it is shown the new password.
        drop(client.cluster.call_each(Command::ListUsers(ListUsers {})).await);
        drop(client);
        let servers = address.servers.clone();
        let client = self.dial_for_use(address, password).await?;
        self.settle(store, servers, client, line).await
    }

    /// Logs in, and has the password changed.
    async fn rotate(
        &self,
        store: KeyStore,
        address: &ClusterAddress,
        first: Known,
    ) -> Result<(KeyStore, Closing, SecretString), Stop> {
        let (store, client) = self.log_in(store, address, first).await?;
        let (store, password) = self.change_password(store, &client.cluster).await?;
        Ok((store, client, password))
    }

    /// A key store that is to be connected, as it is after a part of that was done.
    async fn seen_again(&self, store: &KeyStore) -> Result<KeyStore, Stop> {
        let found = repo::key_stores::find(&self.db, &self.mac, &store.home, &store.id).await;
        let found = found.map_err(Refusal::from)?;
        found.filter(|found| found.state == ConnectionState::Connecting).ok_or(Stop::Overtaken)
    }

    /// Judges `kmsuser` by what HSMs tell anybody.
    async fn look_at_user(&self, address: &ClusterAddress) -> Result<(), Stop> {
        let cluster = self.dialer.dial(address.clone(), None).map_err(|error| of_client(&error))?;
        let client = Closing::new(cluster);
        // Who has made the user may have asked another HSM than the one that is asked here, which may be behind: it
        // is shown the furthest that any of them has come.
        patiently(|| client.cluster.connect()).await.map_err(|error| of_client(&error))?;
        let users = patiently(|| client.cluster.call(Command::ListUsers(ListUsers {}))).await;
        let users = match users.map_err(|error| of_client(&error))?.result {
            Some(Answered::Users(list)) => list.users,
            _ => return Err(ConnectionError::InternalError.into()),
        };
        let is_kms = |user: &&UserDescription| {
            user.username.eq_ignore_ascii_case(KMS_USER) && user.role == i32::from(Role::CryptoUser)
        };
        match users.iter().find(is_kms) {
            None => Err(ConnectionError::UserNotFound.into()),
            Some(user) if user.locked => Err(ConnectionError::UserLockedOut.into()),
            // Nobody is there to give the second factor.
            Some(user) if user.mfa => Err(ConnectionError::InvalidCredentials.into()),
            Some(_) => Ok(()),
        }
    }

    /// Logs in with the one of the two passwords that is in force, which is the current one then.
    async fn log_in(
        &self,
        store: KeyStore,
        address: &ClusterAddress,
        first: Known,
    ) -> Result<(KeyStore, Closing), Stop> {
        let order = match first {
            Known::Current => [Known::Current, Known::Pending],
            Known::Pending => [Known::Pending, Known::Current],
        };
        for which in order {
            let password = match which {
                Known::Current => &store.password,
                Known::Pending => &store.pending_password,
            };
            let Some(password) = password else { continue };
            match self.enter(&store, address, password).await {
                Err(Stop::Failed(ConnectionError::InvalidCredentials)) => {}
                Err(stop) => return Err(stop),
                Ok(client) if which == Known::Current => return Ok((store, client)),
                // An attempt before this one ended between the two steps.
                Ok(client) => return Ok((self.alter_if(&store, KeyStore::promote).await?, client)),
            }
        }
        Err(ConnectionError::InvalidCredentials.into())
    }

    /// Logs in with that password at every HSM within reach.
    async fn enter(
        &self,
        store: &KeyStore,
        address: &ClusterAddress,
        password: &[u8],
    ) -> Result<Closing, Stop> {
        let password = self.passwords.open(store, password)?;
        let cluster = self.dialer.dial(address.clone(), Some(credentials(password)));
        let client = Closing::new(cluster.map_err(|error| of_client(&error))?);
        patiently(|| client.cluster.connect()).await.map_err(|error| of_client(&error))?;
        Ok(client)
    }

    /// Has the HSMs change the password to one that nobody else knows. It is pending until the key store is CONNECTED.
    async fn change_password(
        &self,
        mut store: KeyStore,
        cluster: &Arc<dyn Cluster>,
    ) -> Result<(KeyStore, SecretString), Stop> {
        if store.pending_password.is_none() {
            let pending = self.passwords.seal(&store, random_password()?.expose())?;
            store = self.alter_if(&store, |store| store.pending_password = Some(pending.clone())).await?;
        }
        let pending = store.pending_password.clone().ok_or(Stop::Overtaken)?;
        let password = self.passwords.open(&store, &pending)?;
        let change = || {
            cluster.call(Command::ChangePassword(ChangePassword {
                username: KMS_USER.to_owned(),
                role: Role::CryptoUser.into(),
                password: password.expose().clone(),
                deregister_mfa: false,
                deregister_quorum: false,
            }))
        };
        let mut changed = change().await;
        for _ in 1..LOGIN_TRIES {
            if !matches!(&changed, Err(error) if error.code() == Some(FailureCode::InUse)) {
                break;
            }
            tokio::time::sleep(LOGIN_PAUSE).await;
            changed = change().await;
        }
        changed.map(|_| (store, password)).map_err(|error| match (of_client(&error), &error) {
            // Nobody was asked.
            (code, ClientError::Unreachable(_)) => code.into(),
            (code @ (ConnectionError::InvalidCredentials | ConnectionError::NetworkErrors), _) => {
                Stop::Unsure(code)
            }
            (code, _) => code.into(),
        })
    }

    /// The client that callers' calls go through. Where an HSM is not reached now, it is when it is needed.
    async fn dial_for_use(&self, address: ClusterAddress, password: SecretString) -> Result<Closing, Stop> {
        let address = ClusterAddress { deadline: self.deadline, ..address };
        let cluster = self.dialer.dial(address, Some(credentials(password)));
        let client = Closing::new(cluster.map_err(|error| of_client(&error))?);
        if let Err(error) = client.cluster.connect().await {
            tracing::warn!(%error, "the HSMs of a key store are not reached with its new password yet");
        }
        Ok(client)
    }

    /// The HSMs have the new password: it is the current one, and the key store is connected.
    async fn settle(
        &self,
        store: KeyStore,
        servers: Vec<Server>,
        client: Closing,
        line: &Line,
    ) -> Result<(), Stop> {
        let now_ms = self.clocks.domain_now();
        let pending = store.pending_password;
        let connected = self
            .alter(&store.home, &store.id, |store| {
                // Also if it was to be disconnected meanwhile: the password is what it is.
                let now = store.pending_password.as_deref();
                let is_ours = self.passwords.are_same(store, now, pending.as_deref());
                if is_ours {
                    store.promote();
                    store.connected(None, now_ms);
                }
                is_ours
            })
            .await?;
        match connected.filter(|store| store.state == ConnectionState::Connected) {
            Some(store) => {
                line.keep(&store, servers, client.keep());
                Ok(())
            }
            None => Err(Stop::Overtaken),
        }
    }

    async fn disconnect(&self, store: &KeyStore, line: &Line) -> Result<(), Refusal> {
        line.hang_up();
        let moved = self.calls.move_out(store).await;
        moved.map_err(|error| Refusal::Internal(error.into()))?;
        let now_ms = self.clocks.domain_now();
        self.alter(&store.home, &store.id, |store| store.disconnected(now_ms)).await?;
        tracing::info!(store = store.id, "a key store is disconnected");
        Ok(())
    }

    /// Changes a key store whose connecting has come so far, if nobody has changed it meanwhile.
    async fn alter_if(
        &self,
        seen: &KeyStore,
        act: impl Fn(&mut KeyStore) + Send + Sync,
    ) -> Result<KeyStore, Stop> {
        let altered = self.alter(&seen.home, &seen.id, |store| {
            // Not by what is sealed in it: a rotation of the seal is no change.
            let is_same = store.version == seen.version;
            if is_same {
                act(store);
            }
            is_same
        });
        altered.await?.ok_or(Stop::Overtaken)
    }

    /// Changes a key store as KMS does by itself; a new state is recorded. `act` answers whether there is a change; it
    /// may run more than once. Answers the key store as it is then, if there was one.
    pub(super) async fn alter(
        &self,
        home: &Home,
        id: &str,
        act: impl Fn(&mut KeyStore) -> bool + Send + Sync,
    ) -> Result<Option<KeyStore>, Refusal> {
        let (act, event_id) = (&act, random_id()?);
        let altered = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(before) = repo::key_stores::load(tx, &self.mac, home, id).await? else {
                    return Ok::<_, Refusal>(None);
                };
                let mut store = before.clone();
                if !act(&mut store) {
                    return Ok(None);
                }
                repo::key_stores::replace(tx, &self.mac, &mut store).await?;
                let record =
                    (store.state != before.state).then(|| recording::state_changed(&store, event_id));
                let draft = record.as_ref().map(|record| self.outbox.draft(record));
                repo::post(tx, draft.as_ref()).await?;
                Ok(Some((store, record)))
            })
        });
        let altered = altered.await;
        self.forget(home, id);
        let Some((store, record)) = altered? else { return Ok(None) };
        if let Some(record) = record
            && let Err(error) = self.outbox.record(record, true).await
        {
            tracing::warn!(store = id, %error, "the record of a key store's new state is still to be written");
        }
        Ok(Some(store))
    }
}

/// A client that is closed unless somebody keeps it.
struct Closing {
    cluster: Arc<dyn Cluster>,
    kept: bool,
}

impl Closing {
    fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self { cluster, kept: false }
    }

    fn keep(mut self) -> Arc<dyn Cluster> {
        self.kept = true;
        self.cluster.clone()
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if !self.kept {
            self.cluster.close();
        }
    }
}

/// Asks again while nobody can be reached.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut answer = ask().await;
    for _ in 1..TRIES {
        if !matches!(answer, Err(ClientError::Unreachable(_) | ClientError::DeadlineExceeded(_))) {
            break;
        }
        answer = ask().await;
    }
    answer
}

/// What an HSM's refusal, or its silence, means for the key store.
fn of_client(error: &ClientError) -> ConnectionError {
    match (error, error.code()) {
        (ClientError::Unreachable(_) | ClientError::DeadlineExceeded(_), _) => ConnectionError::NetworkErrors,
        (ClientError::LoginLost, _) => ConnectionError::InvalidCredentials,
        (_, Some(FailureCode::LoginFailed | FailureCode::ChallengeFailed | FailureCode::NotLoggedIn)) => {
            ConnectionError::InvalidCredentials
        }
        (_, Some(FailureCode::Locked)) => ConnectionError::UserLockedOut,
        (_, Some(FailureCode::NoSuchUser)) => ConnectionError::UserNotFound,
        (_, Some(FailureCode::InUse)) => ConnectionError::UserLoggedIn,
        (_, Some(FailureCode::Busy | FailureCode::Behind | FailureCode::DeadlineExceeded)) => {
            ConnectionError::NetworkErrors
        }
        _ => {
            tracing::warn!(%error, "a cluster refuses KMS");
            ConnectionError::InternalError
        }
    }
}

/// What EC2's refusal means for the key store.
fn of_network(store: &KeyStore, error: &ApiError) -> ConnectionError {
    match error.query_code() {
        "InvalidSubnetID.NotFound" => ConnectionError::SubnetNotFound,
        "InsufficientFreeAddressesInSubnet" => ConnectionError::InsufficientFreeAddresses,
        other => {
            tracing::warn!(store = store.id, code = other, %error, "EC2 refuses KMS");
            ConnectionError::InternalError
        }
    }
}
