//! The log, as the configuration says.

use std::fs::{OpenOptions, create_dir_all};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use strongroom_runtime::Clocks;
use time::OffsetDateTime;
use tracing::level_filters::LevelFilter;

use crate::config::Logging;

/// Begins to log. Where the log cannot be written there is none: no command fails for that.
pub(crate) fn begin(logging: &Logging) {
    let level = match logging.log_level.as_deref() {
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("debug") => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        _ => LevelFilter::INFO,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    match (logging.log_type.as_deref(), &logging.log_file) {
        (Some("term"), _) => builder.with_writer(std::io::stderr).init(),
        (_, Some(file)) => {
            let path = begun_at(file, logging.log_interval.as_deref(), Clocks::system().real_now());
            if let Some(folder) = path.parent() {
                // Opening the file says the same, and better.
                let _ = create_dir_all(folder);
            }
            if let Ok(file) = OpenOptions::new().append(true).create(true).open(path) {
                builder.with_writer(Mutex::new(file)).init();
            }
        }
        _ => {}
    }
}

/// The log file of a moment, in milliseconds since 1970.
fn begun_at(file: &Path, interval: Option<&str>, now_ms: i64) -> PathBuf {
    let Ok(now) = OffsetDateTime::from_unix_timestamp(now_ms.div_euclid(1_000)) else {
        return file.to_path_buf();
    };
    let date = match interval {
        Some("hourly") => format!("{}-{:02}", now.date(), now.hour()),
        Some("daily") => now.date().to_string(),
        Some("weekly") => format!("{}-W{:02}", now.year(), now.iso_week()),
        _ => return file.to_path_buf(),
    };
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(date);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_begun_as_often_as_the_configuration_says() {
        let at = |interval| begun_at(Path::new("/l/a.log"), interval, 1_795_774_500_000);
        assert_eq!(at(None), Path::new("/l/a.log"));
        assert_eq!(at(Some("never")), Path::new("/l/a.log"));
        assert_eq!(at(Some("daily")), Path::new("/l/a.log.2026-11-27"));
        assert_eq!(at(Some("hourly")), Path::new("/l/a.log.2026-11-27-10"));
        assert_eq!(at(Some("weekly")), Path::new("/l/a.log.2026-W48"));
    }
}
