//! Directories kept: read from the store once, and held in memory as long as they are current.
//!
//! Every change of this server's goes through here, and a directory that a change has made doubtful is dropped before
//! it can be seen. What other servers change is dropped as soon as the store's feed tells of it; what it tells of this
//! server's own changes is there already, and stays. Where the feed is
//! followed, and on SQLite, where nobody else writes, asking for what is in memory therefore asks no database. Where it
//! is not, or not lately, the version is looked up each time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_identity::AccountId;
use strongroom_store::{Db, Engine, News, RowMac, StoreError};
use tokio::sync::{Mutex as Turns, MutexGuard as Turn};

use crate::domain::directory::Directory;
use crate::permissions::Compiled;
use crate::repo::directories::{self as rows, Root};
use crate::repo::topics::{DIRECTORIES, Made};

/// Directories kept in memory. The largest that quotas allow takes some hundreds of megabytes, a usual one a
/// few kilobytes.
const KEPT: usize = 256;

/// How often a directory that changes while it is read is read again.
const ATTEMPTS: usize = 20;

/// Groups of accounts: what one of them drops, or has read, is the business of its group alone.
const GROUPS: usize = 64;

/// The directories of all accounts.
pub(crate) struct Directories {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    /// What the users and roles in them may do.
    pub(crate) compiled: Compiled,
    kept: Arc<Mutex<Kept>>,
    /// Of each group one reads at a time: those who ask for the same directory meanwhile find what he has kept.
    reading: [Turns<()>; GROUPS],
}

struct Kept {
    directories: HashMap<AccountId, Known>,
    /// Counts for each group what has been dropped: what was read before is not kept after.
    dropped: [u64; GROUPS],
    /// Counts what has been used.
    used: u64,
}

struct Known {
    directory: Arc<Directory>,
    /// The count when it was used last.
    used: u64,
}

