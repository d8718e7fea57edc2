//! Writing a backup.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use prost::Message as _;
use strongroom_secret::Key256;
use strongroom_store::{Engine, Snapshot, Table, Value};
use tokio::task::spawn_blocking;

use crate::BackupError;
use crate::container::Sealing;
use crate::entry::{ENTRY_LIMIT, Entry, FileStart, Kind, OpenPart, Origin, StoreStart, TableStart, Totals};
use crate::path::check_path;
use crate::rows;

/// Rows, or a part of a file, that go into one entry: about this many bytes.
const BATCH: usize = 256 << 10;
/// Sealed bytes that are handed over at once, about.
const HANDED_OVER: usize = 256 << 10;

/// Where a backup goes.
#[async_trait]
pub trait Sink: Send {
    /// Takes the next bytes of the file.
    async fn take(&mut self, bytes: Vec<u8>) -> Result<(), BackupError>;

    /// Hears how far the backup is, before each table and each file.
    async fn hear(&mut self, progress: &Progress) -> Result<(), BackupError>;
}

/// How far a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What comes now: `table kms_keys`, `file journal/...`.
    pub now: String,
    /// What there was so far.
    pub done: Totals,
}

/// A file to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is now.
    pub at: PathBuf,
    /// Its path in the data folder: relative, with `/`.
    pub path: String,
    /// How many bytes of it, from its beginning. It may be longer by now, and not shorter.
    pub length: u64,
}

/// A backup being written.
pub struct Writing<'s> {
    sealing: Sealing,
    sink: &'s mut dyn Sink,
    sealed: Vec<u8>,
    totals: Totals,
}

impl<'s> Writing<'s> {
    /// Begins a backup under `key`, which may have sealed others.
    pub async fn begin(
        sink: &'s mut dyn Sink,
        key: &Key256,
        open_part: &OpenPart,
        origin: Origin,
    ) -> Result<Self, BackupError> {
        let mut sealed = Vec::with_capacity(2 * HANDED_OVER);
        let sealing = Sealing::begin(key, &open_part.encode_to_vec(), &mut sealed)?;
        let mut writing = Self { sealing, sink, sealed, totals: Totals::default() };
        writing.put(Kind::Origin(origin), "the origin").await?;
        Ok(writing)
    }

    /// Writes all tables, and shows each row to `look`.
    pub async fn store(
        &mut self,
        mut snapshot: Snapshot,
        look: &mut (dyn FnMut(&Table, &[Value]) + Send),
    ) -> Result<(), BackupError> {
        self.put(Kind::Store(StoreStart::new(snapshot.applied())), "the list of migrations").await?;
        for table in snapshot.tables().to_vec() {
            let what = format!("table {}", table.name);
            self.tell(&what).await?;
            self.put(Kind::Table(TableStart::new(&table)), &what).await?;
            let (mut batch, mut count) = (Vec::new(), 0);
            let mut rows = snapshot.rows(&table);
            while let Some(row) = rows.next().await? {
                look(&table, &row);
                rows::put(&row, &mut batch);
                count += 1;
                if batch.len() >= BATCH {
                    self.put(Kind::Rows(std::mem::take(&mut batch)), &format!("a row of {what}")).await?;
                }
            }
            if !batch.is_empty() {
                self.put(Kind::Rows(batch), &format!("a row of {what}")).await?;
            }
            self.put(Kind::TableEnd(count), &what).await?;
            self.totals.tables += 1;
            self.totals.rows += count;
        }
        Ok(())
    }

    /// Writes a file, as long as it was when it was listed. One that cannot be opened because it is gone is answered with
    /// `false`, and nothing of it is written.
    pub async fn file(&mut self, kept: &Kept) -> Result<bool, BackupError> {
        let shown = kept.at.display().to_string();
        if !check_path(&kept.path) {
            return Err(BackupError::content(format!("{shown} has a name that no file of ours has")));
        }
        let at = kept.at.clone();
        let mut file = match in_background(move || File::open(at)).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(BackupError::io(format!("{shown} cannot be opened")))?,
        };
        self.tell(&format!("file {}", kept.path)).await?;
        let start = FileStart { path: kept.path.clone(), length: kept.length };
        self.put(Kind::File(start), &shown).await?;
        let mut left = kept.length;
        while left > 0 {
            let wanted = left.min(BATCH as u64);
            let (bytes, back) = in_background(move || {
                let mut bytes = Vec::with_capacity(wanted as usize);
                (&mut file).take(wanted).read_to_end(&mut bytes)?;
                Ok((bytes, file))
            })
            .await
            .map_err(BackupError::io(format!("{shown} cannot be read")))?;
            file = back;
            if bytes.is_empty() {
                return Err(BackupError::content(format!("{shown} has become shorter while it was read")));
            }
            left -= bytes.len() as u64;
            self.put(Kind::Bytes(bytes), &shown).await?;
        }
        self.totals.files += 1;
        self.totals.bytes += kept.length;
        Ok(true)
    }

    /// Ends the backup, and tells what is in it. Before this it is cut off for whoever reads it.
    pub async fn finish(mut self) -> Result<Totals, BackupError> {
        self.put(Kind::End(self.totals), "the end").await?;
        let Self { sealing, sink, mut sealed, totals } = self;
        sealing.finish(&mut sealed)?;
        sink.take(sealed).await?;
        Ok(totals)
    }

    async fn tell(&mut self, now: &str) -> Result<(), BackupError> {
        self.sink.hear(&Progress { now: now.to_owned(), done: self.totals }).await
    }

    async fn put(&mut self, kind: Kind, what: &str) -> Result<(), BackupError> {
        let entry = Entry { kind: Some(kind) };
        let bytes = entry.encoded_len();
        if bytes > ENTRY_LIMIT {
            return Err(BackupError::TooLarge { what: what.to_owned(), bytes, limit: ENTRY_LIMIT });
        }
        let mut encoded = Vec::with_capacity(4 + bytes);
        encoded.extend((bytes as u32).to_be_bytes());
        entry.encode_raw(&mut encoded);
        self.sealing.push(&encoded, &mut self.sealed)?;
        if self.sealed.len() >= HANDED_OVER {
            self.sink.take(std::mem::take(&mut self.sealed)).await?;
        }
        Ok(())
    }
}

/// The name of an engine, as a backup has it.
pub fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

/// What is kept of all files under a folder: for folders that nobody writes to. `prefix` is the folder's path in the data
/// folder.
pub fn kept_in(folder: &Path, prefix: &str) -> std::io::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            kept.extend(kept_in(&entry.path(), &path)?);
        } else if metadata.is_file() {
            kept.push(Kept { at: entry.path(), path, length: metadata.len() });
        }
    }
    Ok(kept)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    spawn_blocking(work).await.map_err(std::io::Error::other)?
}
