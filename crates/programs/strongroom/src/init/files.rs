//! Files that are made once, whole, and never written over.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use strongroom_crypto::{hex, random};

/// Makes a folder and its parents. What is made is entered by everyone and changed by its owner: certificates are no
/// secrets, and what is one has a mode of its own.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))
}

/// Makes a file that is not there. It appears whole, and is on disk when this returns.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let draft = draft_of(path)?;
    let made = write(&draft, mode, bytes).and_then(|()| fs::hard_link(&draft, path));
    // A draft that stays behind is never read.
    let _ = fs::remove_file(&draft);
    made.and_then(|()| File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all())
        .with_context(|| format!("making {}", path.display()))
}

/// A name that no draft has that a crash has left: in a container each process has the same number.
fn draft_of(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", hex::encode(&random::bytes::<8>()?)));
    Ok(PathBuf::from(name))
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
