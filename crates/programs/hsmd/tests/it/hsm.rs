//! An HSM's process.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::plane::{PATIENCE, Plane, TOKEN};

/// The folders of one host's HSMs.
pub(crate) struct Host(TempDir);

/// A process, killed when the test is done with it.
pub(crate) struct Hsm {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    child: Option<Child>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Starts an HSM that the control plane expects.
    pub(crate) fn start(&self, plane: &Plane, id: &str) -> Hsm {
        self.start_with(plane, id, "")
    }

    /// Starts one with more lines in its configuration.
    pub(crate) fn start_with(&self, plane: &Plane, id: &str, more: &str) -> Hsm {
        let dev = if more.contains("dev = ") { "" } else { "dev = true\n" };
        // A port that is free just now, at an address that nobody else listens at: an HSM listens once it has a certificate.
        let address = TcpListener::bind((own_address(), 0)).unwrap().local_addr().unwrap();
        let folder = self.0.path().join(id);
        fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "hsm_id = \"{id}\"\nstate = \"{}\"\ndevice_root = \"{}\"\nplanes = [\"{}\"]\nenrolment_token = \"{TOKEN}\"\n\
             listen = \"{address}\"\n{dev}log = \"debug\"\n{more}plane_certificate = \"\"\"\n{}\"\"\"\n",
            folder.join("state").display(),
            self.0.path().join("device-root").display(),
            plane.address(),
            plane.certificate,
        );
        write_private(&folder.join("hsmd.toml"), &config);
        let mut hsm = Hsm { id: id.to_owned(), address, folder, child: None };
        hsm.start();
        hsm
    }
}

/// An address of this machine for one HSM of this process.
fn own_address() -> Ipv4Addr {
    static HSMS: AtomicU16 = AtomicU16::new(256);
    let [high, low] = HSMS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = u8::try_from(std::process::id() % 16).unwrap();
    Ipv4Addr::new(127, 2 + process, high, low)
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Hsm {
    /// Starts the process, once more with what it has.
    pub(crate) fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_strongroom-hsmd"))
            .arg("--config")
            .arg(self.folder.join("hsmd.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Waits until its log says something so many times.
    pub(crate) fn wait_log(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.log().matches(text).count() < times {
            assert!(begun.elapsed() < PATIENCE, "{} does not say {text:?}: {}", self.id, self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; the process has to end by itself.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.wait()
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child = Some(child);
        panic!("{} does not stop: {}", self.id, self.log());
    }
}

impl Drop for Hsm {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the log of {}\n{}", self.id, self.log());
        }
    }
}
