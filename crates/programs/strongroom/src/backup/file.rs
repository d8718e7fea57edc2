//! The file that a backup is written to: under another name until all of it is there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use strongroom_crypto::{hex, random};

/// What is appended to a file's name while it is not whole.
const SUFFIX: &str = ".partial";

/// A file that is not whole yet. Dropped before it is, it goes.
pub(crate) struct Partial {
    file: File,
    at: PathBuf,
    wanted: PathBuf,
    bytes: u64,
}

impl Partial {
    /// Makes it, readable by its owner only. A file of the wanted name is never written over.
    pub(crate) fn create(wanted: &Path) -> Result<Self> {
        let shown = wanted.display();
        if wanted.exists() {
            bail!("{shown} is there already; name another file");
        }
        let Some(name) = wanted.file_name() else { bail!("{shown} names no file") };
        let mut name = name.to_owned();
        // A name that nobody else has: of two backups to one file, each writes its own, and nothing that lies there already
        // is written into.
        name.push(format!(".{}{SUFFIX}", hex::encode(&random::bytes::<8>()?)));
        let at = wanted.with_file_name(name);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&at);
        let file = file.with_context(|| format!("making {}", at.display()))?;
        Ok(Self { file, at, wanted: wanted.to_owned(), bytes: 0 })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).with_context(|| format!("writing {}", self.at.display()))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its name, and its length in bytes. It is on the disk when this returns.
    pub(crate) fn finish(self) -> Result<u64> {
        let name = || -> io::Result<()> {
            self.file.sync_all()?;
            renameat_with(CWD, &self.at, CWD, &self.wanted, RenameFlags::NOREPLACE)?;
            let folder = self.wanted.parent().filter(|folder| *folder != Path::new(""));
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        name().with_context(|| format!("writing {}", self.wanted.display()))?;
        Ok(self.bytes)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Once it has its name there is none of this one.
        let _ = fs::remove_file(&self.at);
    }
}
