//! The history of one journal.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use strongroom_crypto::hmac::HmacSha256;
use strongroom_journal::{JournalError, Reader, SegmentId, StreamId};
use strongroom_secret::Key256;

use crate::catalog::{Catalog, State};
use crate::continuation::ChainName;
use crate::tail::Tail;

/// How much a lookup reads for one page, unless told otherwise, in bytes.
const READ_LIMIT: u64 = 64 << 20;

/// Why something was not found, or not looked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A continuation was not made by this history, or for another filter.
    #[error("the continuation is not valid for this lookup")]
    InvalidContinuation,
    /// Records of more servers are left than a continuation can name.
    #[error(
        "records of more than {limit} servers are left, which is more than a lookup can go on from: ask for a shorter time, \
         or for as many at once as there can be"
    )]
    TooManyServers {
        /// How many there may be.
        limit: usize,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An index cannot be written.
    #[error("cannot write the journal's index in {folder}; lookups read the journal itself meanwhile")]
    Index {
        /// Where indexes lie.
        folder: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
}

/// The event history of a journal, or of those of all servers on a store. Clones share one index.
#[derive(Clone)]
pub struct History {
    pub(crate) whole: Arc<Whole>,
    pub(crate) read_limit: u64,
}

/// What is read, and the index of each of its chains.
pub(crate) struct Whole {
    journal: RwLock<Reader>,
    pub(crate) folder: PathBuf,
    key: HmacSha256,
    chains: Mutex<BTreeMap<String, Arc<Shared>>>,
}

/// The index of one chain.
pub(crate) struct Shared {
    journal: Reader,
    /// How continuations name the chain.
    pub(crate) name: ChainName,
    pub(crate) folder: PathBuf,
    pub(crate) key: HmacSha256,
    catalog: RwLock<Catalog>,
    tail: Mutex<Option<Tail>>,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Closed segments that have an index.
    pub indexed: u64,
    /// Closed segments that wait for theirs. Lookups read them as they are.
    pub waiting: u64,
    /// Length of all indexes on the disk, in bytes.
    pub bytes: u64,
    /// Records of indexed segments.
    pub records: u64,
    /// Places of indexed segments that could not be read; `strongroom audit verify` names them.
    pub damaged: u64,
}

impl History {
    /// The history of what `journal` reads. Indexes lie in `folder`, which is made when the first is written; their
    /// MACs are under `key`. Only one process writes there: the one that writes the journal.
    ///
    /// It does not look at the disk. Until [`History::follow`] or [`History::catch_up`] has found the indexes, lookups
    /// read the journal itself.
    pub fn new(journal: Reader, folder: PathBuf, key: &Key256) -> Self {
        let key = HmacSha256::new(key.expose());
        let whole = Whole { journal: RwLock::new(journal), folder, key, chains: Mutex::default() };
        Self { whole: Arc::new(whole), read_limit: READ_LIMIT }
    }

    /// Shows from now on what `journal` reads, in all clones.
    pub fn start_over(&self, journal: Reader) {
        let mut read = self.whole.journal.write().unwrap_or_else(PoisonError::into_inner);
        *read = journal;
        // Within the lock: whoever takes up the chains of what was read before has done so by now.
        self.whole.known().clear();
    }

    /// Sets how many bytes [`History::lookup`] reads before it returns a page that is not full. A page reads one frame,
    /// and the heads of one segment's frames, more than this at most.
    #[must_use]
    pub fn with_read_limit(mut self, bytes: u64) -> Self {
        self.read_limit = bytes;
        self
    }

    /// How far the index is.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        let known: Vec<_> = self.whole.known().values().cloned().collect();
        for chain in known {
            chain.with_catalog(|catalog| {
                for state in catalog.states() {
                    match state {
                        State::Open => {}
                        State::Waiting => progress.waiting += 1,
                        State::Indexed(head, length) => {
                            progress.indexed += 1;
                            progress.bytes += length;
                            progress.records += u64::from(head.records);
                            progress.damaged += u64::from(head.damaged);
                        }
                    }
                }
            });
        }
        progress
    }
}

impl Whole {
    /// The chains that there are now, each with its index.
    pub(crate) fn chains(&self) -> Result<Vec<Arc<Shared>>, JournalError> {
        let journal = self.journal.read().unwrap_or_else(PoisonError::into_inner);
        let names = journal.chains()?;
        let mut known = self.known();
        known.retain(|name, _| names.contains(name));
        for name in names {
            known.entry(name).or_insert_with_key(|name| {
                let (journal, folder, key) =
                    (journal.clone().of_chain(name), self.folder.clone(), self.key.clone());
                let (name, catalog, tail) = (ChainName::of(name), RwLock::default(), Mutex::default());
                Arc::new(Shared { journal, name, folder, key, catalog, tail })
            });
        }
        Ok(known.values().cloned().collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Shared>>> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unwritten(&self, source: io::Error) -> HistoryError {
        HistoryError::Index { folder: self.folder.clone(), source: Arc::new(source) }
    }
}

impl Shared {
    pub(crate) fn with_catalog<T>(&self, read: impl FnOnce(&Catalog) -> T) -> T {
        read(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change_catalog<T>(&self, change: impl FnOnce(&mut Catalog) -> T) -> T {
        change(&mut self.catalog.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is read.
    pub(crate) fn journal(&self) -> &Reader {
        &self.journal
    }

    /// The index of the open segment.
    pub(crate) fn tail(&self) -> MutexGuard<'_, Option<Tail>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the journal's segments, if another than the one known is written now.
    pub(crate) fn refresh(&self) -> Result<(), JournalError> {
        let newest = self.journal().look_for_newest_segment()?;
        if newest.is_some() && newest == self.with_catalog(Catalog::open) {
            return Ok(());
        }
        self.list()
    }

    /// Takes in the journal's segments.
    pub(crate) fn list(&self) -> Result<(), JournalError> {
        let listed = self.journal().segments()?;
        self.change_catalog(|catalog| catalog.update(&listed));
        Ok(())
    }

    /// The newest segment within a bound, and how it can be searched.
    pub(crate) fn newest(&self, within: Bound<SegmentId>) -> Option<(SegmentId, State)> {
        self.with_catalog(|catalog| catalog.newest(within))
    }

    /// Makes the folder of a stream's indexes.
    pub(crate) fn make_folder(&self, stream: StreamId) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.folder.join(stream.to_string()))
    }

    pub(crate) fn unwritten(&self, source: io::Error) -> HistoryError {
        HistoryError::Index { folder: self.folder.clone(), source: Arc::new(source) }
    }
}
