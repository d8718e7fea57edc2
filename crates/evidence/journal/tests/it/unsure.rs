//! A store whose answers do not arrive: what was sent may have been done all the same.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use strongroom_journal::{Journal, MIGRATIONS, Trust, verify_store};
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TestDatabase;

use crate::fixture::{NOW, append, close, directory, record, runtime, seal};
use crate::rows::{keeper, options};

/// PostgreSQL's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// What keeps answers back.
#[derive(Clone, Default)]
struct Silence(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// From the request on that holds this, and whether that one itself is answered.
    trigger: Option<(&'static str, bool)>,
    is_silent: bool,
}

impl Silence {
    fn begins_at(&self, text: &'static str) {
        self.0.lock().unwrap().trigger = Some((text, false));
    }

    fn begins_behind(&self, text: &'static str) {
        self.0.lock().unwrap().trigger = Some((text, true));
    }

    fn ends(&self) {
        *self.0.lock().unwrap() = State::default();
    }

    /// Looks at a request.
    fn hear(&self, request: &[u8]) {
        let mut state = self.0.lock().unwrap();
        match state.trigger {
            Some(("", _)) => state.is_silent = true,
            Some((text, is_answered)) if holds(request, text) => {
                state.is_silent = !is_answered;
                // What comes next, whatever it is.
                state.trigger = Some(("", false));
            }
            _ => {}
        }
    }

    fn is_silent(&self) -> bool {
        self.0.lock().unwrap().is_silent
    }
}

fn holds(request: &[u8], text: &str) -> bool {
    request.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Passes on what is asked on one connection. An answer that is kept back ends it.
fn pass_on(asker: UnixStream, store: UnixStream, silence: &Silence) -> io::Result<()> {
    let (mut requests, mut to_store, heard) = (asker.try_clone()?, store.try_clone()?, silence.clone());
    thread::spawn(move || {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = requests.read(&mut bytes) {
            heard.hear(&bytes[..count]);
            if to_store.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to_store.shutdown(Shutdown::Both);
    });
    let (mut answers, mut to_asker) = (store, asker);
    let mut bytes = vec![0; 64 << 10];
    while let count @ 1.. = answers.read(&mut bytes)? {
        if silence.is_silent() {
            break;
        }
        to_asker.write_all(&bytes[..count])?;
    }
    to_asker.shutdown(Shutdown::Both)
}

/// A store whose answers can be kept back.
struct Store {
    runtime: tokio::runtime::Runtime,
    db: Db,
    silence: Silence,
    _folder: tempfile::TempDir,
    _database: TestDatabase,
}

impl Store {
    fn new() -> Self {
        let database = TestDatabase::postgres();
        let (url, real) = database.url().split_once("?host=").unwrap();
        let (folder, silence) = (directory(), Silence::default());
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (real, heard) = (format!("{real}/{SOCKET}"), silence.clone());
        thread::spawn(move || {
            for asker in listener.incoming() {
                let (asker, store) = (asker.unwrap(), UnixStream::connect(&real).unwrap());
                let heard = heard.clone();
                thread::spawn(move || pass_on(asker, store, &heard));
            }
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = format!("{url}?host={}", folder.path().display());
        let db = runtime.block_on(async {
            let db = Db::open(&url, &OpenOptions::default()).await.unwrap();
            db.migrate(&[MIGRATIONS]).await.unwrap();
            db
        });
        Self { runtime, db, silence, _folder: folder, _database: database }
    }

    fn open(&self) -> Journal {
        Journal::open_in_store(&self.db, "one", &options(16 << 10), &crate::fixture::key(), NOW)
            .unwrap()
            .journal
    }

    fn expect_intact(&self) {
        let trust: Trust<'_> = seal();
        let report = verify_store(&self.db, &trust, |_| {}).unwrap();
        for (_, journal) in &report.journals {
            assert!(journal.is_intact(), "{}", journal.first_break().unwrap());
        }
    }
}

#[test]
fn a_checkpoint_of_which_it_is_not_known_whether_it_is_there_is_not_signed_twice() {
    let store = Store::new();
    let journal = store.open();
    let mut keeper = keeper(&journal);
    append(&journal, 0..3);
    keeper.checkpoint(NOW).unwrap().unwrap();
    append(&journal, 3..6);
    store.silence.begins_at("strongroom-checkpoint 1\nnumber 2\n");
    keeper.checkpoint(NOW + 1).unwrap_err();
    store.silence.ends();
    append(&journal, 6..9);
    let third = keeper.checkpoint(NOW + 2).unwrap().unwrap();
    assert_eq!(third.number, 3);
    close(journal);
    store.expect_intact();
    assert_eq!(store.runtime.block_on(store.db.query(COUNT, &[])).unwrap()[0].i64("count").unwrap(), 3);
}

const COUNT: strongroom_store::Statement =
    strongroom_store::Statement::new("SELECT COUNT(*) AS count FROM journal_checkpoints");

#[test]
fn a_fence_of_which_it_is_not_known_whether_it_was_raised_is_ones_own() {
    let store = Store::new();
    let journal = store.open();
    append(&journal, 0..3);
    store.silence.begins_at("one");
    runtime().block_on(journal.append(&record(3))).unwrap_err();
    store.silence.ends();
    store.silence.begins_behind("UPDATE journal_chains SET fence");
    runtime().block_on(journal.append(&record(4))).unwrap_err();
    store.silence.ends();
    append(&journal, 5..8);
    close(journal);
    store.expect_intact();
}
