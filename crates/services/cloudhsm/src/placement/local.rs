//! HSMs as processes on this machine.
//!
//! ```text
//! <folder>/<hsm id>/config.toml   what the process was started with; for its owner only
//!                   state/        what the HSM keeps; the HSM's own business
//!                   process       the process's id and start, to find it again
//! <logs>/<hsm id>/log             what it printed; stays when the HSM goes
//! ```
//!
//! A process outlives the server that started it, and is found again by the next one.

mod config;
mod process;

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf, absolute};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use strongroom_runtime::Shutdown;
use tokio::sync::watch;

use self::process::{LOOKS_TO_FINISH, LOOKS_TO_GO, Process};
use super::{Condition, Order, Placement, PlacementError, Spot};
use crate::network::FIRST_PORT;

/// Where HSMs are kept, and what they are started from.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The folder that each HSM has its own in.
    pub folder: PathBuf,
    /// The folder that the logs of HSMs are in, those of HSMs that are gone too.
    pub logs: PathBuf,
    /// The folder in which the host's device keys are, made by the first HSM.
    pub device_root: PathBuf,
    /// The program, `strongroom-hsmd`.
    pub program: PathBuf,
}

/// HSMs as processes on this machine.
pub struct LocalProcesses {
    options: LocalOptions,
    shutdown: Shutdown,
    /// Those that were started or found here.
    known: Arc<Mutex<HashMap<String, Process>>>,
    changes: Arc<watch::Sender<u64>>,
}

impl LocalProcesses {
    /// HSMs under the options' folder. Processes are watched until `shutdown` begins, and run on.
    /// Fails where the working folder is not to be found, which paths may be relative to.
    pub fn new(options: &LocalOptions, shutdown: Shutdown) -> std::io::Result<Self> {
        // A process has a working folder of its own.
        let options = LocalOptions {
            folder: absolute(&options.folder)?,
            logs: absolute(&options.logs)?,
            device_root: absolute(&options.device_root)?,
            program: absolute(&options.program)?,
        };
        Ok(Self { options, shutdown, known: Arc::default(), changes: Arc::new(watch::Sender::new(0)) })
    }

    fn folder(&self, hsm_id: &str) -> PathBuf {
        self.options.folder.join(hsm_id)
    }

    /// The process of an HSM, if it runs.
    fn running(&self, hsm_id: &str) -> Option<Process> {
        let known = self.lock().get(hsm_id).copied();
        let found = known.or_else(|| Process::read(&self.folder(hsm_id).join(PROCESS)));
        let found = found.filter(Process::is_alive);
        match found {
            Some(process) => self.lock().insert(hsm_id.to_owned(), process),
            None => self.lock().remove(hsm_id),
        };
        found
    }

    /// Ends the process of an HSM, if it runs.
    async fn end(&self, hsm_id: &str, looks: u32) -> Result<(), PlacementError> {
        if let Some(process) = self.running(hsm_id) {
            process.end(looks).await?;
        }
        self.lock().remove(hsm_id);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Process>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the log of an HSM. One that has grown long is put aside, in place of the one that was before.
    fn open_log(&self, hsm_id: &str) -> Result<File, PlacementError> {
        let folder = self.options.logs.join(hsm_id);
        make_private(&folder)?;
        let log = folder.join(LOG);
        let open = || {
            if std::fs::metadata(&log).is_ok_and(|log| log.len() > LONGEST_LOG) {
                std::fs::rename(&log, log.with_extension("before"))?;
            }
            File::options().create(true).append(true).open(&log)
        };
        open().map_err(|source| io(format!("{} cannot be written", log.display()), source))
    }

    /// Notices the end of a process that was started here.
    fn watch(&self, hsm_id: String, mut child: tokio::process::Child) {
        let (shutdown, changes) = (self.shutdown.clone(), self.changes.clone());
        self.shutdown.spawn(async move {
            tokio::select! {
                biased;
                status = child.wait() => {
                    match status {
                        Ok(status) if status.success() => {
                            tracing::info!(hsm = hsm_id, "the process of an HSM has ended");
                        }
                        Ok(status) => tracing::warn!(hsm = hsm_id, %status, "the process of an HSM has ended"),
                        Err(error) => tracing::warn!(hsm = hsm_id, %error, "an HSM's process cannot be watched"),
                    }
                    changes.send_modify(|number| *number += 1);
                }
                () = shutdown.begun() => {}
            }
        });
    }
}

/// The parts of an HSM's folder.
const CONFIG: &str = "config.toml";
const STATE: &str = "state";
const PROCESS: &str = "process";

/// The name of a log in its folder, and its length in bytes beyond which the next start begins another.
const LOG: &str = "log";
const LONGEST_LOG: u64 = 8 << 20;

#[async_trait]
impl Placement for LocalProcesses {
    async fn survey(&self, _zone: &str, address: Ipv4Addr) -> Result<Spot, PlacementError> {
        match TcpListener::bind(SocketAddr::from((address, FIRST_PORT))) {
            Ok(_) => Ok(Spot::Free),
            Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(Spot::InUse),
            Err(error) => Err(PlacementError::Unreachable(format!(
                "No HSM can listen at {address} on this machine ({error}). Give the machine the addresses of the \
                 subnet, for example with `ip address add {address}/32 dev lo`, or use the subnets of the default \
                 VPC, which every Linux machine has."
            ))),
        }
    }

