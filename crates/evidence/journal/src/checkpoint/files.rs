//! Where checkpoints are kept: `checkpoints/000001.checkpoints` and so on, one after the other, each followed by an
//! empty line. A file that has grown to a mebibyte is followed by the next.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Broken, CHECKPOINT_LIMIT, Checkpoint, CheckpointStore, NotACheckpoint, Stretch};
use crate::segment::sync_dir;
use crate::stream::make_directory;

/// Name of the folder in the journal's.
pub(crate) const DIRECTORY: &str = "checkpoints";
const SUFFIX: &str = ".checkpoints";
/// How long a file grows before the next is begun, in bytes.
const FILE_BYTES: u64 = 1 << 20;
/// No file is longer than that and one checkpoint.
const FILE_LIMIT: u64 = FILE_BYTES + CHECKPOINT_LIMIT as u64;

/// A folder of checkpoints.
#[derive(Clone)]
pub(crate) struct CheckpointFiles {
    dir: PathBuf,
}

impl CheckpointFiles {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The checkpoints of the journal in `journal`.
    pub(crate) fn of_journal(journal: &Path) -> Self {
        Self::new(journal.join(DIRECTORY))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, number: u32) -> PathBuf {
        self.dir.join(format!("{number:06}{SUFFIX}"))
    }

    fn write(&self, number: u32, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let path = self.path(number);
        let is_new = !path.exists();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if is_new { sync_dir(&self.dir) } else { Ok(()) }
    }
}

impl CheckpointStore for CheckpointFiles {
    fn name(&self) -> PathBuf {
        self.dir.clone()
    }

    fn name_of(&self, number: u32) -> PathBuf {
        self.path(number)
    }

    /// The numbers of the files that are there, in order.
    fn list(&self) -> io::Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(SUFFIX))
                .and_then(|digits| digits.parse().ok());
            numbers.extend(number.filter(|&number| entry.path() == self.path(number)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads one file.
    fn read(&self, number: u32) -> io::Result<Stretch> {
        let mut bytes = Vec::new();
        // One byte more than there can be: what is longer is not what was written, and shows as that.
        File::open(self.path(number))?.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
        Ok(read(&bytes))
    }

    /// Cuts off what a crash left of a checkpoint at the very end. Damage stays as it is.
    fn recover(&self) -> io::Result<()> {
        let Some(&last) = self.list()?.last() else { return Ok(()) };
        if let Some((end, Broken::Torn)) = self.read(last)?.broken {
            let file = OpenOptions::new().write(true).open(self.path(last))?;
            file.set_len(end)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Writes checkpoints behind the last and makes them durable, a file at a time. After an error it may be tried again
    /// with those that are not there yet.
    fn append_all(&self, checkpoints: &[Checkpoint]) -> io::Result<()> {
        if checkpoints.is_empty() {
            return Ok(());
        }
        self.recover()?;
        let last = self.list()?.last().copied();
        if let Some((last, (first, rest))) = last.zip(checkpoints.split_first())
            && self.read(last)?.checkpoints.last() == Some(first)
        {
            // Of an error it was not known whether it was written all the same.
            File::open(self.path(last))?.sync_all()?;
            sync_dir(&self.dir)?;
            return self.append_all(rest);
        }
        if last.is_none() {
            make_directory(&self.dir)?;
            if let Some(parent) = self.dir.parent() {
                sync_dir(parent)?;
            }
        }
        // Behind damage nothing would be found.
        let (mut number, mut length) = match last {
            None => (1, 0),
            Some(last) if self.read(last)?.broken.is_some() => (last + 1, 0),
            Some(last) => (last, fs::metadata(self.path(last))?.len()),
        };
        let mut text = String::new();
        for checkpoint in checkpoints {
            let next = format!("{checkpoint}\n");
            if length + next.len() as u64 > FILE_BYTES {
                self.write(number, &text)?;
                text.clear();
                (number, length) = (number + 1, 0);
            }
            length += next.len() as u64;
            text.push_str(&next);
        }
        self.write(number, &text)
    }

    /// Removes the files whose checkpoints all come before this one.
    fn remove_before(&self, checkpoint: u64) -> io::Result<()> {
        let files = self.list()?;
        for pair in files.windows(2) {
            let &[this, next] = pair else { continue };
            // The file's own ones too: what somebody else wrote into the next one must not take these along.
            let is_old = self.read(this)?.checkpoints.iter().all(|one| one.number < checkpoint);
            let first_of_next = self.read(next)?.checkpoints.first().map(|first| first.number);
            if !is_old || first_of_next.is_none_or(|first| first > checkpoint) {
                break;
            }
            fs::remove_file(self.path(this))?;
            sync_dir(&self.dir)?;
        }
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Stretch {
    let mut checkpoints = Vec::new();
    let mut at = 0;
    let broken = loop {
        let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { break None };
        let within = &rest[..rest.len().min(CHECKPOINT_LIMIT + 1)];
        let Some(end) = within.windows(2).position(|pair| pair == b"\n\n") else {
            let torn = rest.len() <= CHECKPOINT_LIMIT;
            break Some(if torn { Broken::Torn } else { Broken::Not(NotACheckpoint::Text) });
        };
        let parsed =
            std::str::from_utf8(&rest[..=end]).map_err(|_| NotACheckpoint::Text).and_then(Checkpoint::parse);
        match parsed {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(fault) => break Some(Broken::Not(fault)),
        }
        at += end + 2;
    };
    Stretch { checkpoints, broken: broken.map(|broken| (at as u64, broken)) }
}
