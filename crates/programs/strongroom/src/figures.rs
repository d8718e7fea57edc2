//! Figures of the process itself and of the index of events, for the metrics.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use strongroom_cloudwatch::CloudWatch;
use strongroom_deriving::{Followed, Progress as Derivation};
use strongroom_history::{History, Progress};
use strongroom_server::{Figure, Figures, Reading};

/// What the kernel says of this process.
pub(crate) struct ThisProcess;

impl Figures for ThisProcess {
    fn figures(&self) -> Vec<Figure> {
        let page = rustix::param::page_size() as f64;
        let memory = fs::read_to_string("/proc/self/statm").ok().and_then(|text| resident_pages(&text));
        let busy = fs::read_to_string("/proc/self/stat").ok().and_then(|text| busy_ticks(&text));
        let gauge = |name, help, value| Figure { name, help, value: Reading::Gauge(value) };
        let (memory, busy) = (memory.unwrap_or_default() as f64, busy.unwrap_or_default());
        vec![
            gauge("resident_memory_bytes", "Memory of this process that is in use", memory * page),
            Figure {
                name: "processor_seconds",
                help: "Time of processors that this process has used since its start",
                value: Reading::Time(time_of(busy)),
            },
            gauge("open_files", "Files and connections that this process has open", open_files() as f64),
        ]
    }
}

/// How far the index behind the journal is.
pub(crate) struct EventIndex(pub(crate) History);

impl Figures for EventIndex {
    fn figures(&self) -> Vec<Figure> {
        let Progress { indexed, waiting, bytes, records, damaged } = self.0.progress();
        let gauge = |name, help, value: u64| Figure { name, help, value: Reading::Gauge(value as f64) };
        vec![
            gauge("event_index_segments", "Closed segments of the journal that have an index", indexed),
            gauge(
                "event_index_segments_waiting",
                "Closed segments of the journal that have no index yet: lookups read them as they are",
                waiting,
            ),
            gauge("event_index_records", "Records of the journal that are indexed", records),
            gauge("event_index_bytes", "What the index takes on the disk", bytes),
            gauge(
                "event_index_damaged",
                "Places of the journal that could not be read; `strongroom audit verify` names them",
                damaged,
            ),
        ]
    }
}

/// The time that so many ticks of the kernel's clock are.
fn time_of(ticks: u64) -> Duration {
    let a_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs(ticks / a_second) + Duration::from_secs(ticks % a_second) / a_second as u32
}

/// How many files this process has open. Kernels from 6.2 on have the number ready; for others they are counted, which takes
/// some milliseconds where there are thousands.
fn open_files() -> u64 {
    const FOLDER: &str = "/proc/self/fd";
    match fs::metadata(FOLDER).map_or(0, |folder| folder.len()) {
        0 => fs::read_dir(FOLDER).map_or(0, |files| files.count() as u64),
        files => files,
    }
}

/// How far what is derived from the journal is.
pub(crate) struct Derived(pub(crate) Vec<Arc<dyn Followed>>);

impl Figures for Derived {
    fn figures(&self) -> Vec<Figure> {
        let all: Vec<_> = self.0.iter().map(|follower| follower.progress()).collect();
        let sum = |one: fn(&Derivation) -> u64| all.iter().map(one).sum::<u64>();
        let failing = all.iter().filter(|progress| progress.is_failing).count();
        vec![
            Figure {
                name: "derived_records",
                help: "Records of the journal from which something was derived, since the start of this process",
                value: Reading::Counter(sum(|progress| progress.records)),
            },
            Figure {
                name: "derived_records_damaged",
                help: "Records that could not be read for that; `strongroom audit verify` names them",
                value: Reading::Counter(sum(|progress| progress.damaged)),
            },
            Figure {
                name: "derivations_failing",
                help: "Derivations (trails, metrics) that lag behind because their last try failed",
                value: Reading::Gauge(failing as f64),
            },
        ]
    }
}

/// What CloudWatch has passed over.
pub(crate) struct Metrics(pub(crate) Arc<CloudWatch>);

impl Figures for Metrics {
    fn figures(&self) -> Vec<Figure> {
        vec![Figure {
            name: "metric_minutes_passed_over",
            help: "Minutes of new metrics of log events that were passed over because their account has as many metrics as it may",
            value: Reading::Counter(self.0.passed_over()),
        }]
    }
}

/// The second field of `/proc/PID/statm`.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split(' ').nth(1)?.parse().ok()
}

/// `utime` and `stime` of `/proc/PID/stat`. The program's name before them may have spaces and brackets in it.
fn busy_ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let mut fields = behind_name.split(' ').skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(resident_pages("1000 200 30 4 0 5 0\n"), Some(200));
        assert_eq!(busy_ticks("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 110 20 0 0"), Some(130));
        assert_eq!((resident_pages(""), busy_ticks("7 (x")), (None, None));
        let text = |name: &str| ThisProcess.figures().into_iter().find(|figure| figure.name == name).unwrap();
        let Reading::Gauge(memory) = text("resident_memory_bytes").value else { panic!("a gauge") };
        assert!(memory > 100_000.0, "{memory}");
        let a_second = rustix::param::clock_ticks_per_second();
        assert_eq!(time_of(a_second * 5 / 2), Duration::from_millis(2500));
        assert!(open_files() >= 3, "{}", open_files());
    }
}
