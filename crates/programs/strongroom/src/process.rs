//! What the process itself is allowed, and what it denies others.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use strongroom_server::Limits;

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

/// Files that are left to the store, the journal, HSMs' connections and whatever else is neither a caller's connection nor a
/// body on its way.
const KEPT_FILES: u64 = 512;

/// The bounds that are wanted, or what of them the machine lets this process have: each connection, upload and download is an
/// open file. Beyond that nobody would be asked to make room, and neither journal nor store could open a file.
pub(crate) fn within_files(wanted: Limits) -> Limits {
    let Some(files) = getrlimit(Resource::Nofile).current else { return wanted };
    let limits = limits_of(files, wanted);
    let Limits { connections, uploads, downloads, .. } = limits;
    if connections < wanted.connections || uploads < wanted.uploads || downloads < wanted.downloads {
        tracing::warn!(
            files,
            "no more than {connections} of {} connections, {uploads} uploads and {downloads} downloads of objects are served at \
             a time: this process may open no more files; raise the limit (LimitNOFILE of the unit, ulimit -n), or lower \
             [limits] connections",
            wanted.connections
        );
    }
    limits
}

/// Bounds that leave room for other files.
fn limits_of(files: u64, wanted: Limits) -> Limits {
    let files = files.saturating_sub(KEPT_FILES).max(files / 2);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let uploads = wanted.uploads.min(files / 4);
    let downloads = wanted.downloads.min(files / 4);
    let connections = wanted.connections.min(files - uploads - downloads);
    Limits { connections, uploads, downloads, ..wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_have_room_beside_connections_and_bodies() {
        let of = |files| {
            let limits = limits_of(files, Limits { connections: usize::MAX, ..Limits::default() });
            (limits.connections, limits.uploads, limits.downloads)
        };
        assert_eq!(of(20_000), (18_720, 256, 512));
        assert_eq!(of(1_024), (256, 128, 128));
        assert_eq!(of(256), (64, 32, 32));
        assert_eq!(limits_of(u64::MAX, Limits { connections: 1, ..Limits::default() }).connections, 1);
        let most = within_files(Limits { connections: usize::MAX, ..Limits::default() });
        assert!(most.connections < usize::MAX || getrlimit(Resource::Nofile).current.is_none());
    }
}
