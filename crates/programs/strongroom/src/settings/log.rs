//! `[log]`: what a server tells on standard error.

use serde::Deserialize;
use strongroom_runtime::LogFormat;

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// For example `debug` or `info,strongroom_kms=debug`.
    pub(crate) filter: String,
    /// `text` for people, `json` for one JSON object a line.
    format: Format,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

impl LogSettings {
    /// How log lines look.
    pub(crate) fn format(&self) -> LogFormat {
        match self.format {
            Format::Text => LogFormat::Text,
            Format::Json => LogFormat::Json,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "warn,strongroom=info".to_owned(), format: Format::Text }
    }
}
