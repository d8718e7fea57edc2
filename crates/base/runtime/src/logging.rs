//! Structured logs on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Sends this process's logs to standard error, filtered by `filter` (the syntax of `tracing`'s
/// `EnvFilter`, for example `info,strongroom_server=debug`; what of it makes no sense is left out).
/// Secrets stay out of logs by type, not by filter. A second call in one process changes nothing.
pub fn init_logging(format: LogFormat, filter: &str) {
    let filter = EnvFilter::builder().parse_lossy(filter);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let already_set = match format {
        LogFormat::Text => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    // Tests that run several nodes in one process come here more than once.
    drop(already_set);
}
