//! A folder that one process uses and nobody else reads: files that are whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::fs::{FlockOperation, flock};
use strongroom_crypto::{random, salted};
use strongroom_secret::{Key256, SecretBytes};

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// The permission bits of group and others.
const OTHERS: u32 = 0o077;
/// No file is longer, in bytes; it is the most that the kernel reads.
const LONGEST_FILE: u64 = 1 << 30;
const SEAL: &str = "seal";
const LOCK: &str = "lock";
const SEALED: &[u8] = b"strongroom/hsmd/file";

/// A locked folder.
pub(crate) struct Folder {
    path: PathBuf,
    seal: Key256,
    /// The kernel's lock lives as long as it.
    lock: File,
}

/// Another process has the folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{folder} is in use by {user}")]
pub(super) struct InUse {
    folder: String,
    user: String,
}

/// A file that is added to.
pub(crate) struct Tail(File);

impl Folder {
    /// Makes the folder if it is not there, locks it, and reads the seal or makes one. `user` is who is told to
    /// be using it, if somebody is.
    pub(crate) fn open(path: &Path, user: &str) -> Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path)
            .with_context(|| format!("making {shown}"))?;
        let mode = fs::metadata(path).with_context(|| format!("reading {shown}"))?.permissions().mode();
        ensure!(
            mode & OTHERS == 0,
            "others may enter {shown}, which holds keys; close it with: chmod 700 {shown}"
        );
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(path.join(LOCK))
            .with_context(|| format!("making {shown}/{LOCK}"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(InUse { folder: shown.to_string(), user: user.to_owned() }.into());
        }
        let mut folder = Self { path: path.to_owned(), seal: Key256::new([0; 32]), lock };
        folder.seal = folder.read_or_make_seal()?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The device seal, for what seals for itself.
    pub(crate) const fn seal(&self) -> &Key256 {
        &self.seal
    }

    fn read_or_make_seal(&self) -> Result<Key256> {
        if let Some(bytes) = self.read(SEAL)? {
            return Key256::copied_from(bytes.expose())
                .ok_or_else(|| anyhow!("{}/{SEAL} is not 32 bytes", self.path.display()));
        }
        let others = fs::read_dir(&self.path)?.filter_map(Result::ok).any(|entry| entry.file_name() != LOCK);
        // A log file of whoever started us may be there; sealed files must not.
        ensure!(
            !others || !self.path.join("device").exists(),
            "{}/{SEAL} is gone; what is in the folder cannot be opened without it",
            self.path.display()
        );
        let key = random::key256()?;
        self.write(SEAL, key.expose())?;
        Ok(key)
    }

    /// Reads a file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<SecretBytes>> {
        let path = self.path.join(name);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("opening {}", path.display())),
        };
        let metadata = file.metadata()?;
        ensure!(
            metadata.is_file() && metadata.len() <= LONGEST_FILE,
            "{} is no file of ours",
            path.display()
        );
        ensure!(
            metadata.permissions().mode() & OTHERS == 0,
            "others may read {}; close it with: chmod 600 {0}",
            path.display()
        );
        let bytes = SecretBytes::filled(metadata.len() as usize, |bytes| file.read_exact(bytes));
        Ok(Some(bytes.with_context(|| format!("reading {}", path.display()))?))
    }

    /// Writes a file, on disk when this returns: a crash leaves the old one or the new one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, draft) = (self.path.join(name), self.path.join(format!(".{name}")));
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().with_context(|| format!("writing {}", path.display()))
    }

    /// Removes a file, if it is there; it is gone when this returns.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let remove = || -> io::Result<()> {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                removed => removed?,
            }
            File::open(&self.path)?.sync_all()
        };
        remove().with_context(|| format!("removing {}", path.display()))
    }

    /// Reads a sealed file, if it is there. One of another name or another HSM does not open.
    pub(crate) fn read_sealed(&self, name: &str) -> Result<Option<SecretBytes>> {
        let Some(sealed) = self.read(name)? else { return Ok(None) };
        let opened = salted::open(&self.seal, SEALED, name.as_bytes(), sealed.expose());
        let opened = opened.with_context(|| format!("{}/{name} does not open", self.path.display()))?;
        Ok(Some(opened))
    }

    /// Seals and writes a file.
    pub(crate) fn write_sealed(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut sealed = Vec::new();
        salted::seal_into(&self.seal, SEALED, name.as_bytes(), bytes, &mut sealed)?;
        self.write(name, &sealed)
    }

    /// Opens a file for more, after cutting it to `length` bytes. It is made if it is not there.
    pub(crate) fn tail(&self, name: &str, length: usize) -> Result<Tail> {
        let path = self.path.join(name);
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(&path)?;
            file.set_len(length as u64)?;
            file.sync_all()?;
            File::open(&self.path)?.sync_all()?;
            Ok(file)
        };
        Ok(Tail(open().with_context(|| format!("opening {}", path.display()))?))
    }

    /// Whether the folder is still the one that was locked. Whoever removes it wants the HSM gone.
    pub(crate) fn is_there(&self) -> bool {
        let same = |ours: &fs::Metadata, theirs: &fs::Metadata| {
            (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
        };
        match (self.lock.metadata(), fs::metadata(self.path.join(LOCK))) {
            (Ok(ours), Ok(theirs)) => same(&ours, &theirs),
            _ => false,
        }
    }

    /// Overwrites the seal, without which nothing here opens, and removes all files but the lock.
    pub(crate) fn destroy(&self) -> Result<()> {
        let seal = self.path.join(SEAL);
        if let Ok(mut file) = OpenOptions::new().write(true).open(&seal) {
            file.write_all(&random::bytes::<32>()?)?;
            file.sync_all()?;
        }
        for entry in fs::read_dir(&self.path)?.filter_map(Result::ok) {
            if entry.file_name() != LOCK && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::remove_file(entry.path())
                    .with_context(|| format!("removing {}", entry.path().display()))?;
            }
        }
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

impl Tail {
    /// Adds bytes, on disk when this returns.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }

    /// Adds bytes that survive this process, but perhaps not the machine.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// One on a disk that is full.
    #[cfg(test)]
    pub(crate) fn full() -> Self {
        Self(OpenOptions::new().write(true).open("/dev/full").unwrap())
    }

    /// Begins anew, after a checkpoint that holds everything.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_is_for_one_process_and_its_owner() {
        let temporary = TempDir::new().unwrap();
        let path = temporary.path().join("a/b");
        let folder = Folder::open(&path, "another HSM").unwrap();
        let refused = Folder::open(&path, "another HSM").err().unwrap();
        assert!(refused.to_string().ends_with("is in use by another HSM"), "{refused}");
        for name in ["seal", "lock"] {
            assert_eq!(fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        drop(folder);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(Folder::open(&path, "").err().unwrap().to_string().contains("chmod 700"));
    }

    #[test]
    fn sealed_files_open_under_their_name_and_seal_alone() {
        let temporary = TempDir::new().unwrap();
        let folder = Folder::open(&temporary.path().join("a"), "").unwrap();
        folder.write_sealed("local", b"a secret of mine").unwrap();
        let on_disk = fs::read(folder.path().join("local")).unwrap();
        assert!(!on_disk.windows(6).any(|window| window == b"secret"));
        assert_eq!(folder.read_sealed("local").unwrap().unwrap().expose(), b"a secret of mine");
        fs::rename(folder.path().join("local"), folder.path().join("other")).unwrap();
        assert!(folder.read_sealed("other").is_err());
        assert!(folder.read_sealed("local").unwrap().is_none());
        let stranger = Folder::open(&temporary.path().join("b"), "").unwrap();
        stranger.write("local", &on_disk).unwrap();
        assert!(stranger.read_sealed("local").is_err());
    }

    #[test]
    fn a_lost_seal_is_not_replaced_and_a_destroyed_folder_is_empty() {
        let temporary = TempDir::new().unwrap();
        let path = temporary.path().join("a");
        let folder = Folder::open(&path, "").unwrap();
        folder.write_sealed("device", b"key").unwrap();
        drop(folder);
        fs::remove_file(path.join("seal")).unwrap();
        assert!(Folder::open(&path, "").err().unwrap().to_string().contains("is gone"));
        fs::remove_file(path.join("device")).unwrap();
        let folder = Folder::open(&path, "").unwrap();
        folder.write_sealed("device", b"key").unwrap();
        folder.destroy().unwrap();
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"]);
        assert!(folder.is_there());
        fs::remove_dir_all(&path).unwrap();
        assert!(!folder.is_there());
    }

    #[test]
    fn a_tail_grows_is_cut_and_begins_anew() {
        let temporary = TempDir::new().unwrap();
        let folder = Folder::open(&temporary.path().join("a"), "").unwrap();
        let holds = || folder.read("tail").unwrap().unwrap().expose().clone();
        let mut tail = folder.tail("tail", 0).unwrap();
        tail.add(b"one").unwrap();
        tail.write(b"two").unwrap();
        drop(tail);
        assert_eq!(holds(), b"onetwo");
        let mut tail = folder.tail("tail", 3).unwrap();
        tail.add(b"3").unwrap();
        assert_eq!(holds(), b"one3");
        tail.clear().unwrap();
        tail.add(b"4").unwrap();
        assert_eq!(holds(), b"4");
    }
}
