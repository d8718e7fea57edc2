//! Last uses of access keys, roles and services, read out of the journal: a call writes nothing but its record.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use strongroom_identity::AccountId;
use strongroom_journal::{IdentityKind, JournalError, Position, Reader, Record};
use strongroom_runtime::Shutdown;
use strongroom_store::{Db, StoreError};
use tokio::sync::{Mutex, MutexGuard};

use crate::domain::service_access::namespace_of;
use crate::error::Refusal;
use crate::repo;

/// Records read before what they tell is kept.
const BATCH: usize = 20_000;

/// How often the journal is read on, also if nobody asks: who asks then waits for little.
const PAUSE: Duration = Duration::from_secs(30);

/// How long a caller waits for the journal to be read to its end. What it has not come to by then shows in a
/// later answer, as it may with AWS.
const PATIENCE: Duration = Duration::from_secs(5);

/// The last use of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The service's name in actions, for example `kms`.
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) used_ms: i64,
}

/// The last use of a role, by a session of it, or of a service by a user or role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegionalUse {
    pub(crate) region: String,
    pub(crate) used_ms: i64,
}

/// A user or role, by its account and its unique id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EntityKey {
    pub(crate) account: String,
    pub(crate) id: String,
}

/// How far the journal has been read for uses of access keys, and the reading on.
pub(crate) struct Uses {
    db: Db,
    journal: RwLock<Reader>,
    /// One reads at a time.
    reading: Mutex<()>,
}

/// While it is held, the journal is not read for uses of access keys.
pub struct Quiet<'u> {
    _reading: MutexGuard<'u, ()>,
}

/// The uses that a stretch of the journal tells, each key's, role's and service's last, and where the stretch ends.
#[derive(Default)]
struct Stretch {
    uses: HashMap<String, Use>,
    roles: HashMap<EntityKey, RegionalUse>,
    services: HashMap<(EntityKey, String), RegionalUse>,
    end: Option<Position>,
    records: usize,
}

impl Uses {
    pub(crate) fn new(db: Db, journal: Reader) -> Self {
        Self { db, journal: RwLock::new(journal), reading: Mutex::default() }
    }

    pub(crate) async fn quiet(&self) -> Quiet<'_> {
        Quiet { _reading: self.reading.lock().await }
    }

    pub(crate) fn start_over(&self, _quiet: Quiet<'_>, journal: Reader) {
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal;
    }

    /// The last use of an access key that the journal tells.
    pub(crate) async fn last(&self, access_key_id: &str) -> Result<Option<Use>, Refusal> {
        self.hurry().await?;
        Ok(repo::uses::find(&self.db, access_key_id).await?)
    }

    /// The last uses of an account's access keys that the journal tells, by their ids.
    pub(crate) async fn of_account(&self, account: AccountId) -> Result<BTreeMap<String, Use>, Refusal> {
        self.hurry().await?;
        Ok(repo::uses::of_account(&self.db, account).await?)
    }

    /// The last use of a role, as far as the journal has been read: it is read on every half minute.
    pub(crate) async fn of_role(&self, role_id: &str) -> Result<Option<RegionalUse>, Refusal> {
        Ok(repo::uses::of_role(&self.db, role_id).await?)
    }

    /// The same of all of an account's roles, by their ids.
    pub(crate) async fn of_roles(
        &self,
        account: AccountId,
    ) -> Result<BTreeMap<String, RegionalUse>, Refusal> {
        Ok(repo::uses::of_roles(&self.db, account).await?)
    }

    /// The last uses of services by an account's users and roles, by their ids and the service.
    pub(crate) async fn of_services(
        &self,
        account: AccountId,
    ) -> Result<HashMap<(String, String), RegionalUse>, Refusal> {
        self.hurry().await?;
        Ok(repo::service_uses::of_account(&self.db, account).await?)
    }

    /// Reads the journal to its end, unless that takes too long.
    async fn hurry(&self) -> Result<(), Refusal> {
        if let Ok(caught_up) = tokio::time::timeout(PATIENCE, self.catch_up()).await {
            caught_up?;
        } else {
            tracing::warn!("reading the journal for the uses of access keys lags behind");
        }
        Ok(())
    }

    /// The record up to which a server's journal has been read.
    pub(crate) async fn read_to(&self, chain: &str) -> Result<Option<Position>, StoreError> {
        repo::uses::reading(&self.db, chain).await
    }

    /// Reads the journal on, until the shutdown begins.
    pub(crate) async fn follow(&self, shutdown: Shutdown) {
        let begun = shutdown.begun();
        tokio::pin!(begun);
        loop {
            tokio::select! {
                () = begun.as_mut() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Err(error) = self.catch_up().await {
                tracing::warn!(?error, "the journal was not read for the uses of access keys");
            }
        }
    }

    /// Reads the journal to its end: each server's, where several share the store.
    async fn catch_up(&self) -> Result<(), Refusal> {
        let _one = self.reading.lock().await;
        let journal = self.journal.read().unwrap_or_else(PoisonError::into_inner).clone();
        let listing = journal.clone();
        for chain in blocking(move || listing.chains()).await? {
            self.catch_up_with(journal.clone().of_chain(&chain), &chain).await?;
        }
        Ok(())
    }

    async fn catch_up_with(&self, journal: Reader, chain: &str) -> Result<(), Refusal> {
        loop {
            let after = repo::uses::reading(&self.db, chain).await?;
            let reader = journal.clone();
            let stretch = blocking(move || read(&reader, after)).await?;
            let Some(end) = stretch.end else { return Ok(()) };
            let last = stretch.records < BATCH;
            let (uses, roles) = (Vec::from_iter(stretch.uses), Vec::from_iter(stretch.roles));
            let services = Vec::from_iter(stretch.services);
            let told = &repo::uses::Told { uses: &uses, roles: &roles, services: &services };
            let moved = repo::uses::Moved { chain, after, end };
            let kept =
                self.db.transaction(|tx| Box::pin(async move { repo::uses::keep(tx, told, moved).await }));
            // Where another server was there first, what there is behind what it read is still to be read.
            if kept.await? && last {
                return Ok(());
            }
        }
    }
}

