//! Journals with records in them, and their histories.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_crypto::ed25519::PrivateKey;
use strongroom_history::{Continuation, Filter, History, Page};
use strongroom_journal::{
    CheckpointKey, Durability, EventId, Identity, IdentityKind, Journal, JournalOptions, Keeper,
    KeeperOptions, Reader, Record, Resource,
};
use strongroom_secret::Key256;
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_700_000_000_000;
pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";

/// A folder with a journal and its index in it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        Self(if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() })
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.path().join("journal")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.0.path().join("index")
    }

    /// Opens the journal: segments of 4 KiB.
    pub(crate) fn open(&self) -> Journal {
        let options = JournalOptions {
            durability: Durability::Written,
            segment_bytes: 4096,
            begins_streams: true,
            ..JournalOptions::default()
        };
        Journal::open(&self.journal(), &options, &Key256::new([7; 32]), "node", NOW).unwrap().journal
    }

    pub(crate) fn history(&self, reader: Reader) -> History {
        History::new(reader, self.index(), &key())
    }

    /// The history of a journal that nobody writes.
    pub(crate) fn at_rest(&self) -> History {
        self.history(Reader::open(&self.journal()).unwrap())
    }

    /// The files of the index, in order.
    pub(crate) fn index_files(&self) -> Vec<PathBuf> {
        files(&self.index())
    }

    /// The files of the journal's segments, in order.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        files(&self.journal())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ext| ext == "seg"))
            .collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub(crate) fn key() -> Key256 {
    Key256::new([9; 32])
}

pub(crate) fn event_id(number: u64) -> EventId {
    let mut id = [0xab; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    EventId(id)
}

/// A record told apart by its number, a second younger than the one before.
pub(crate) fn record(number: u64) -> Record {
    Record {
        event_id: event_id(number),
        event_time_ms: NOW + 1000 * number as i64,
        event_source: "kms.amazonaws.com".into(),
        event_name: "Decrypt".into(),
        aws_region: REGION.into(),
        account_id: ACCOUNT.into(),
        identity: Identity {
            kind: Some(IdentityKind::IamUser),
            principal_id: Some("AIDAEXAMPLE".into()),
            access_key_id: Some("AKIAEXAMPLE".into()),
            user_name: Some("alice".into()),
            ..Identity::default()
        },
        source_ip: "127.0.0.1".into(),
        read_only: true,
        management: true,
        ..Record::default()
    }
}

pub(crate) fn resource(arn: &str) -> Resource {
    Resource { account_id: None, kind: Some("AWS::KMS::Key".into()), arn: arn.into() }
}

/// Appends records, each as a frame of its own.
pub(crate) fn append(journal: &Journal, records: impl IntoIterator<Item = Record>) {
    runtime().block_on(async {
        for record in records {
            journal.append(&record).await.unwrap();
        }
    });
}

/// Who compresses and drops the segments of a journal.
pub(crate) fn keeper(journal: &Journal) -> Keeper {
    let key = CheckpointKey { epoch: 1, key: PrivateKey::from_seed(&[3; 32]).unwrap() };
    journal.keeper(KeeperOptions { key, keys_before: Vec::new(), copies: Vec::new() }, NOW).unwrap()
}

/// Compresses all segments that are closed, and tells how many were not yet.
pub(crate) fn compress(keeper: &mut Keeper) -> usize {
    std::iter::from_fn(|| keeper.compress_next().unwrap()).count()
}

pub(crate) fn close(journal: Journal) {
    runtime().block_on(journal.close()).unwrap();
    drop(journal);
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn everything() -> Filter {
    Filter { account: ACCOUNT.into(), region: REGION.into(), ..Filter::default() }
}

/// All pages of a lookup of `size` records to a page.
pub(crate) fn pages(history: &History, filter: &Filter, size: usize) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut from: Option<Continuation> = None;
    loop {
        let page = history.lookup(filter, size, from.as_ref()).unwrap();
        assert!(page.records.len() <= size);
        assert!(page.next.is_none() || page.next != from, "no progress");
        from = page.next.as_ref().map(|next| Continuation::decode(&next.encode()).unwrap());
        pages.push(page);
        assert!(pages.len() < 5000, "a lookup without end");
        if from.is_none() {
            return pages;
        }
    }
}

/// The ids of all records that a lookup shows.
pub(crate) fn ids(history: &History, filter: &Filter, size: usize) -> Vec<EventId> {
    let pages = pages(history, filter, size);
    pages.into_iter().flat_map(|page| page.records).map(|(_, record)| record.event_id).collect()
}

/// The ids that reading the whole journal finds.
pub(crate) fn scan(reader: &Reader, filter: &Filter) -> Vec<EventId> {
    let records = reader.records_newest_first(None).unwrap().flatten();
    records.filter(|(_, record)| filter.matches(record)).map(|(_, record)| record.event_id).collect()
}

/// Reads a journal that nobody writes.
pub(crate) fn reader(place: &Place) -> Reader {
    Reader::open(&place.journal()).unwrap()
}
