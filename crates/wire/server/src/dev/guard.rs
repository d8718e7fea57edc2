//! Who may use dev mode. Requests to it are not signed, so they must come from this machine, and there not from
//! just any page that a developer has open in a browser. Such a page could send a request without being able
//! to read the answer; hence the header, which browsers ask about first. Or its own name could lead to this
//! machine; hence the host.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;

use crate::Origins;
use crate::cors::only;
use crate::host::Host;

/// The header that every request to dev mode must have, with the value `1`.
pub(crate) const HEADER: &str = "x-strongroom-dev";

/// The pages that may use dev mode, whoever else may call.
pub(crate) static ORIGINS: Origins = Origins::loopback();

/// Refuses, and says why, what does not come from a developer on this machine.
pub(crate) fn guard(parts: &Parts, source: IpAddr) -> Result<(), &'static str> {
    if !source.to_canonical().is_loopback() {
        return Err("Dev mode answers requests from the server's own machine only.");
    }
    if !is_for_loopback(parts) {
        return Err("Dev mode answers requests to a loopback host only, such as localhost or 127.0.0.1.");
    }
    let is_allowed = || only(&parts.headers, ORIGIN).is_some_and(|origin| ORIGINS.allow(origin));
    if parts.headers.contains_key(ORIGIN) && !is_allowed() {
        return Err("Dev mode answers pages of loopback origins only, such as http://localhost:3000.");
    }
    if only(&parts.headers, HEADER).is_none_or(|value| value != "1") {
        return Err("Dev mode answers requests with the header `x-strongroom-dev: 1` only; add it.");
    }
    Ok(())
}

/// Whether all that the request says of its host is loopback. A target may name a host beside the header, and
/// which of the two a client meant is nothing to guess about.
fn is_for_loopback(parts: &Parts) -> bool {
    let is_loopback = |text: &str| Host::parse(text).is_some_and(|host| host.is_loopback());
    let header = only(&parts.headers, HOST).and_then(|value| value.to_str().ok());
    header.is_some_and(is_loopback)
        && parts.uri.authority().is_none_or(|authority| is_loopback(authority.as_str()))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn peers_beyond_this_machine_are_refused() {
        let request = Request::get("/_strongroom/clock").header(HOST, "localhost").header(HEADER, "1");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        for source in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(guard(&parts, source.parse().unwrap()), Ok(()), "{source}");
        }
        for source in ["10.0.0.1", "0.0.0.0", "fe80::1", "::ffff:10.0.0.1"] {
            let refused = guard(&parts, source.parse().unwrap());
            assert!(refused.is_err_and(|message| message.contains("machine")), "{source}");
        }
    }
}
