//! The `openssl` command in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `openssl` with the words of `line`, in the folder, and gives what it printed. Quotes are not
    /// understood; no argument of these tests has a space.
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.output(line);
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn output(&self, line: &str) -> Output {
        Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("openssl is installed: see scripts/system-packages.sh")
    }

    /// Makes a key in `<name>.key` and a self-signed CA in `<name>.crt`, with more arguments for `req`.
    pub(crate) fn authority(&self, name: &str, key: &str, more: &str) -> String {
        self.run(&format!("genpkey {key} -out {name}.key"));
        self.run(&format!(
            "req -x509 -new -key {name}.key -subj /C=US/O=Example/CN={name} -days 3650 -out {name}.crt {more}"
        ));
        self.read(&format!("{name}.crt"))
    }
}

pub(crate) const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
pub(crate) const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:prime256v1";