    async fn observe(&self, hsm_id: &str) -> Result<Condition, PlacementError> {
        if self.running(hsm_id).is_some() {
            return Ok(Condition::Running);
        }
        let state = self.folder(hsm_id).join(STATE);
        match state.try_exists() {
            Ok(true) => Ok(Condition::Stopped),
            Ok(false) => Ok(Condition::Absent),
            Err(source) => Err(io(format!("{} cannot be looked at", state.display()), source)),
        }
    }

    async fn start(&self, order: &Order) -> Result<(), PlacementError> {
        if self.running(&order.hsm_id).is_some() {
            return Ok(());
        }
        let folder = self.folder(&order.hsm_id);
        make_private(&folder)?;
        let config = folder.join(CONFIG);
        config::write(&config, order, &folder.join(STATE), &self.options.device_root)?;
        let log = self.open_log(&order.hsm_id)?;
        let failed = |source| io("the log of an HSM cannot be opened twice".to_owned(), source);
        let second = log.try_clone().map_err(failed)?;
        let started = tokio::process::Command::new(&self.options.program)
            .arg("--config")
            .arg(&config)
            .current_dir(&folder)
            // What a shell gave the server is nobody's business in an HSM.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(second)
            // Ctrl-C in the server's terminal is the server's to hear.
            .process_group(0)
            .kill_on_drop(false)
            .spawn();
        let program = |source| PlacementError::Program { path: self.options.program.clone(), source };
        let child = started.map_err(program)?;
        let process = child.id().and_then(Process::of);
        if let Some(process) = process {
            process.write(&folder.join(PROCESS))?;
            self.lock().insert(order.hsm_id.clone(), process);
        }
        tracing::info!(hsm = order.hsm_id, listen = %order.listen, pid = child.id(), "an HSM is started");
        self.watch(order.hsm_id.clone(), child);
        Ok(())
    }

    async fn stop(&self, hsm_id: &str) -> Result<(), PlacementError> {
        self.end(hsm_id, LOOKS_TO_FINISH).await
    }

    async fn kill(&self, hsm_id: &str) -> Result<(), PlacementError> {
        if let Some(process) = self.running(hsm_id) {
            process.kill().await?;
        }
        self.lock().remove(hsm_id);
        Ok(())
    }

    async fn destroy(&self, hsm_id: &str) -> Result<(), PlacementError> {
        self.end(hsm_id, LOOKS_TO_GO).await?;
        let folder = self.folder(hsm_id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done.map_err(|source| io(format!("{} cannot be removed", folder.display()), source)),
        }
    }

    async fn list(&self) -> Result<Vec<String>, PlacementError> {
        let entries = match std::fs::read_dir(&self.options.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries,
        };
        let failed = |source| io(format!("{} cannot be read", self.options.folder.display()), source);
        let mut found = Vec::new();
        for entry in entries.map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str().filter(|name| name.starts_with("hsm-")) {
                found.push(name.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Makes a folder for its owner only.
fn make_private(folder: &Path) -> Result<(), PlacementError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| io(format!("{} cannot be made", folder.display()), source))
}

fn io(what: String, source: std::io::Error) -> PlacementError {
    PlacementError::Io { what, source }
}
