//! Reading the log, also while it is written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::entry::Entry;
use crate::files::path;

/// Files that are looked for.
const MOST_FILES: u32 = 1_000;

/// Longest line that is read; none that was written is nearly as long.
const LONGEST_LINE: u64 = 64 << 10;

/// The entries of a log, oldest first.
pub struct Entries {
    /// Those still to be read, newest first.
    files: Vec<PathBuf>,
    file: Option<BufReader<File>>,
    unreadable: u64,
}

/// Opens the log in `folder` for reading. A folder without a log has no entries.
pub fn read(folder: &Path) -> Entries {
    let files = (0..MOST_FILES).map(|age| path(folder, age)).take_while(|path| path.exists()).collect();
    Entries { files, file: None, unreadable: 0 }
}

impl Entries {
    /// How many lines were passed over so far because they are no entries: a crash cuts one short.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The next line; none at the end of the last file.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.file.is_none() {
                let Some(next) = self.files.pop() else { return Ok(None) };
                match File::open(next) {
                    Ok(file) => self.file = Some(BufReader::new(file)),
                    // It was renamed or removed meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            if let Some(file) = &mut self.file {
                let mut line = Vec::new();
                if file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
                    return Ok(Some(line));
                }
                self.file = None;
            }
        }
    }
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line() {
                Ok(line) => line?,
                Err(error) => {
                    (self.file, self.files) = (None, Vec::new());
                    return Some(Err(error));
                }
            };
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(entry) => return Some(Ok(entry)),
                Err(_) => self.unreadable += 1,
            }
        }
    }
}
