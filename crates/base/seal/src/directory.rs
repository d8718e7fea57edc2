//! The directory that holds the seal: files that appear whole or not at all, and that only their owner reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use strongroom_crypto::{hex, random};
use strongroom_secret::SecretBytes;

use crate::SealError;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// The permission bits of group and others.
const OTHERS: u32 = 0o077;
/// Their write bits.
const OTHERS_WRITE: u32 = 0o022;

/// No file of a seal is longer, in bytes: room for a thousand subkeys that are left of older root keys. (The head of a
/// backup has room for as much.)
pub(crate) const LONGEST_FILE: usize = 262_144;

/// Random bytes in the name of a draft.
const DRAFT_ID: usize = 8;

/// A directory that others cannot change.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Opens an existing directory.
    pub(crate) fn open(path: &Path) -> Result<Self, SealError> {
        let mode = fs::metadata(path).map_err(at(path))?.permissions().mode() & 0o7777;
        if mode & OTHERS_WRITE != 0 {
            return Err(SealError::Permissions { path: path.to_owned(), mode, wanted: DIRECTORY_MODE });
        }
        Ok(Self(path.to_owned()))
    }

    /// Opens the directory, which is made, with its parents, if need be.
    pub(crate) fn make(path: &Path) -> Result<Self, SealError> {
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path).map_err(at(path))?;
            // A relative path of one part has the empty path for a parent.
            let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
            sync(parent)?;
        }
        Self::open(path)
    }

    /// The path of the file `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Reads a file that only its owner may read.
    pub(crate) fn read(&self, name: &str) -> Result<SecretBytes, SealError> {
        let path = self.path(name);
        let mut file = File::open(&path).map_err(at(&path))?;
        let metadata = file.metadata().map_err(at(&path))?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(SealError::Permissions { path, mode, wanted: FILE_MODE });
        }
        if !metadata.is_file() || metadata.len() > LONGEST_FILE as u64 {
            return Err(SealError::Corrupt { path, what: "it is no file, or far too long" });
        }
        SecretBytes::filled(metadata.len() as usize, |bytes| file.read_exact(bytes)).map_err(at(&path))
    }

    /// Its path.
    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    /// Keeps others who lock the directory waiting until the answer is dropped. Whoever writes in it has locked it. What a
    /// crash has left of an earlier writing goes: there are keys in it.
    pub(crate) fn lock(&self) -> Result<File, SealError> {
        let held = File::open(&self.0).map_err(at(&self.0))?;
        held.lock().map_err(at(&self.0))?;
        for entry in fs::read_dir(&self.0).map_err(at(&self.0))? {
            let entry = entry.map_err(at(&self.0))?;
            if entry.file_name().to_str().is_some_and(is_draft) {
                fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            }
        }
        Ok(held)
    }

    /// Puts these bytes in the place of the file `name`, on disk when this returns. A crash leaves the file as it was
    /// or as it is to be.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), SealError> {
        let path = self.path(name);
        if bytes.len() > LONGEST_FILE {
            return Err(SealError::Corrupt { path, what: "it would be far too long" });
        }
        let draft = self.draft(name)?;
        let moved = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        if moved.is_err() {
            let _ = fs::remove_file(&draft);
        }
        moved.map_err(at(&path))?;
        sync(&self.0)
    }

    fn draft(&self, name: &str) -> Result<PathBuf, SealError> {
        Ok(self.path(&format!(".{name}.{}", hex::encode(&random::bytes::<DRAFT_ID>()?))))
    }

    /// Makes the file `name` with these bytes, on disk when this returns. It appears whole: a crash leaves it
    /// or leaves none. Tells `false`, and changes nothing, if there is one already.
    pub(crate) fn publish(&self, name: &str, bytes: &[u8]) -> Result<bool, SealError> {
        let path = self.path(name);
        let draft = self.draft(name)?;
        let linked = write_draft(&draft, bytes).and_then(|()| fs::hard_link(&draft, &path));
        // A draft that stays behind is harmless and never read; what counts is whether the link was made.
        let _ = fs::remove_file(&draft);
        let made = match linked {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(at(&path)(error)),
        };
        // Also for a file that another just made: nobody works with what may still be lost.
        sync(&self.0)?;
        Ok(made)
    }
}

/// Whether a file of that name is a draft.
fn is_draft(name: &str) -> bool {
    let id = name.strip_prefix('.').and_then(|name| name.rsplit_once('.')).map(|(_, id)| id);
    id.and_then(hex::decode).is_some_and(|id| id.len() == DRAFT_ID)
}

fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(directory: &Path) -> Result<(), SealError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SealError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => SealError::NotFound { path },
        _ => SealError::Io { path, source },
    }
}
