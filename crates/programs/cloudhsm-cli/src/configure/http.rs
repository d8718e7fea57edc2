//! One HTTP/1.1 request and its answer. There is one request to make, so there is no more of HTTP than it needs.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::credentials::variable;
use crate::error::CliError;
use crate::file::read_bounded;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 4 << 20;
/// The longest file of authorities, in bytes.
const MAX_AUTHORITIES: u64 = 16 << 20;
/// Where systems keep the authorities that they trust.
const AUTHORITIES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Where a server is: `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    is_tls: bool,
    host: String,
    port: u16,
    /// As the header `host` names it.
    pub(super) authority: String,
}

impl Endpoint {
    pub(super) fn parse(url: &str) -> Result<Self, CliError> {
        let bad = || CliError::usage(format!("{url:?} is no endpoint: it looks like https://127.0.0.1:4566"));
        let (is_tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(bad()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| bad())?,
            None if is_tls => 443,
            None => 80,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || authority.contains(['/', '@', '?', '#', ' ']) {
            return Err(bad());
        }
        Ok(Self { is_tls, host, port, authority: authority.to_owned() })
    }
}

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Posts `body` to `/`.
pub(super) fn post(
    endpoint: &Endpoint,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<Response, CliError> {
    let fail = |error: std::io::Error| CliError::usage(format!("{}: {error}", endpoint.authority));
    let mut request = String::from("POST / HTTP/1.1\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len().to_string();
    request.extend(["content-length: ", &length, "\r\nconnection: close\r\n\r\n"]);
    let request = [request.as_bytes(), body].concat();
    let socket = reach(endpoint).map_err(fail)?;
    let answer = if endpoint.is_tls {
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|_| CliError::usage(format!("{} is no name for TLS", endpoint.host)))?;
        let connection = ClientConnection::new(tls()?, name)
            .map_err(|error| CliError::usage(format!("{}: {error}", endpoint.authority)))?;
        exchange(StreamOwned::new(connection, socket), &request).map_err(fail)?
    } else {
        exchange(socket, &request).map_err(fail)?
    };
    read(&answer).ok_or_else(|| CliError::usage(format!("{} does not answer in HTTP", endpoint.authority)))
}

fn reach(endpoint: &Endpoint) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (endpoint.host.as_str(), endpoint.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(socket) => {
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.set_write_timeout(Some(PATIENCE))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MAX_ANSWER).read_to_end(&mut answer) {
        // Servers that close without a farewell are common; the length says whether the answer is whole.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(answer),
        Err(error) => Err(error),
        Ok(_) => Ok(answer),
    }
}

/// Takes an answer apart; none if it is not whole.
fn read(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(answer.get(..end)?).ok()?, answer.get(end + 4..)?);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let header = |wanted: &str| {
        let found = lines.clone().filter_map(|line| line.split_once(':'));
        found.map(|(name, value)| (name, value.trim())).find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let body = match (header("transfer-encoding"), header("content-length")) {
        (Some((_, encoding)), _) if encoding.eq_ignore_ascii_case("chunked") => unchunked(body)?,
        (_, Some((_, length))) => body.get(..length.parse().ok()?)?.to_vec(),
        _ => body.to_vec(),
    };
    Some(Response { status, body })
}

/// Puts a body together that came in chunks.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(end + 2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

/// Trusts whom the system trusts, or whom AWS_CA_BUNDLE names.
fn tls() -> Result<Arc<ClientConfig>, CliError> {
    let named = variable("AWS_CA_BUNDLE").or_else(|| variable("SSL_CERT_FILE"));
    let file = named
        .or_else(|| AUTHORITIES.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned()));
    let file = file.ok_or_else(|| {
        CliError::usage("no certificates of authorities are found: name their file in AWS_CA_BUNDLE")
    })?;
    let path = Path::new(&file);
    let text = read_bounded(path, MAX_AUTHORITIES)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).flatten());
    if roots.is_empty() {
        return Err(CliError::file(path, "there are no certificates in it"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| CliError::usage(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_answer_is_too_strange(head in "HTTP/1.1 [0-9 ]{0,5}(\r\n[a-z-]{0,20}:? ?[a-z0-9]{0,9}){0,4}", body in any::<Vec<u8>>()) {
            for encoding in ["", "\r\ntransfer-encoding: chunked", "\r\ncontent-length: 99999999999999999999"] {
                let answer = [head.as_bytes(), encoding.as_bytes(), b"\r\n\r\n", &body].concat();
                let _ = read(&answer);
            }
            let _ = read(&body);
        }
    }

    #[test]
    fn endpoints_are_read() {
        let endpoint = Endpoint::parse("http://127.0.0.1:4566/").unwrap();
        assert_eq!((endpoint.is_tls, endpoint.host.as_str(), endpoint.port), (false, "127.0.0.1", 4566));
        assert_eq!(endpoint.authority, "127.0.0.1:4566");
        let endpoint = Endpoint::parse("https://[fd00::1]:8443").unwrap();
        assert_eq!((endpoint.is_tls, endpoint.host.as_str(), endpoint.port), (true, "fd00::1", 8443));
        assert_eq!(Endpoint::parse("https://[fd00::1]").unwrap().port, 443);
        assert_eq!(Endpoint::parse("https://cloudhsmv2.us-east-1.amazonaws.com").unwrap().port, 443);
        for wrong in ["127.0.0.1:4566", "http://", "http://a:b", "ftp://a", "http://a/b", "http://a@b"] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let body = |answer: &str| read(answer.as_bytes()).map(|response| (response.status, response.body));
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), Some((200, b"ab".to_vec())));
        assert_eq!(
            body("HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n"),
            Some((400, b"abc".to_vec()))
        );
        assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"), None);
        assert_eq!(body("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"), None);
        assert_eq!(body("SSH-2.0-x\r\n\r\n"), None);
    }
}
