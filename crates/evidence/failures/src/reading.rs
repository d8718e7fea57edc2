//! Reading the log, also while it is written.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::entry::{Entry, Line};
use crate::files::path;

/// Files that are looked for.
const MOST_FILES: u32 = 1_000;

/// Longest line that is read; none that was written is nearly as long.
const LONGEST_LINE: u64 = 64 << 10;

/// The entries of a log, oldest first.
pub struct Entries {
    /// Those still to be read, newest first.
    files: Vec<File>,
    file: Option<BufReader<File>>,
    /// Why there are no more files.
    error: Option<io::Error>,
    unreadable: u64,
}

/// Opens the log in `folder` for reading. A folder without a log has no entries.
///
/// All files are opened at once, the newest first: what is renamed meanwhile comes to be one that is opened later, and is
/// known again. Where a crash has left a gap between them, the older ones are read all the same.
pub fn read(folder: &Path) -> Entries {
    let mut entries = Entries { files: Vec::new(), file: None, error: None, unreadable: 0 };
    let mut seen = HashSet::new();
    for age in 0..MOST_FILES {
        let opened = File::open(path(folder, age)).and_then(|file| {
            let metadata = file.metadata()?;
            Ok((file, (metadata.dev(), metadata.ino())))
        });
        match opened {
            Ok((file, identity)) if seen.insert(identity) => entries.files.push(file),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                entries.error = Some(error);
                break;
            }
        }
    }
    entries
}

impl Entries {
    /// How many lines were passed over so far because they are no entries: a crash cuts one short, and a later version may
    /// write others.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The next line; none at the end of the last file.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        loop {
            let Some(file) = &mut self.file else {
                let Some(next) = self.files.pop() else { return Ok(None) };
                self.file = Some(BufReader::new(next));
                continue;
            };
            let mut line = Vec::new();
            if file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
                return Ok(Some(line));
            }
            self.file = None;
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
            match serde_json::from_slice(line).ok().and_then(Line::into_entry) {
                Some(entry) => return Some(Ok(entry)),
                None => self.unreadable += 1,
            }
        }
    }
}
