//! Whoever has started the server and waits for it: told when it serves and when it begins to end, by the protocol of
//! sd_notify(3).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where the supervisor listens, if there is one.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// It serves.
pub(super) fn ready() {
    tell("READY=1");
}

/// It ends.
pub(super) fn stopping() {
    tell("STOPPING=1");
}

fn tell(state: &str) {
    let Some(place) = std::env::var_os(VARIABLE) else { return };
    let told = address(&place)
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop));
    if let Err(error) = told {
        tracing::warn!(%error, state, "the supervisor was not told");
    }
}

/// A path, or a name that is no file's, which begins with `@`.
fn address(place: &OsStr) -> std::io::Result<SocketAddr> {
    match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(place),
    }
}
