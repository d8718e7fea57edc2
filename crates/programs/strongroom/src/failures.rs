//! Failed authentication, from the front door to the security log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_failures::{Failure, Options, SecurityLog};
use strongroom_runtime::Shutdown;
use strongroom_server::{FailedAuthentication, FailureLog};

use crate::data_dir::DataDir;

/// How often what was noted is written down.
const EVERY: Duration = Duration::from_secs(10);

/// Keeps failed authentication in a data folder.
pub(crate) struct Failures(SecurityLog);

impl Failures {
    /// Opens the log of the data folder, whose lock the caller holds, and writes it until the shutdown begins.
    pub(crate) fn keep(data: &DataDir, shutdown: &Shutdown) -> Result<Arc<Self>> {
        let log =
            SecurityLog::open(&data.failures(), Options::default()).context("opening the security log")?;
        let failures = Arc::new(Self(log));
        shutdown.spawn(failures.clone().write(shutdown.clone()));
        Ok(failures)
    }

    async fn write(self: Arc<Self>, shutdown: Shutdown) {
        let mut works = true;
        loop {
            let is_over = tokio::time::timeout(EVERY, shutdown.begun()).await.is_ok();
            let failures = self.clone();
            let written = tokio::task::spawn_blocking(move || failures.0.write()).await;
            let written = written.map_err(std::io::Error::other).flatten();
            // The first of several failures is told.
            match &written {
                Err(error) if works => tracing::warn!(%error, "the security log cannot be written"),
                Ok(()) if !works => tracing::info!("the security log is written again"),
                _ => {}
            }
            works = written.is_ok();
            if is_over {
                return;
            }
        }
    }
}

impl FailureLog for Failures {
    fn note(&self, failure: &FailedAuthentication<'_>) {
        let &FailedAuthentication { time_ms, source, access_key_id, code } = failure;
        self.0.note(&Failure { time_ms, source, access_key_id, code });
    }
}