/// What had been dropped when a read or a change began.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        let kept = Arc::new(Mutex::new(Kept::nothing()));
        let known = kept.clone();
        db.feed().on(DIRECTORIES, move |news| {
            let mut known = lock(&known);
            match news {
                News::Changed(key) if let Some(made) = Made::read(key) => known.hear(&made),
                News::Changed(_) | News::Anything => known.forget_all(),
            }
        });
        let reading = std::array::from_fn(|_| Turns::default());
        Self { db, mac, compiled: Compiled::default(), kept, reading }
    }

    /// Forgets everything, after the store has been emptied.
    pub(crate) fn start_over(&self) {
        self.kept().forget_all();
        self.compiled.start_over();
    }

    /// The directory of an account as it is now; an empty one where there has never been an entity.
    pub(crate) async fn current(&self, account: AccountId) -> Result<Arc<Directory>, StoreError> {
        match self.known(account) {
            Ok(directory) => Ok(directory),
            // Boxed: every call of the server asks, and few have to carry what reading takes.
            Err(_) => Box::pin(self.read(account)).await,
        }
    }

    /// The directory of an account if what is in memory is current; else what had been dropped by now.
    fn known(&self, account: AccountId) -> Result<Arc<Directory>, Ticket> {
        let mut kept = self.kept();
        match kept.find(account) {
            Some(directory) if self.is_followed() => Ok(directory),
            _ => Err(kept.ticket(account)),
        }
    }

    /// Whether what is in memory is what the store has.
    fn is_followed(&self) -> bool {
        self.db.engine() == Engine::Sqlite || self.db.feed().is_current()
    }

    async fn read(&self, account: AccountId) -> Result<Arc<Directory>, StoreError> {
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let ticket = match self.known(account) {
                Ok(directory) => return Ok(directory),
                Err(ticket) => ticket,
            };
            let Some(root) = rows::find_root(&self.db, &self.mac, account).await? else {
                let empty = Arc::new(Directory::new(account, 0, String::new(), []));
                self.keep(ticket, &empty);
                return Ok(empty);
            };
            if let Some(directory) = self.kept_at(&root) {
                return Ok(directory);
            }
            if turn.is_none() {
                // Whoever had it before may have kept what is asked for.
                turn = Some(self.turn(account).await);
                continue;
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

    /// Waits until nobody else of the account's group reads.
    async fn turn(&self, account: AccountId) -> Turn<'_, ()> {
        self.reading[group(account)].lock().await
    }

    /// What is in memory of the directory at that very version.
    pub(crate) fn kept_at(&self, root: &Root) -> Option<Arc<Directory>> {
        let is_it =
            |directory: &Arc<Directory>| directory.version == root.version && directory.nonce == root.nonce;
        self.kept().find(root.account).filter(is_it)
    }

    /// Begins a change.
    pub(crate) fn change(&self, account: AccountId) -> (Doubt<'_>, Ticket) {
        let ticket = self.kept().ticket(account);
        let written = AtomicBool::new(false);
        (Doubt { directories: self, account, written, settled: false }, ticket)
    }

    /// Keeps a directory, unless a later version is there or something was dropped since the ticket was given.
    fn keep(&self, ticket: Ticket, directory: &Arc<Directory>) {
        let mut kept = self.kept();
        let known = kept.find(directory.account);
        // Another nonce is that of another making, after a reset; an empty directory has none.
        let is_later = |known: &Arc<Directory>| {
            if known.nonce == directory.nonce {
                known.version >= directory.version
            } else {
                directory.version == 0
            }
        };
        if kept.ticket(directory.account) != ticket || known.as_ref().is_some_and(is_later) {
            return;
        }
        if kept.directories.len() >= KEPT && known.is_none() {
            // An account that has nobody costs little to find out, and anybody can ask for one: it takes no room from
            // those that have somebody.
            if directory.version == 0 {
                return;
            }
            kept.forget_one();
        }
        kept.put(directory);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account's group.
fn group(account: AccountId) -> usize {
    (account.number() % GROUPS as u64) as usize
}

impl Kept {
    fn nothing() -> Self {
        Self { directories: HashMap::new(), dropped: [0; GROUPS], used: 0 }
    }

    /// What has been dropped by now of the account's group.
    fn ticket(&self, account: AccountId) -> Ticket {
        Ticket(self.dropped[group(account)])
    }

    /// A change was made: what is older than that is dropped.
    fn hear(&mut self, made: &Made<'_>) {
        let Made { account, version, nonce } = *made;
        let known = self.directories.get(&account);
        if !known.is_some_and(|known| known.directory.nonce == nonce && known.directory.version >= version) {
            self.forget(account);
        }
    }

    /// The directory of an account, which is used now.
    fn find(&mut self, account: AccountId) -> Option<Arc<Directory>> {
        let known = self.directories.get_mut(&account)?;
        self.used += 1;
        known.used = self.used;
        Some(known.directory.clone())
    }

    fn put(&mut self, directory: &Arc<Directory>) {
        self.used += 1;
        let known = Known { directory: directory.clone(), used: self.used };
        self.directories.insert(directory.account, known);
    }

    fn forget_all(&mut self) {
        self.directories.clear();
        self.dropped.iter_mut().for_each(|dropped| *dropped += 1);
    }

    fn forget(&mut self, account: AccountId) {
        self.directories.remove(&account);
        self.dropped[group(account)] += 1;
    }

    /// Drops an empty directory if there is one, or else the one that was used longest ago.
    fn forget_one(&mut self) {
        let last = |known: &Known| (known.directory.version > 0, known.used);
        let found = self.directories.iter().min_by_key(|(_, known)| last(known)).map(|(account, _)| *account);
        if let Some(account) = found {
            self.forget(account);
        }
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
        let Directory { version, ref nonce, .. } = **directory;
        self.directories.kept().hear(&Made { account: self.account, version, nonce });
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if self.settled || !self.written.load(Ordering::Acquire) {
            return;
        }
        self.directories.kept().forget(self.account);
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
        Directories::new(db, RowMac::new(&strongroom_seal::Root::ephemeral().unwrap()))
    }

    impl Directories {
        fn version_kept(&self) -> Option<i64> {
            self.kept().find(ACCOUNT.parse().unwrap()).map(|known| known.version)
        }
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        let database = TestDatabase::sqlite();
        let directories = directories(&database).await;
        let (change, ticket) = directories.change(ACCOUNT.parse().unwrap());
        change.writes();
        // Another change of the account fails, so that this one's directory cannot be kept.
        let (failed, _) = directories.change(ACCOUNT.parse().unwrap());
        failed.writes();
        drop(failed);
        let reader = directories.kept().ticket(ACCOUNT.parse().unwrap());
        change.settle(ticket, &at(2));
        assert_eq!(directories.version_kept(), None);
        directories.keep(reader, &at(1));
        assert_eq!(directories.version_kept(), None);
    }

    /// One of many accounts.
    fn strange(number: usize) -> AccountId {
        format!("{:012}", 200_000_000_000 + number).parse().unwrap()
    }

    #[tokio::test]
    async fn accounts_that_have_nobody_take_no_room_from_others() {
        let database = TestDatabase::sqlite();
        let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
        db.migrate(&[crate::MIGRATIONS]).await.unwrap();
        let directories = Directories::new(db, RowMac::new(&strongroom_seal::Root::ephemeral().unwrap()));
        let ticket = |account| directories.kept().ticket(account);
        directories.keep(ticket(ACCOUNT.parse().unwrap()), &at(1));
        let before = directories.kept().dropped;
        for number in 0..KEPT + 40 {
            let empty = directories.current(strange(number)).await.unwrap();
            assert_eq!(empty.version, 0);
        }
        assert_eq!(directories.version_kept(), Some(1));
        // What is under way can still be kept.
        assert_eq!(directories.kept().dropped, before);
        assert_eq!(directories.kept().directories.len(), KEPT);
        // Whoever has somebody gets the room of one that has nobody.
        let other = Directory::new(strange(KEPT + 99), 1, "nonce".to_owned(), []);
        directories.keep(ticket(other.account), &Arc::new(other));
        assert_eq!(directories.version_kept(), Some(1));
        assert!(directories.kept().find(strange(KEPT + 99)).is_some());
    }

    #[tokio::test]
    async fn the_directory_that_was_used_longest_ago_makes_room() {
        let database = TestDatabase::sqlite();
        let directories = directories(&database).await;
        let keep = |account: AccountId| {
            let ticket = directories.kept().ticket(account);
            directories.keep(ticket, &Arc::new(Directory::new(account, 1, "nonce".to_owned(), [])));
        };
        keep(ACCOUNT.parse().unwrap());
        (1..KEPT).map(strange).for_each(keep);
        assert_eq!(directories.version_kept(), Some(1));
        let reader = directories.kept().ticket(strange(1));
        keep(strange(KEPT));
        assert_eq!(directories.version_kept(), Some(1));
        assert!(directories.kept().find(strange(1)).is_none());
        // It may have been read before a change that is forgotten with it.
        directories.keep(reader, &Arc::new(Directory::new(strange(1), 1, "nonce".to_owned(), [])));
        assert!(directories.kept().find(strange(1)).is_none());
        assert_eq!(directories.kept().directories.len(), KEPT);
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

    #[tokio::test]
    async fn what_is_heard_of_a_change_drops_what_is_older_and_nothing_else() {
        let database = TestDatabase::sqlite();
        let directories = directories(&database).await;
        let account: AccountId = ACCOUNT.parse().unwrap();
        let other = strange(1);
        for (heard, nonce, stays) in
            [(1, "nonce", true), (2, "nonce", true), (3, "nonce", false), (1, "another", false)]
        {
            let first = directories.kept().ticket(account);
            directories.keep(first, &at(2));
            let reader = directories.kept().ticket(account);
            let reader_of_other = directories.kept().ticket(other);
            directories.kept().hear(&Made { account, version: heard, nonce });
            assert_eq!(directories.version_kept(), stays.then_some(2), "{heard} {nonce}");
            // What was read before is kept only if nothing was dropped since; of others it always is.
            directories.keep(reader, &at(2));
            assert_eq!(directories.version_kept().is_some(), stays, "{heard} {nonce}");
            assert!(directories.kept().ticket(other) == reader_of_other);
        }
    }
}
