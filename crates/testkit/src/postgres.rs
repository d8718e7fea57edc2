//! A PostgreSQL server of the test process's own.

use std::io::{self, Read};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

/// The one superuser of the server. It has no password: only who may enter the socket's directory gets in.
const USER: &str = "strongroom";

/// The life of a server, run by a shell of its own: it cannot outlive the test process, however that ends,
/// because the kernel then closes the pipe that the shell reads.
const LIFE: &str = r#"
trap '' PIPE
binaries=$1 directory=$2 durable=$3
if "$binaries/initdb" -D "$directory/data" -U strongroom -A trust -E UTF8 --locale=C --no-sync \
    >"$directory/log" 2>&1 &&
    "$binaries/pg_ctl" start -w -t 600 -D "$directory/data" -l "$directory/log" -o "-k '$directory' -c listen_addresses='' \
-c fsync=$durable -c full_page_writes=$durable -c max_connections=300 -c shared_buffers=64MB" >>"$directory/log" 2>&1
then
    echo ready
    exec >/dev/null
    read -r _
    "$binaries/pg_ctl" stop -m immediate -D "$directory/data"
else
    cat "$directory/log"
fi
rm -rf "$directory"
"#;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TempPgError {
    /// The machine has no PostgreSQL server.
    #[error("tests need a PostgreSQL server and none is installed: run scripts/system-packages.sh")]
    Missing,
    /// PostgreSQL does not run as root, and the machine has no other account to run it as.
    #[error("PostgreSQL refuses to run as root, and there is neither a postgres nor a nobody account")]
    NoAccount,
    /// The server did not start; this is its log.
    #[error("PostgreSQL does not start:\n{0}")]
    NotStarted(String),
    /// A directory, process or pipe could not be had.
    #[error("PostgreSQL cannot be started")]
    Io(#[from] io::Error),
}

/// A PostgreSQL server with an empty cluster, on a Unix socket only. It stops, and its
/// files go, when the value is dropped or the process ends, even by SIGKILL.
#[derive(Debug)]
pub struct TempPg {
    binaries: PathBuf,
    directory: PathBuf,
    life: Child,
    databases: AtomicU32,
}

impl TempPg {
    /// Starts a server without `fsync`. Takes about a second: prefer [`shared`](Self::shared).
    pub fn start() -> Result<Self, TempPgError> {
        Self::start_with("off")
    }

    /// Starts one that waits for the disk, as in production: for measurements.
    pub fn start_durable() -> Result<Self, TempPgError> {
        Self::start_with("on")
    }

    fn start_with(durable: &str) -> Result<Self, TempPgError> {
        let binaries = find_binaries().ok_or(TempPgError::Missing)?;
        let directory = tempfile::Builder::new().prefix("strongroom-pg-").tempdir()?;
        let mut command = Command::new("/bin/sh");
        if rustix::process::geteuid().is_root() {
            let (uid, gid) = unprivileged_account()?;
            chown(directory.path(), Some(uid), Some(gid))?;
            command.uid(uid).gid(gid);
        }
        let mut life = command
            .arg("-c")
            .arg(LIFE)
            .arg("strongroom-test-postgres")
            .arg(&binaries)
            .arg(directory.path())
            .arg(durable)
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            // A group of its own: an interrupt from the terminal must not reach the shell before the server
            // is stopped.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        // From here on the shell removes the directory.
        let directory = directory.keep();
        let said = first_words(&mut life)?;
        if said == "ready\n" {
            Ok(Self { binaries, directory, life, databases: AtomicU32::new(0) })
        } else {
            life.wait()?;
            Err(TempPgError::NotStarted(said))
        }
    }

    /// The server that all tests of this process share, started by the first that asks.
    ///
    /// # Panics
    /// When there is no server to be had: a suite that skipped its PostgreSQL half would still look green.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TempPg> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|error| panic!("{error}")))
    }

    /// Makes an empty database, of whose existence only the caller knows, and gives its URL.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn create_database(&self) -> String {
        self.create_database_with(&[])
    }

    /// The same, with options of PostgreSQL's `createdb`.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn create_database_with(&self, options: &[&str]) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(self.binaries.join("createdb"))
            .args(["-h", &self.directory.display().to_string(), "-U", USER])
            .args(options)
            .arg(&name)
            .env_clear()
            .output();
        match made {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!("createdb failed: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("createdb does not run: {error}"),
        }
        format!("postgres://{USER}@localhost:5432/{name}?host={}", self.directory.display())
    }
}

impl Drop for TempPg {
    fn drop(&mut self) {
        drop(self.life.stdin.take());
        // Nobody is left to tell when waiting fails; the shell does its work all the same.
        let _ = self.life.wait();
    }
}

/// What the shell says: `ready`, or the log of a failed start up to its end.
fn first_words(life: &mut Child) -> io::Result<String> {
    let mut said = Vec::new();
    if let Some(stdout) = life.stdout.take() {
        for byte in io::BufReader::new(stdout).bytes() {
            said.push(byte?);
            if said == b"ready\n" {
                break;
            }
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The directory of `initdb` and its siblings: from `PATH`, or the newest that Debian keeps off it.
fn find_binaries() -> Option<PathBuf> {
    let whole = |directory: &Path| {
        ["initdb", "postgres", "pg_ctl", "createdb"].iter().all(|name| directory.join(name).is_file())
    };
    let on_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path).find(|directory| directory.is_absolute() && whole(directory))
    });
    on_path.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        versions
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let version = entry.file_name().to_str()?.parse::<u32>().ok()?;
                let directory = entry.path().join("bin");
                whole(&directory).then_some((version, directory))
            })
            .max()
            .map(|(_, directory)| directory)
    })
}

/// User and group of the account `postgres`, else `nobody`.
fn unprivileged_account() -> Result<(u32, u32), TempPgError> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some((uid, gid))
        })
    };
    find("postgres").or_else(|| find("nobody")).ok_or(TempPgError::NoAccount)
}
