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
