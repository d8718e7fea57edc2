//! One HTTP/1.1 request and its answer, with no more of HTTP than our programs need.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::{CallError, Endpoint, tls};

/// How long each step may take, unless the caller says otherwise.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 4 << 20;

/// A request. Header names and values must be free of line breaks; `host`, `content-length` and `connection` are added.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Further headers.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a [u8],
    /// How long connecting, and each wait for a part of the answer, may take.
    pub patience: Duration,
}

impl<'a> Request<'a> {
    /// A request without headers and body, with the usual patience.
    #[must_use]
    pub fn new(method: &'a str, target: &'a str) -> Self {
        Self { method, target, headers: &[], body: &[], patience: PATIENCE }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Sends a request over a connection of its own, and waits for the whole answer, of whatever status.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, CallError> {
        let authority = || self.authority().to_owned();
        let fail = |source: std::io::Error| CallError::Unreachable { authority: authority(), source };
        let Request { method, target, headers, body, patience } = *request;
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.authority());
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.extend(["content-length: ", &body.len().to_string(), "\r\nconnection: close\r\n\r\n"]);
        let request = [head.as_bytes(), body].concat();
        let socket = reach(self, patience).map_err(fail)?;
        let answer = if self.is_tls {
            let tls_error = |source| CallError::Tls { authority: authority(), source };
            let name = ServerName::try_from(self.host.clone())
                .map_err(|_| tls_error(rustls::Error::General("this is no name for TLS".to_owned())))?;
            let config = tls::config(self.authority())?;
            let connection = ClientConnection::new(config, name).map_err(tls_error)?;
            exchange(StreamOwned::new(connection, socket), &request).map_err(fail)?
        } else {
            exchange(socket, &request).map_err(fail)?
        };
        read(&answer).ok_or_else(|| CallError::NotHttp { authority: authority() })
    }
}

fn reach(endpoint: &Endpoint, patience: Duration) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (endpoint.host.as_str(), endpoint.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => {
                socket.set_read_timeout(Some(patience))?;
                socket.set_write_timeout(Some(patience))?;
                socket.set_nodelay(true)?;
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
