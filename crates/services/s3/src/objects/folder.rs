//! The folder: files by their ids, in 256 folders by the first byte, and one of those that are being written.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use strongroom_crypto::{CryptoError, hex, random};

use super::format;

/// The folder of files that are being written.
const UNFINISHED: &str = "new";

/// The file that says which folder it is.
const ID: &str = "folder";

/// Names a file: 16 random bytes, in hexadecimal digits outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId([u8; 16]);

impl FileId {
    pub(super) fn random() -> Result<Self, CryptoError> {
        random::bytes().map(Self)
    }

    #[cfg(test)]
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for FileId {
    type Err = io::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = hex::decode(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase()));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no file of objects has such a name"))
    }
}

/// Where objects' files are. Servers that share a store share the folder. Everything here waits for the disk.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// How many readers each file has here.
    read: Mutex<HashMap<FileId, usize>>,
}

impl Folder {
    /// The folder at that path, which is made if it is not there. It is its owner's alone.
    pub fn open(path: &Path) -> io::Result<Self> {
        make(path)?;
        make(&path.join(UNFINISHED))?;
        Ok(Self { path: path.to_owned(), read: Mutex::default() })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with the folder's id.
    pub fn id_file(&self) -> PathBuf {
        self.path.join(ID)
    }

    /// The id by which a store knows the folder, if it has one.
    pub fn id(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.id_file()) {
            Ok(id) => Ok(Some(id.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the folder its id, durably.
    pub fn set_id(&self, id: &str) -> io::Result<()> {
        let draft = self.path.join(UNFINISHED).join(ID);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(id.as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, self.id_file())?;
        File::open(&self.path)?.sync_all()
    }

    /// All that a copy of the folder is made of: its id and the finished files, as [`finished`](Self::finished) has them.
    pub fn copied(&self) -> io::Result<Vec<(PathBuf, String, u64)>> {
        let mut all = self.finished()?;
        if let Ok(metadata) = fs::metadata(self.id_file()) {
            all.push((self.id_file(), ID.to_owned(), metadata.len()));
        }
        Ok(all)
    }

    /// The paths of all files that are finished, with their names in the folder and lengths. What is removed meanwhile is
    /// left out.
    pub fn finished(&self) -> io::Result<Vec<(PathBuf, String, u64)>> {
        let mut all = Vec::new();
        for folder in entries(&self.path)? {
            let name = folder.file_name().to_string_lossy().into_owned();
            if name == UNFINISHED || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in entries(&folder.path())? {
                match file.metadata() {
                    Ok(metadata) if metadata.is_file() => {
                        let path = format!("{name}/{}", file.file_name().to_string_lossy());
                        all.push((file.path(), path, metadata.len()));
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(all)
    }

    /// Begins a file.
    pub(super) fn begin(&self, id: FileId) -> io::Result<Unfinished> {
        let at = self.path.join(UNFINISHED).join(id.to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at)?;
        let mut unfinished = Unfinished { place: Removed { at, finished: false }, file };
        unfinished.write(&format::head(id))?;
        Ok(unfinished)
    }

    /// Opens a file, and checks its head and its length. The reader stands behind the head.
    pub(super) fn open_file(&self, id: FileId, size: u64) -> io::Result<File> {
        let mut file = File::open(self.place(id))?;
        let damaged = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        if file.metadata()?.len() != format::file_length(size) {
            return Err(damaged("a file of an object has another length than it should"));
        }
        let mut head = [0; format::HEAD as usize];
        file.read_exact(&mut head)?;
        if !format::is_head(&head, id) {
            return Err(damaged(
                "a file of an object is not the one that it is named after, or of another format",
            ));
        }
        Ok(file)
    }

    /// Notes that files are read, so that they are not removed here.
    pub(super) fn reading(self: &Arc<Self>, files: Vec<FileId>) -> Readers {
        let mut read = self.read();
        for file in &files {
            *read.entry(*file).or_default() += 1;
        }
        drop(read);
        Readers { folder: self.clone(), files }
    }

    /// Whether a file is being read here.
    pub(crate) fn is_read(&self, id: FileId) -> bool {
        self.read().contains_key(&id)
    }

    fn read(&self) -> MutexGuard<'_, HashMap<FileId, usize>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a file. One that is not there is as good as removed.
    pub(crate) fn remove(&self, id: FileId) -> io::Result<()> {
        unless_missing(fs::remove_file(self.place(id)))
    }

    /// Removes what was begun and not written to since that moment of real time, and answers the ids of finished files that
    /// are as old.
    pub(crate) fn untouched_since(&self, moment_ms: i64) -> io::Result<Vec<FileId>> {
        let is_old = |metadata: &fs::Metadata| {
            let age = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            age.is_some_and(|age| i64::try_from(age.as_millis()).is_ok_and(|at_ms| at_ms <= moment_ms))
        };
        for file in entries(&self.path.join(UNFINISHED))? {
            match file.metadata() {
                Ok(metadata) if is_old(&metadata) => unless_missing(fs::remove_file(file.path()))?,
                Ok(_) => {}
                Err(error) => unless_missing(Err(error))?,
            }
        }
        let mut old = Vec::new();
        for (path, ..) in self.finished()? {
            match fs::metadata(&path) {
                Ok(metadata) if is_old(&metadata) => {
                    let id: Option<FileId> =
                        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                    old.extend(id);
                }
                Ok(_) => {}
                Err(error) => unless_missing(Err(error))?,
            }
        }
        Ok(old)
    }

    /// Removes all files, finished or not.
    pub(crate) fn clear(&self) -> io::Result<()> {
        for file in entries(&self.path.join(UNFINISHED))? {
            unless_missing(fs::remove_file(file.path()))?;
        }
        for (path, ..) in self.finished()? {
            unless_missing(fs::remove_file(path))?;
        }
        Ok(())
    }

    fn place(&self, id: FileId) -> PathBuf {
        let name = id.to_string();
        self.path.join(name.get(..2).unwrap_or_default()).join(name)
    }
}

/// Files that are read, until this is dropped.
pub(super) struct Readers {
    folder: Arc<Folder>,
    files: Vec<FileId>,
}

impl Drop for Readers {
    fn drop(&mut self) {
        let mut read = self.folder.read();
        for file in &self.files {
            if let Some(readers) = read.get_mut(file) {
                *readers -= 1;
                if *readers == 0 {
                    read.remove(file);
                }
            }
        }
    }
}

/// A file that is being written. It goes unless it is finished.
pub(super) struct Unfinished {
    place: Removed,
    file: File,
}

/// A place that is emptied unless what is there is finished.
struct Removed {
    at: PathBuf,
    finished: bool,
}

impl Drop for Removed {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is swept later.
            let _ = fs::remove_file(&self.at);
        }
    }
}

impl Unfinished {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file durable, then gives it its place: it is there whole, or not at all.
    pub(super) fn finish(mut self, folder: &Folder, id: FileId) -> io::Result<()> {
        self.file.sync_all()?;
        let place = folder.place(id);
        let parent = place.parent().unwrap_or(&folder.path);
        make(parent)?;
        fs::rename(&self.place.at, &place)?;
        self.place.finished = true;
        File::open(parent)?.sync_all()
    }
}

/// Makes a folder of mode 0700, durably, unless it is there.
fn make(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn entries(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    fs::read_dir(path)?.collect()
}

fn unless_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("objects")).unwrap();
        let (kept, left) = (FileId::from_bytes([1; 16]), FileId::from_bytes([2; 16]));
        drop(folder.begin(left).unwrap());
        assert!(fs::read_dir(folder.path().join(UNFINISHED)).unwrap().next().is_none());
        let mut open = folder.begin(kept).unwrap();
        open.write(&[0; 16]).unwrap();
        open.finish(&folder, kept).unwrap();
        assert_eq!(folder.finished().unwrap().len(), 1);
        assert!(folder.open_file(kept, 0).is_ok());
        assert!(folder.open_file(kept, 1).is_err(), "another length");
        assert!(folder.open_file(left, 0).is_err());
        assert_eq!(folder.untouched_since(i64::MAX).unwrap(), [kept]);
        assert!(folder.untouched_since(0).unwrap().is_empty());
        folder.remove(kept).unwrap();
        folder.remove(kept).unwrap();
        assert!(folder.finished().unwrap().is_empty());
    }

    #[test]
    fn a_file_is_its_own() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let (one, other) = (FileId::from_bytes([1; 16]), FileId::from_bytes([2; 16]));
        let mut open = folder.begin(one).unwrap();
        open.write(&[0; 16]).unwrap();
        open.finish(&folder, one).unwrap();
        make(folder.place(other).parent().unwrap()).unwrap();
        fs::rename(folder.place(one), folder.place(other)).unwrap();
        assert!(folder.open_file(other, 0).is_err());
    }

    #[test]
    fn names_are_read_in_one_form_only() {
        let id = FileId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string().parse::<FileId>().unwrap(), id);
        for bad in ["", "ab", &"AB".repeat(16), "../../../../../etc/passwd/.......", &"zz".repeat(16)] {
            assert!(bad.parse::<FileId>().is_err(), "{bad}");
        }
    }
}
