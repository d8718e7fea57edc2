//! The `openssl` program, in a folder of its own.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// A folder in which `openssl` works.
pub(crate) struct OpenSsl(TempDir);

impl OpenSsl {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Runs it; what it writes to standard output.
    pub(crate) fn run(&self, arguments: &str) -> String {
        let (succeeded, output) = self.attempt(arguments);
        assert!(succeeded, "openssl {arguments}: {output}");
        output
    }

    /// Runs it; whether it succeeded, and all it wrote.
    pub(crate) fn attempt(&self, arguments: &str) -> (bool, String) {
        // A word in quotes may hold spaces.
        let words = arguments.split('\'').enumerate().flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        let output = Command::new("openssl").current_dir(self.0.path()).args(words).output().unwrap();
        let text = [output.stdout.as_slice(), &output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}
