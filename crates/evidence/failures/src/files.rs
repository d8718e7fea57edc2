//! The files of the log: `failures.jsonl`, and the older ones as `failures.1.jsonl` (the newest of them) and so on.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::entry::{Entry, Line};

/// The files, and the one that is written.
pub(crate) struct Files {
    folder: PathBuf,
    file_bytes: u64,
    kept: u32,
    file: File,
    bytes: u64,
}

impl Files {
    pub(crate) fn open(folder: &Path, file_bytes: u64, kept: u32) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let file = open(&path(folder, 0))?;
        let bytes = file.metadata()?.len();
        let mut files = Self { folder: folder.to_owned(), file_bytes, kept: kept.max(1), file, bytes };
        if bytes > 0 {
            // Behind a line that a crash cut short; an empty line says nothing.
            files.put(b"\n")?;
        }
        Ok(files)
    }

    /// Appends entries, beginning a new file where one is full.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.bytes >= self.file_bytes {
            // It could not be put away before. Rather nothing is written than more than there may be.
            self.begin_next()?;
        }
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &Line::of(entry))?;
            lines.push(b'\n');
            if self.bytes + lines.len() as u64 >= self.file_bytes {
                self.put(&lines)?;
                lines.clear();
                self.begin_next()?;
            }
        }
        self.put(&lines)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.file.sync_data()
    }

    /// Renames each file to the next older name, the oldest out of the way, and begins a new one.
    fn begin_next(&mut self) -> io::Result<()> {
        for age in (0..self.kept).rev() {
            let file = path(&self.folder, age);
            let moved = if age + 1 == self.kept {
                fs::remove_file(&file)
            } else {
                fs::rename(&file, path(&self.folder, age + 1))
            };
            match moved {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open(&path(&self.folder, 0))?;
        self.bytes = 0;
        File::open(&self.folder)?.sync_all()
    }
}

/// The file of that age; 0 is the one that is written.
pub(crate) fn path(folder: &Path, age: u32) -> PathBuf {
    folder.join(if age == 0 { "failures.jsonl".to_owned() } else { format!("failures.{age}.jsonl") })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
