//! A backup, opened by what opened the seal when it was made.

use std::fs::{self, File, Permissions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use strongroom_backup::{Backup, OpenPart, Reading};
use strongroom_crypto::hex;
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::Key256;
use tempfile::TempDir;

use super::expect_file;
use crate::backup::SLOTS;
use crate::settings::{SealPlace, Slot};

/// The key of the slot `file`, in the folder of the seal.
const SLOT_KEY: &str = "slot-file.key";

/// A backup whose head was read and whose key is known. It can be read from its beginning as often as need be.
pub(super) struct Opened {
    pub(super) file: PathBuf,
    pub(super) open_part: OpenPart,
    pub(super) root: Root,
    key: Arc<Key256>,
}

impl Opened {
    /// Reads the head, and opens the root key in its slots with what opens this seal: its key file, or its passphrase.
    pub(super) fn read(file: &Path, seal: &SealPlace) -> Result<Self> {
        expect_file(file)?;
        let open_part = head(file)?.open_part().clone();
        let scratch = scratch_folder(None)?;
        write_private(&scratch.path().join(SLOTS), &open_part.slots)?;
        link_slot_key(seal, scratch.path())?;
        let root = Root::open_with(scratch.path(), &seal.unlock()?).with_context(|| match seal.settings.slot {
            Slot::File => format!(
                "the backup does not open with {}: put the key file of the time there, or say [seal] slot = \"passphrase\" \
                 if it had one",
                seal.dir.join(SLOT_KEY).display()
            ),
            Slot::Passphrase => "the backup does not open with this passphrase: it takes that of its time".to_owned(),
        })?;
        let epoch = Epoch::new(open_part.epoch);
        let check = root.check_value_of(epoch);
        if check.is_none_or(|check| check.verify(&open_part.check_value).is_err()) {
            bail!("the head of {} does not fit together: it was altered", file.display());
        }
        let key = root.subkey(Purpose::Backup, epoch)?;
        Ok(Self { file: file.to_owned(), open_part, root, key })
    }

    /// Reads it from the beginning.
    pub(super) fn reading(&self) -> Result<Reading<BufReader<File>>> {
        let opened = head(&self.file)?.open(&self.key);
        opened.with_context(|| format!("opening {}", self.file.display()))
    }

    /// Its id, as people see it.
    pub(super) fn id(&self) -> String {
        hex::encode(&self.open_part.id)
    }

    /// Whether a seal that is there is the backup's, with the same root key in use. Its file of slots may still be another:
    /// slots come and go, and each time it is written its salts are new.
    pub(super) fn fits(&self, seal: &SealPlace) -> bool {
        let root = seal.unlock().and_then(|opener| Ok(Root::open_with(&seal.dir, &opener)?));
        root.is_ok_and(|root| {
            let epoch = root.current_epoch();
            epoch == Epoch::new(self.open_part.epoch)
                && root
                    .check_value_of(epoch)
                    .is_some_and(|check| check.verify(&self.open_part.check_value).is_ok())
        })
    }

    /// Writes its slots into the folder of a seal, unless they are there.
    pub(super) fn put_slots(&self, seal_dir: &Path) -> Result<()> {
        let path = seal_dir.join(SLOTS);
        if path.exists() {
            return Ok(());
        }
        make_folder(seal_dir)?;
        write_private(&path, &self.open_part.slots)
    }
}

fn head(file: &Path) -> Result<Backup<BufReader<File>>> {
    let shown = file.display();
    let opened = File::open(file).with_context(|| format!("opening {shown}"))?;
    Backup::read(BufReader::new(opened)).with_context(|| format!("reading {shown}"))
}

/// A folder for its owner only, which is removed at the end: in `within`, or among temporary files.
pub(super) fn scratch_folder(within: Option<&Path>) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("strongroom-backup-").permissions(Permissions::from_mode(0o700));
    let made = match within {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    };
    made.context("making a folder to work in")
}

/// Makes a folder for its owner only, with those above it, if it is not there; they are on the disk when this returns.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|above| !above.exists()).collect();
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
        let parents = missing.iter().filter_map(|made| made.parent());
        parents
            .map(|parent| if parent == Path::new("") { Path::new(".") } else { parent })
            .try_for_each(|parent| File::open(parent)?.sync_all())
    });
    made.with_context(|| format!("making {}", folder.display()))
}

/// Lets the seal's key file be found in another folder. Where a passphrase opens, there is none.
pub(super) fn link_slot_key(seal: &SealPlace, folder: &Path) -> Result<()> {
    if seal.settings.slot == Slot::Passphrase {
        return Ok(());
    }
    let key = std::path::absolute(seal.dir.join(SLOT_KEY))?;
    if !key.exists() {
        bail!(
            "{} is not there: a backup opens with the key file that the seal had when it was made",
            key.display()
        );
    }
    symlink(&key, folder.join(SLOT_KEY)).with_context(|| format!("working in {}", folder.display()))
}

/// Writes a file that is not there, for its owner only; it is on the disk when this returns.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("writing {}", path.display()))
}
