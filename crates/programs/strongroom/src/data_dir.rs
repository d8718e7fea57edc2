//! The folder that a server keeps everything in.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::cli::DataOptions;

/// A data folder, its parts by name.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

/// Holds the folder for one server. Released by the kernel when the process ends, however it ends.
pub(crate) struct Lock(
    #[expect(dead_code, reason = "held, never read: the kernel's lock lives as long as it")] File,
);

impl DataDir {
    /// The folder that the options name, or the user's.
    pub(crate) fn named(options: &DataOptions) -> Result<Self> {
        if let Some(folder) = &options.data_dir {
            return Ok(Self(folder.clone()));
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        let base = base.context("neither HOME nor XDG_DATA_HOME is set; say where with --data-dir")?;
        Ok(Self(base.join("strongroom")))
    }

    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("strongroom.db")
    }

    /// The file of metrics' points, beside an embedded store.
    pub(crate) fn metrics(&self) -> PathBuf {
        self.0.join("metrics.db")
    }

    /// The file of log events, beside an embedded store.
    pub(crate) fn log_events(&self) -> PathBuf {
        self.0.join("logs.db")
    }

    /// The folder of S3's objects, unless the settings name another.
    pub(crate) fn objects(&self) -> PathBuf {
        self.0.join("objects")
    }

    pub(crate) fn seal(&self) -> PathBuf {
        self.0.join("seal")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// The folder that each HSM has its own in.
    pub(crate) fn hsms(&self) -> PathBuf {
        self.0.join("hsms")
    }

    /// The folder of the logs of HSMs.
    pub(crate) fn hsm_logs(&self) -> PathBuf {
        self.0.join("hsm-logs")
    }

    /// The folder of the host's device root, which HSMs make.
    pub(crate) fn device_root(&self) -> PathBuf {
        self.0.join("hsm-host")
    }

    /// The folder of what is looked up in the journal.
    pub(crate) fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// The folder of the log of failed authentication.
    pub(crate) fn failures(&self) -> PathBuf {
        self.0.join("failures")
    }

    /// The file with the server's name among those on its store.
    pub(crate) fn server_name(&self) -> PathBuf {
        self.0.join("server-name")
    }

    /// Where a running server hears whoever runs the machine.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// Makes the folder if it is not there, for its owner only, and locks it for a server in development.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let folder = self.0.display();
        self.try_lock()?.with_context(|| {
            format!(
                "another strongroom serves from {folder}; stop it, name another folder with --data-dir, or have `up` and \
                 `down` use it where it is, with --endpoint"
            )
        })
    }

    /// Makes the folder if it is not there, for its owner only, and locks it, unless a server has it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>> {
        let folder = self.0.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .with_context(|| format!("making {folder}"))?;
        let mode = std::fs::metadata(&self.0)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("others may enter {folder}, which holds keys; close it with: chmod 700 {folder}");
        }
        let file =
            File::options().create(true).truncate(false).write(true).mode(0o600).open(self.0.join("lock"))?;
        let is_free = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        Ok(is_free.then_some(Lock(file)))
    }
}
