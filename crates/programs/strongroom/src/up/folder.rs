//! The folder that `up` keeps its files in: `up` in the data folder.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// For the owner alone.
const PRIVATE: u32 = 0o600;
/// For everybody to read.
const PUBLIC: u32 = 0o644;

/// The folder, and the names of what is in it.
pub(crate) struct Folder(PathBuf);

/// Held by whoever changes what is in the folder. Released by the kernel when the process ends, however it ends.
pub(crate) struct Turn(
    #[expect(dead_code, reason = "held, never read: the kernel's lock lives as long as it")] File,
);

impl Folder {
    /// The folder in that data folder, both made if they are not there.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let folder = data.join("up");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("making {}", folder.display()))?;
        // Its files name their own path to other programs.
        Ok(Self(folder.canonicalize().with_context(|| folder.display().to_string())?))
    }

    /// The folder in that data folder, if it is there.
    pub(crate) fn find(data: &Path) -> Option<Self> {
        data.join("up").canonicalize().ok().map(Self)
    }

    /// Deployments and their passwords.
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    /// Deployments that were taken down: with their passwords, which backups of their clusters need.
    pub(crate) fn taken_down(&self) -> PathBuf {
        self.0.join("taken-down.json")
    }

    /// The cluster's trust anchor: the certificate of the authority that signed its certificate.
    pub(crate) fn customer_ca(&self) -> PathBuf {
        self.0.join("customerCA.crt")
    }

    /// The certificate of the authority that `up` makes if it is given none.
    pub(crate) fn local_authority(&self) -> PathBuf {
        self.0.join("localCA.crt")
    }

    /// The private key of that authority.
    pub(crate) fn local_authority_key(&self) -> PathBuf {
        self.0.join("localCA.key")
    }

    /// The configuration of cloudhsm-cli.
    pub(crate) fn client_config(&self) -> PathBuf {
        self.0.join("cloudhsm-cli.cfg")
    }

    /// What a shell reads to use all this.
    pub(crate) fn environment(&self) -> PathBuf {
        self.0.join("env.sh")
    }

    /// Takes the folder for one run of `up` or `down`.
    pub(crate) fn take_turn(&self) -> Result<Turn> {
        let mut options = File::options();
        options.create(true).truncate(false).write(true).mode(PRIVATE);
        let file = options.open(self.0.join("lock")).with_context(|| self.0.display().to_string())?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another `strongroom up` or `down` is at work in {}; let it finish", self.0.display());
        }
        Ok(Turn(file))
    }

    /// Removes the folder with all that `up` wrote into it. What others put there stays, and so does what backups need.
    pub(crate) fn remove(&self) -> Result<()> {
        let files = [
            self.state(),
            self.customer_ca(),
            self.local_authority(),
            self.local_authority_key(),
            self.client_config(),
            self.environment(),
            self.0.join("lock"),
        ];
        for file in files {
            remove(&fresh(&file))?;
            remove(&file)?;
        }
        remove(&fresh(&self.taken_down()))?;
        match std::fs::remove_dir(&self.0) {
            Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
                Err(error).with_context(|| format!("removing {}", self.0.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// The text of a file, if it is there.
pub(crate) fn read(file: &Path) -> Result<Option<String>> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        File::open(file)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) if text.len() as u64 > MAX_FILE => bail!("{} is too long", file.display()),
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// Writes a file for its owner alone: a crash leaves the old content or the new, and none that has not come to rest.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<()> {
    write(file, text, PRIVATE)
}

/// The same for a file that everybody may read.
pub(crate) fn write_public(file: &Path, text: &str) -> Result<()> {
    write(file, text, PUBLIC)
}

/// What a file is called before it has come to rest.
fn fresh(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    let fresh = fresh(file);
    let write = || -> std::io::Result<()> {
        let mut opened = File::options().create(true).write(true).truncate(true).mode(mode).open(&fresh)?;
        // One that an earlier run left may be open to others.
        opened.set_permissions(Permissions::from_mode(mode))?;
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        std::fs::rename(&fresh, file)?;
        file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("writing {}", file.display()))
}
