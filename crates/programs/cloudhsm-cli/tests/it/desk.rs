//! The built program, with a home of its own and HSMs to talk to.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::rig::{PASSWORD, Rig};

/// What nothing here takes, even on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A person's desk: a home, and a cluster that is configured.
pub(crate) struct Desk {
    home: TempDir,
    pub(crate) rig: Rig,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The data of an answer; the command has succeeded.
    pub(crate) fn data(&self) -> Value {
        let mut document = self.document();
        assert_eq!((self.status, &document["error_code"]), (0, &Value::from(0)), "{self:?}");
        assert_eq!(document.as_object().unwrap().len(), 2);
        document["data"].take()
    }

    /// The text of an answer; the command has failed.
    pub(crate) fn refusal(&self) -> String {
        let document = self.document();
        assert_eq!((self.status, &document["error_code"]), (1, &Value::from(1)), "{self:?}");
        document["data"].as_str().unwrap().to_owned()
    }
}

impl Desk {
    /// A cluster with users.
    pub(crate) fn activated(hsms: usize) -> Self {
        Self::with(Rig::activated(hsms))
    }

    /// A cluster that nobody has activated.
    pub(crate) fn founded(hsms: usize) -> Self {
        Self::with(Rig::founded(hsms))
    }

    fn with(rig: Rig) -> Self {
        let desk = Self { home: TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), rig };
        fs::write(desk.path("customerCA.crt"), &desk.rig.authority).unwrap();
        let addresses = desk.rig.nodes.iter().map(|node| node.address.to_string());
        let mut configure = vec!["configure".to_owned(), "-a".to_owned()];
        configure.extend(addresses);
        configure.extend(["--hsm-ca-cert".to_owned(), desk.path("customerCA.crt").display().to_string()]);
        let output = desk.command("cloudhsm-cli").args(configure).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        desk
    }

    /// A file in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Its name, for a command line.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let path = match program {
            "cloudhsm-cli" => env!("CARGO_BIN_EXE_cloudhsm-cli"),
            "configure-cli" => env!("CARGO_BIN_EXE_configure-cli"),
            other => panic!("{other}"),
        };
        let mut command = Command::new(path);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("STRONGROOM_CLOUDHSM_CONFIG", self.path("cli.cfg"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command without a log-in.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        Ended::of(self.command("cloudhsm-cli").args(words).output().unwrap())
    }

    /// Runs a command as a user, `role/name`.
    pub(crate) fn run_as(&self, user: &str, words: &[&str]) -> Ended {
        let (role, name) = user.split_once('/').unwrap();
        let mut command = self.command("cloudhsm-cli");
        command.env("CLOUDHSM_ROLE", role).env("CLOUDHSM_PIN", format!("{name}:{PASSWORD}"));
        Ended::of(command.args(words).output().unwrap())
    }

    /// What a command answers to the crypto user cu1.
    pub(crate) fn cu1(&self, words: &[&str]) -> Value {
        self.run_as("crypto-user/cu1", words).data()
    }

    /// What a command answers to the administrator.
    pub(crate) fn admin(&self, words: &[&str]) -> Value {
        self.run_as("admin/admin", words).data()
    }

    /// Begins a session that is typed into.
    pub(crate) fn interactive(&self) -> Session {
        let mut child =
            self.command("cloudhsm-cli").arg("interactive").stdin(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (documents, answers) = channel();
        std::thread::spawn(move || {
            let mut document = String::new();
            for line in BufReader::new(stdout).lines() {
                document.push_str(&line.unwrap());
                document.push('\n');
                if let Ok(value) = serde_json::from_str::<Value>(&document) {
                    document.clear();
                    if documents.send(value).is_err() {
                        return;
                    }
                }
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let (bytes, prompts) = channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while stderr.read(&mut byte).unwrap() == 1 {
                if bytes.send(byte[0]).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Session { child, stdin, answers, prompts }
    }

    /// A session in which a user, `role/name`, is logged in.
    pub(crate) fn session(&self, user: &str) -> Session {
        let (role, name) = user.split_once('/').unwrap();
        let mut session = self.interactive();
        session.data(&format!("login --username {name} --role {role} --password {PASSWORD}"));
        session
    }

    /// The configuration file.
    pub(crate) fn configuration(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("cli.cfg")).unwrap()).unwrap()
    }
}

/// An interactive session.
pub(crate) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<Value>,
    prompts: Receiver<u8>,
}

impl Session {
    pub(crate) fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin
            .write_all(line.as_bytes())
            .and_then(|()| stdin.write_all(b"\n"))
            .and_then(|()| stdin.flush())
            .unwrap();
    }

    /// Waits until it asks for this.
    pub(crate) fn asks(&mut self, prompt: &str) {
        let mut seen = Vec::new();
        while !seen.ends_with(prompt.as_bytes()) {
            let byte = self.prompts.recv_timeout(PATIENCE);
            seen.push(byte.unwrap_or_else(|_| panic!("asks {:?}", String::from_utf8_lossy(&seen))));
        }
    }

    pub(crate) fn answer(&mut self) -> Value {
        self.answers.recv_timeout(PATIENCE).expect("the session answers")
    }

    /// The data that it answers to a command that succeeds.
    pub(crate) fn data(&mut self, line: &str) -> Value {
        self.write(line);
        self.answered()
    }

    /// The data of its next answer.
    pub(crate) fn answered(&mut self) -> Value {
        let mut answer = self.answer();
        assert_eq!(answer["error_code"], 0, "{answer}");
        answer["data"].take()
    }

    /// The text that it answers to a command that fails.
    pub(crate) fn refusal(&mut self, line: &str) -> String {
        self.write(line);
        self.refused()
    }

    /// The text of its next answer.
    pub(crate) fn refused(&mut self) -> String {
        let answer = self.answer();
        assert_eq!(answer["error_code"], 1, "{answer}");
        answer["data"].as_str().unwrap().to_owned()
    }

    /// Leaves, and answers the exit status.
    pub(crate) fn quit(mut self) -> i32 {
        self.write("quit");
        drop(self.stdin.take());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