/// Reads where it may block: on the disk, or on the store.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Refusal> {
    let read = tokio::task::spawn_blocking(read).await;
    Ok(read.map_err(|_| Refusal::internal("reading the journal was interrupted"))??)
}

/// Reads at most a batch of records, and whatever is damaged between them.
fn read(journal: &Reader, after: Option<Position>) -> Result<Stretch, JournalError> {
    let mut stretch = Stretch::default();
    for record in journal.records(after)?.past_damage().take(BATCH) {
        let (position, record) = match record {
            Ok(found) => found,
            // What is before it counts; what comes after is still to be read.
            Err(_) if stretch.records > 0 => break,
            Err(error) => return Err(error),
        };
        stretch.records += 1;
        stretch.end = Some(position);
        if let Some((entity, is_role, last)) = of_entity(&record) {
            let service = namespace_of(&record.event_source).to_owned();
            stretch.services.insert((entity.clone(), service), last.clone());
            if is_role {
                stretch.roles.insert(entity, last);
            }
        }
        if let Some((access_key_id, last)) = of_record(record) {
            stretch.uses.insert(access_key_id, last);
        }
    }
    Ok(stretch)
}

/// The user who made a call, or the role whose session did, and whether it is a role.
fn of_entity(record: &Record) -> Option<(EntityKey, bool, RegionalUse)> {
    let identity = &record.identity;
    let principal_id = identity.principal_id.as_deref()?;
    let (id, is_role) = match identity.kind? {
        IdentityKind::IamUser => (principal_id, false),
        IdentityKind::AssumedRole => (principal_id.split_once(':')?.0, true),
        _ => return None,
    };
    let key = EntityKey { account: identity.account_id.clone()?, id: id.to_owned() };
    let last = RegionalUse { region: record.aws_region.clone(), used_ms: record.event_time_ms };
    Some((key, is_role, last))
}

/// The access key that signed a call. Calls that were refused are uses too.
fn of_record(record: Record) -> Option<(String, Use)> {
    let access_key_id = record.identity.access_key_id?;
    let service = record.event_source.split('.').next().unwrap_or_default().to_owned();
    Some((access_key_id, Use { service, region: record.aws_region, used_ms: record.event_time_ms }))
}
