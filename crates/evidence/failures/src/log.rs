//! Gathering failures, and writing them down.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entry::{Entry, Failure, time_text};
use crate::files::Files;

/// The bounds of a security log.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Kinds of failures that are told apart between two writes.
    pub groups: usize,
    /// Of those, the kinds that are told apart of one source; what else comes from it is one kind more. So nobody hides what
    /// others do behind access key ids that he makes up.
    pub groups_of_source: usize,
    /// Bytes of a file, about: the line that passes it is its last.
    pub file_bytes: u64,
    /// Files that are kept, the one that is written included; one at the least.
    pub files: u32,
}

impl Default for Options {
    /// 100 kinds, ten of one source; 4 files of 8 MiB.
    fn default() -> Self {
        Self { groups: 100, groups_of_source: 10, file_bytes: 8 << 20, files: 4 }
    }
}

/// The writing end of the log in one folder, which one process has at a time.
pub struct SecurityLog {
    options: Options,
    gathered: Mutex<Gathered>,
    files: Mutex<Files>,
}

/// Failures since the last write.
#[derive(Default)]
struct Gathered {
    kinds: HashMap<Kind, Span>,
    /// Those that are not told apart.
    others: Option<Span>,
}

#[derive(PartialEq, Eq, Hash)]
struct Kind {
    source: IpAddr,
    access_key_id: Option<String>,
    /// None of what is not told apart of the source.
    code: Option<String>,
}

struct Span {
    first_ms: i64,
    last_ms: i64,
    count: u64,
}

impl SecurityLog {
    /// Opens the log in `folder`, which is made if need be, for its owner only. A line that a crash cut short is left
    /// as it is; the next begins behind it.
    pub fn open(folder: &Path, options: Options) -> io::Result<Self> {
        let files = Mutex::new(Files::open(folder, options.file_bytes, options.files)?);
        Ok(Self { options, gathered: Mutex::default(), files })
    }

    /// Notes a failure: in memory, until [`write`](Self::write).
    pub fn note(&self, failure: &Failure<'_>) {
        let kind = Kind {
            source: failure.source,
            access_key_id: failure.legible_id().map(str::to_owned),
            code: Some(failure.code.to_owned()),
        };
        lock(&self.gathered).span(kind, &self.options, failure.time_ms).add(failure.time_ms);
    }

    /// Writes down what was noted since the last time, in the order of its first failures, and waits for the disk.
    ///
    /// What cannot be written is dropped, and told as the error: the disk may be full, and strangers are not to fill
    /// the memory instead.
    pub fn write(&self) -> io::Result<()> {
        let Gathered { kinds, others } = std::mem::take(&mut *lock(&self.gathered));
        if kinds.is_empty() {
            return Ok(());
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, span)| span.first_ms);
        let told_apart = kinds.into_iter().map(|(kind, span)| Entry {
            source: Some(kind.source),
            access_key_id: kind.access_key_id,
            code: kind.code,
            ..span.entry()
        });
        let entries: Vec<_> = told_apart.chain(others.map(|span| span.entry())).collect();
        lock(&self.files).append(&entries)
    }
}

impl Gathered {
    /// Where failures of that kind are counted.
    fn span(&mut self, kind: Kind, options: &Options, time_ms: i64) -> &mut Span {
        let Self { kinds, others } = self;
        let told_apart = |known: &&Kind| known.source == kind.source && known.code.is_some();
        let kind = if kinds.contains_key(&kind)
            || kinds.keys().filter(told_apart).count() < options.groups_of_source
        {
            kind
        } else {
            Kind { source: kind.source, access_key_id: None, code: None }
        };
        if kinds.len() < options.groups || kinds.contains_key(&kind) {
            kinds.entry(kind).or_insert_with(|| Span::beginning(time_ms))
        } else {
            others.get_or_insert_with(|| Span::beginning(time_ms))
        }
    }
}

impl Span {
    fn beginning(at_ms: i64) -> Self {
        Self { first_ms: at_ms, last_ms: at_ms, count: 0 }
    }

    fn add(&mut self, at_ms: i64) {
        self.last_ms = self.last_ms.max(at_ms);
        self.count += 1;
    }

    fn entry(&self) -> Entry {
        Entry {
            first: time_text(self.first_ms),
            last: time_text(self.last_ms),
            source: None,
            access_key_id: None,
            code: None,
            count: self.count,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
