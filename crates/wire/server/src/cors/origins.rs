//! Which web origins may call.

use http::HeaderValue;

use crate::host::Host;

/// The web origins whose pages may call this server from a browser. None may unless told.
///
/// This guards no data: signatures do. It decides which pages may *read* what their browser is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    loopback: bool,
    listed: Vec<String>,
}

/// A text that is no origin as browsers send it in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no web origin; write scheme, host and, unless it is the scheme's own, port, as in \
     https://console.example.com:8443, in lower case and without a path"
)]
pub struct InvalidOrigin(pub String);

impl Origins {
    /// No origin.
    pub const fn none() -> Self {
        Self { loopback: false, listed: Vec::new() }
    }

    /// Pages served by this machine: `http` or `https`, on any port of `localhost`, a name below `localhost`,
    /// an address in 127.0.0.0/8, or `[::1]`.
    pub const fn loopback() -> Self {
        Self { loopback: true, listed: Vec::new() }
    }

    /// These origins, each serialised as the [HTML standard] has it: `https://console.example.com:8443`.
    /// `*` is none: whoever may call is named.
    ///
    /// [HTML standard]: https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
    pub fn listed(origins: Vec<String>) -> Result<Self, InvalidOrigin> {
        Self::none().and_listed(origins)
    }

    /// These origins too; see [`Origins::listed`].
    pub fn and_listed(mut self, origins: Vec<String>) -> Result<Self, InvalidOrigin> {
        for origin in origins {
            if !is_serialised(&origin) {
                return Err(InvalidOrigin(origin));
            }
            self.listed.push(origin);
        }
        Ok(self)
    }

    /// Whether pages of that origin may call.
    pub(crate) fn allow(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.listed.iter().any(|listed| listed == origin)
            || (self.loopback && split(origin).is_some_and(|(_, host)| host.is_loopback()))
    }
}

/// The scheme and the host of an origin of the web.
fn split(origin: &str) -> Option<(&str, Host<'_>)> {
    let (scheme, host) = origin.split_once("://")?;
    matches!(scheme, "http" | "https").then(|| Host::parse(host).map(|host| (scheme, host))).flatten()
}

/// Whether a browser would write the origin like this. One written otherwise would never match.
fn is_serialised(origin: &str) -> bool {
    let Some((scheme, Host { name, port })) = split(origin) else { return false };
    let written = match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{name}"),
        (_, Some(port)) => format!("{scheme}://{name}:{port}"),
    };
    written == origin && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}
