//! The next segment's file, made ahead of the writer on a thread of its own.
//!
//! A file is reserved and written with zeros before frames go into it: flushing writes to blocks that are only
//! reserved also commits the file system's metadata, which takes two to three times as long. Doing so takes tens of
//! milliseconds, for which no caller has to wait: while one segment is written, the next lies ready under a name of its
//! own, without a header.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::fs::FallocateFlags;

use crate::stream::AHEAD_FILE;

/// How much is written with zeros, and flushed, at a time: frames that are flushed meanwhile wait for no more.
const PIECE: u64 = 1 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A file for a segment: room, and zeros in it.
pub(super) struct Blank {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) capacity: u64,
}

impl Blank {
    /// Makes one of `capacity` bytes. Where frames are flushed (`sync`), it is all written, and flushed.
    pub(super) fn make(path: PathBuf, capacity: u64, sync: bool) -> io::Result<Self> {
        let made = fill(&path, capacity, sync);
        if made.is_err() {
            // On a full disk what was made of it would hold the very room that is missing. If this fails as well, the
            // next attempt or start removes it.
            let _ = fs::remove_file(&path);
        }
        made.map(|file| Self { file, path, capacity })
    }
}

fn fill(path: &Path, capacity: u64, sync: bool) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, capacity) {
        // A file system that cannot reserve room still holds the journal; a full disk then shows later.
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(capacity)?,
        other => other?,
    }
    if sync {
        let mut at = 0;
        while at < capacity {
            let end = capacity.min(at + PIECE);
            zero(&file, at, end)?;
            file.sync_data()?;
            at = end;
        }
    }
    Ok(file)
}

/// Writes zeros from one place of a file to another.
pub(super) fn zero(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let piece = ZEROS.get(..(to - at) as usize).unwrap_or(&ZEROS);
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}

/// Makes files ahead, one at a time.
pub(crate) struct Ahead {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

/// Where the writer and the thread meet.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    /// Nothing is there, and nobody asked for it.
    #[default]
    Idle,
    /// A file is to be made, or being made.
    Asked,
    Made(Blank),
    /// It could not be made: the writer will try itself when it must.
    Failed,
    /// The writer is gone.
    Over,
}

impl Ahead {
    /// Starts the thread, for the journal in `dir` and files of that size. Nothing is made before it is asked for.
    pub(crate) fn start(dir: &Path, capacity: u64, sync: bool) -> io::Result<Self> {
        let desk = Arc::<Desk>::default();
        let path = dir.join(AHEAD_FILE);
        let thread = {
            let (desk, path) = (Arc::clone(&desk), path.clone());
            let work = move || desk.serve(|| Blank::make(path.clone(), capacity, sync));
            thread::Builder::new().name("journal-ahead".to_owned()).spawn(work)?
        };
        Ok(Self { desk, thread: Some(thread), path })
    }

    /// Asks for the next file, if none is there or being made.
    pub(crate) fn ask(&self) {
        let mut state = self.desk.lock();
        if matches!(*state, State::Idle) {
            *state = State::Asked;
            self.desk.changed.notify_one();
        }
    }

    /// Takes the file, if it is ready, under another name.
    pub(super) fn take(&self, path: PathBuf) -> Option<Blank> {
        let mut state = self.desk.lock();
        if matches!(*state, State::Asked | State::Over) {
            return None;
        }
        let State::Made(blank) = mem::take(&mut *state) else { return None };
        // Before the lock is let go: the next one is made under the same name.
        fs::rename(&blank.path, &path).ok().map(|()| Blank { path, ..blank })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        *self.desk.lock() = State::Over;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of it has been shown already.
            let _ = thread.join();
        }
        // Nobody will write it. If this fails, the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Desk {
    /// Makes what is asked for, until the writer is gone.
    fn serve(&self, make: impl Fn() -> io::Result<Blank>) {
        loop {
            let idle = |state: &mut State| !matches!(state, State::Asked | State::Over);
            let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            if matches!(*state, State::Over) {
                return;
            }
            drop(state);
            let made = make();
            let mut state = self.lock();
            if matches!(*state, State::Over) {
                return;
            }
            *state = match made {
                Ok(blank) => State::Made(blank),
                Err(error) => {
                    tracing::warn!(%error, "the journal's next segment cannot be prepared");
                    State::Failed
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what a process that ended left of a file that was being made.
pub(crate) fn remove_left(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(AHEAD_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
