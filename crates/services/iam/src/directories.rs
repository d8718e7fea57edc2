//! Directories kept: read from the store once, and held in memory as long as they are current.
//!
//! On SQLite nobody else writes, so what is in memory is current, and asking for it asks no database: every
//! change goes through here, and a directory that a change has made doubtful is dropped before it can be seen.
//! On PostgreSQL the version is looked up each time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_identity::AccountId;
use strongroom_store::{Db, Engine, RowMac, StoreError};

use crate::domain::directory::Directory;
use crate::permissions::Compiled;
use crate::repo::directories::{self as rows, Root};

/// Directories kept in memory. The largest that quotas allow takes some tens of megabytes, a usual one a few
/// kilobytes.
const KEPT: usize = 256;

/// How often a directory that changes while it is read is read again.
const ATTEMPTS: usize = 20;

/// The directories of all accounts.
pub(crate) struct Directories {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    /// What the users and roles in them may do.
    pub(crate) compiled: Compiled,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    directories: HashMap<AccountId, Arc<Directory>>,
    /// Counts what has been dropped: what was read before is not kept after.
    dropped: u64,
}

/// What had been dropped when a read or a change began.
#[derive(Clone, Copy)]
pub(crate) struct Ticket(u64);

/// A change to a directory that is under way. Unless it is settled, what is in memory is dropped with it: the
/// change may have been made, or not.
pub(crate) struct Doubt<'d> {
    directories: &'d Directories,
    account: AccountId,
    /// Whether the change has come as far as to write.
    written: AtomicBool,
    settled: bool,
}

impl Directories {
    pub(crate) fn new(db: Db, mac: RowMac) -> Self {
        Self { db, mac, compiled: Compiled::default(), kept: Mutex::default() }
    }

    /// Forgets everything, after the store has been emptied.
    pub(crate) fn start_over(&self) {
        let mut kept = self.kept();
        kept.directories.clear();
        kept.dropped += 1;
        self.compiled.start_over();
    }

    /// The directory of an account as it is now; an empty one where there has never been an entity.
    pub(crate) async fn current(&self, account: AccountId) -> Result<Arc<Directory>, StoreError> {
        for _ in 0..ATTEMPTS {
            let ticket = {
                let kept = self.kept();
                match kept.directories.get(&account) {
                    Some(directory) if self.db.engine() == Engine::Sqlite => return Ok(directory.clone()),
                    _ => Ticket(kept.dropped),
                }
            };
            let Some(root) = rows::find_root(&self.db, &self.mac, account).await? else {
                let empty = Arc::new(Directory::new(account, 0, String::new(), []));
                self.keep(ticket, &empty);
                return Ok(empty);
            };
            if let Some(directory) = self.kept_at(&root) {
                return Ok(directory);
            }
            let directory = rows::find_entities(&self.db, &self.mac, &root).await?;
            let after = rows::find_root(&self.db, &self.mac, account).await?;
            if after.is_some_and(|after| after.version == root.version && after.nonce == root.nonce) {
                rows::check(&root, &directory)?;
                let directory = Arc::new(directory);
                self.keep(ticket, &directory);
                return Ok(directory);
            }
        }
        Err(StoreError::Conflict)
    }

    /// What is in memory of the directory at that very version.
    pub(crate) fn kept_at(&self, root: &Root) -> Option<Arc<Directory>> {
        let is_it =
            |directory: &&Arc<Directory>| directory.version == root.version && directory.nonce == root.nonce;
        self.kept().directories.get(&root.account).filter(is_it).cloned()
    }

    /// Begins a change.
    pub(crate) fn change(&self, account: AccountId) -> (Doubt<'_>, Ticket) {
        let ticket = Ticket(self.kept().dropped);
        let written = AtomicBool::new(false);
        (Doubt { directories: self, account, written, settled: false }, ticket)
    }

    /// Keeps a directory, unless a later version is there or something was dropped since the ticket was given.
    fn keep(&self, ticket: Ticket, directory: &Arc<Directory>) {
        let mut kept = self.kept();
        let account = directory.account;
        let known = kept.directories.get(&account).cloned();
        // Another nonce is that of another making, after a reset; an empty directory has none.
        let is_later = |known: &Arc<Directory>| {
            if known.nonce == directory.nonce {
                known.version >= directory.version
            } else {
                directory.version == 0
            }
        };
        if kept.dropped != ticket.0 || known.as_ref().is_some_and(is_later) {
            return;
        }
        if kept.directories.len() >= KEPT && known.is_none() {
            // An account that has nobody costs little to find out, and anybody can ask for one.
            if directory.version == 0 {
                return;
            }
            kept.directories.clear();
            kept.dropped += 1;
        }
        kept.directories.insert(account, directory.clone());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doubt<'_> {
    /// Notes that the change begins to write.
    pub(crate) fn writes(&self) {
        self.written.store(true, Ordering::Release);
    }

    /// The change is made: this is the directory now.
    pub(crate) fn settle(mut self, ticket: Ticket, directory: &Arc<Directory>) {
        self.settled = true;
        self.directories.keep(ticket, directory);
        // Where it could not be kept, an older one must neither stay nor come: whoever reads at this moment may have
        // read it before the change was made.
        let mut kept = self.directories.kept();
        let is_there =
            |known: &Arc<Directory>| known.nonce == directory.nonce && known.version >= directory.version;
        if !kept.directories.get(&self.account).is_some_and(is_there) {
            kept.directories.remove(&self.account);
            kept.dropped += 1;
        }
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if self.settled || !self.written.load(Ordering::Acquire) {
            return;
        }
        let mut kept = self.directories.kept();
        kept.directories.remove(&self.account);
        kept.dropped += 1;
    }
}

#[cfg(test)]
mod tests {
    use strongroom_store::OpenOptions;
    use strongroom_testkit::TestDatabase;

    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn at(version: i64) -> Arc<Directory> {
        Arc::new(Directory::new(ACCOUNT.parse().unwrap(), version, "nonce".to_owned(), []))
    }

    async fn directories(database: &TestDatabase) -> Directories {
        let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
        Directories::new(db, RowMac::new(&strongroom_secret::Key256::new([7; 32])))
    }

    impl Directories {
        fn version_kept(&self) -> Option<i64> {
            self.kept().directories.get(&ACCOUNT.parse().unwrap()).map(|known| known.version)
        }
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        let database = TestDatabase::sqlite();
        let directories = directories(&database).await;
        let (change, ticket) = directories.change(ACCOUNT.parse().unwrap());
        change.writes();
        // Another account's change fails, so that this one's directory cannot be kept.
        let (failed, _) = directories.change("444455556666".parse().unwrap());
        failed.writes();
        drop(failed);
        let reader = Ticket(directories.kept().dropped);
        change.settle(ticket, &at(2));
        assert_eq!(directories.version_kept(), None);
        directories.keep(reader, &at(1));
        assert_eq!(directories.version_kept(), None);
    }

    #[tokio::test]
    async fn a_change_is_kept_unless_a_later_one_is() {
        let database = TestDatabase::sqlite();
        let directories = directories(&database).await;
        for (version, kept) in [(2, 2), (3, 3), (1, 3)] {
            let (change, ticket) = directories.change(ACCOUNT.parse().unwrap());
            change.writes();
            change.settle(ticket, &at(version));
            assert_eq!(directories.version_kept(), Some(kept));
        }
    }
}
