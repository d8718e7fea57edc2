//! The built program as a process.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as SocketAddress, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use tempfile::TempDir;

use crate::client::Client;

/// What nothing here takes, even on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A place for a program's files (its data, its home and its temporary files), and for its HSMs.
pub(crate) struct Place(TempDir, Network);

/// A /16 of the loopback network by its second number, which nobody else takes meanwhile: servers at the same time, also those of
/// other runs on this machine, do not choose one address for their HSMs.
struct Network {
    number: u32,
    /// Held for as long as the network is.
    _claim: UnixDatagram,
}

impl Network {
    fn claim() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        // In turn, so that one is not taken again at once: HSMs may still end there.
        for _ in 0..80 {
            let number = 40 + (std::process::id() + PLACES.fetch_add(1, Ordering::Relaxed)) % 80;
            let name =
                SocketAddress::from_abstract_name(format!("strongroom-tests-network-{number}")).unwrap();
            if let Ok(claim) = UnixDatagram::bind_addr(&name) {
                return Self { number, _claim: claim };
            }
        }
        panic!("every network is taken by other tests");
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), Network::claim());
        fs::create_dir(place.temporary()).unwrap();
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.env_clear().env("HOME", self.0.path()).env("TMPDIR", self.temporary()).stdin(Stdio::null());
        command
    }

    /// The arguments of a server on a free port and this place's data.
    fn serving(&self) -> Vec<String> {
        let data = self.data().to_str().unwrap().to_owned();
        let network = format!("127.{}.0.0/16", self.1.number);
        let arguments = ["dev", "--listen", "127.0.0.1:0", "--data-dir", &data, "--vpc-cidr", &network];
        arguments.map(str::to_owned).to_vec()
    }

    /// Runs the program to its end.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        // To files: a pipe that nobody reads takes no more than 64 KiB.
        let stdout = self.0.path().join("stdout");
        let output = self.run_into(arguments, File::create(&stdout).unwrap());
        Output { stdout: fs::read(stdout).unwrap(), ..output }
    }

    /// Runs the program to its end, with that as its standard output.
    pub(crate) fn run_into<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
        stdout: impl Into<Stdio>,
    ) -> Output {
        let stderr = self.0.path().join("stderr");
        let mut command = self.command();
        command.args(arguments).stdout(stdout).stderr(File::create(&stderr).unwrap());
        let status = wait(&mut command.spawn().unwrap());
        Output { status, stdout: Vec::new(), stderr: fs::read(stderr).unwrap() }
    }

    /// Runs a server that is expected to refuse to start, and answers what it says of it.
    pub(crate) fn refusal(&self) -> String {
        let arguments = self.serving();
        refusal(&self.run(arguments.iter().map(String::as_str)))
    }

    /// Runs `audit verify`, and answers whether it found the journal intact, and its words.
    pub(crate) fn verify_audit(&self) -> (bool, String) {
        let data = self.data();
        let output = self.run(["audit", "verify", "--data-dir", data.to_str().unwrap()]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    /// Starts a server on this place's data.
    pub(crate) fn start(&self) -> Program {
        Program::start(self, &self.serving())
    }

    /// Starts a server whose data is forgotten at the end.
    pub(crate) fn start_ephemeral(&self) -> Program {
        Program::start(self, &["dev", "--listen", "127.0.0.1:0", "--ephemeral"].map(str::to_owned))
    }

    /// Every file of the data folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.data()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// Every file of the data folder and the digest of what it holds, but for those that SQLite has beside its
    /// own while it is open: the index of its log, and the log itself where it is empty.
    pub(crate) fn contents(&self) -> Vec<(PathBuf, String)> {
        let mut contents = Vec::new();
        for path in self.files() {
            let content = fs::read(&path).unwrap();
            let name = path.to_str().unwrap();
            if !(name.ends_with("-shm") || name.ends_with("-wal") && content.is_empty()) {
                contents.push((path, hex::encode(&sha256(&content))));
            }
        }
        contents
    }
}

/// What a program that refuses says; one line, and nothing on standard output.
pub(crate) fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(said.starts_with("strongroom: ") && said.lines().count() == 1, "{said}");
    said.trim_start_matches("strongroom: ").trim_end().to_owned()
}

/// A server that runs.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    /// All that it said until it was ready.
    pub(crate) welcome: String,
    child: Child,
    log: PathBuf,
    /// Standard output, as it comes.
    lines: Receiver<String>,
}

impl Program {
    fn start(place: &Place, arguments: &[String]) -> Self {
        let log = place.0.path().join("log");
        let mut child = place
            .command()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut welcome = String::new();
        while !welcome.contains("Press Ctrl-C to stop.") {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                panic!("it does not start: {welcome}{}", fs::read_to_string(&log).unwrap());
            };
            writeln!(welcome, "{line}").unwrap();
        }
        let first = welcome.lines().next().unwrap();
        let address = first.strip_prefix("Strongroom is ready at http://").unwrap().parse().unwrap();
        let program = Self { address, welcome, child, log, lines };
        // It is up when it answers; that it listens it says before it does.
        assert_eq!(program.client().get("/_strongroom/health").unwrap().status, 200);
        program
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Pauses it, and waits until it stands still: the signal is sent before all of its threads have met it.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.child.id());
        let stands = |thread: &Path| {
            // One that ends meanwhile is looked for again. The name before the state may be anything.
            fs::read_to_string(thread.join("stat"))
                .is_ok_and(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('T'))
        };
        let begun = Instant::now();
        while !fs::read_dir(&threads).unwrap().all(|thread| stands(&thread.unwrap().path())) {
            assert!(begun.elapsed() < PATIENCE, "it is not paused");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Goes on after a pause.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> ExitStatus {
        let status = wait(&mut self.child);
        assert!(!self.log().contains("panicked"), "{}", self.log());
        assert_eq!(self.lines.iter().collect::<Vec<_>>(), Vec::<String>::new());
        status
    }

    /// Asks it to end, as an operator does, and expects that it does so properly.
    pub(crate) fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.end().code(), Some(0));
    }

    /// `kill -9`
    pub(crate) fn kill(self) {
        self.signal(Signal::KILL);
        assert_eq!(self.end().code(), None);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // What a test leaves running ends with it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits for the end of a process; one that does not end is killed.
fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Makes `to` a copy of `from`, whatever it was before.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
