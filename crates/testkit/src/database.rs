//! A fresh, empty database for one test.

use std::path::Path;

use tempfile::TempDir;

use crate::TempPg;

/// An empty database that nobody else has, gone when the test is. Open it by its [`url`](Self::url).
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    directory: Option<TempDir>,
}

impl TestDatabase {
    /// A place for an SQLite file; the file itself is not there yet.
    ///
    /// # Panics
    /// When no directory for temporary files can be made.
    #[must_use]
    pub fn sqlite() -> Self {
        let directory = match tempfile::tempdir() {
            Ok(directory) => directory,
            Err(error) => panic!("no directory for a test database: {error}"),
        };
        let url = format!("sqlite://{}/store.db", directory.path().display());
        Self { url, directory: Some(directory) }
    }

    /// A database on the PostgreSQL server of this test process.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn postgres() -> Self {
        Self { url: TempPg::shared().create_database(), directory: None }
    }

    /// `sqlite:///absolute/path` or `postgres://...`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The SQLite file, for tests that look into it; nothing on PostgreSQL.
    pub fn sqlite_file(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite://").map(Path::new)
    }

    /// The directory that holds nothing but the SQLite file and what SQLite puts beside it.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(TempDir::path)
    }
}
