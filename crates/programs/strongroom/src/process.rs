//! What the process itself is allowed, and what it denies others.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Keeps this process's memory, which holds keys, out of core dumps and out of the hands of other processes
/// of the same user, and lets it open as many files and connections as the machine permits.
pub(crate) fn prepare() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) =
        setrlimit(Resource::Core, none).and(set_dumpable_behavior(DumpableBehavior::NotDumpable))
    {
        tracing::warn!(%error, "this process can be dumped, with the keys that it has in memory");
    }
    let files = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
        tracing::warn!(%error, "no more than the usual number of connections can be open");
    }
}

/// Files that are left to the store, the journal, HSMs' connections and whatever else is not a caller's connection.
const KEPT_FILES: u64 = 512;

/// So many connections as are wanted, or as the machine lets this process open beside its other files. Beyond that nobody would
/// be asked to make room, and neither journal nor store could open a file.
pub(crate) fn connections(wanted: usize) -> usize {
    let Some(files) = getrlimit(Resource::Nofile).current else { return wanted };
    let most = connections_of(files);
    if wanted <= most {
        return wanted;
    }
    tracing::warn!(
        files,
        "no more than {most} of {wanted} connections are served at a time: this process may open no more files; raise the \
         limit (LimitNOFILE of the unit, ulimit -n), or lower [limits] connections"
    );
    most
}

/// The connections that leave room for other files.
fn connections_of(files: u64) -> usize {
    usize::try_from(files.saturating_sub(KEPT_FILES).max(files / 2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_have_room_beside_connections() {
        assert_eq!(connections_of(20_000), 19_488);
        assert_eq!(connections_of(1_024), 512);
        assert_eq!(connections_of(256), 128);
        assert_eq!(connections(1), 1);
        assert!(connections(usize::MAX) < usize::MAX || getrlimit(Resource::Nofile).current.is_none());
    }
}
