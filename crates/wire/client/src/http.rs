//! One HTTP/1.1 request and its answer, with no more of HTTP than our programs need.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use strongroom_runtime::Clocks;

use crate::{CallError, Endpoint};

/// How long a request may take until its whole answer is there, unless the caller says otherwise.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer, in bytes.
pub(crate) const MAX_ANSWER: usize = 4 << 20;

/// A request. `host`, `content-length` and `connection` are added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// `GET`, `POST`, ...
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    /// Further headers.
    pub(crate) headers: &'a [(&'static str, String)],
    /// The body.
    pub(crate) body: &'a [u8],
    /// How long it may take, from connecting to the end of the answer.
    pub(crate) patience: Duration,
}

impl<'a> Request<'a> {
    /// A request without headers and body, with the usual patience.
    pub(crate) fn new(method: &'a str, target: &'a str) -> Self {
        Self { method, target, headers: &[], body: &[], patience: PATIENCE }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Endpoint {
    /// Sends a request over a connection of its own, and waits for the whole answer, of whatever status. What would
    /// write lines of its own into the request's head is not sent.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Response, CallError> {
        let authority = || self.authority().to_owned();
        let fail = |source: Error| CallError::Unreachable { authority: authority(), source };
        let Request { method, target, headers, body, patience } = *request;
        if !target.chars().all(|letter| letter.is_ascii_graphic()) {
            return Err(CallError::Unwritable("path"));
        }
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.authority());
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            if value.chars().any(char::is_control) {
                return Err(CallError::Unwritable(name));
            }
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.extend(["content-length: ", &body.len().to_string(), "\r\nconnection: close\r\n\r\n"]);
        let request = [head.as_bytes(), body].concat();
        let socket = Timed::reach(self, patience).map_err(fail)?;
        let answer = if self.is_tls {
            let tls_error = |source| CallError::Tls { authority: authority(), source };
            let name = ServerName::try_from(self.host.clone())
                .map_err(|_| tls_error(rustls::Error::General("this is no name for TLS".to_owned())))?;
            let connection = ClientConnection::new(self.tls()?, name).map_err(tls_error)?;
            exchange(StreamOwned::new(connection, socket), &request).map_err(fail)?
        } else {
            exchange(socket, &request).map_err(fail)?
        };
        if answer.len() > MAX_ANSWER {
            return Err(CallError::TooLong { authority: authority() });
        }
        read(&answer).ok_or_else(|| CallError::NotHttp { authority: authority() })
    }
}

/// A connection that ends at a point in time, however often a little more comes.
struct Timed {
    socket: TcpStream,
    time: TimeLeft,
}

struct TimeLeft {
    clocks: Clocks,
    until_ms: i64,
}

impl TimeLeft {
    fn of(patience: Duration) -> Self {
        let clocks = Clocks::system();
        let patience_ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        Self { until_ms: clocks.real_now().saturating_add(patience_ms), clocks }
    }

    fn get(&self) -> std::io::Result<Duration> {
        match u64::try_from(self.until_ms.saturating_sub(self.clocks.real_now())) {
            Ok(left_ms @ 1..) => Ok(Duration::from_millis(left_ms)),
            _ => Err(late()),
        }
    }
}

impl Timed {
    fn reach(endpoint: &Endpoint, patience: Duration) -> std::io::Result<Self> {
        let time = TimeLeft::of(patience);
        let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (endpoint.host.as_str(), endpoint.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, time.get()?) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(Self { socket, time });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.socket.set_read_timeout(Some(self.time.get()?))?;
        self.socket.read(into).map_err(in_words)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.socket.set_write_timeout(Some(self.time.get()?))?;
        self.socket.write(bytes).map_err(in_words)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

fn late() -> Error {
    Error::new(ErrorKind::TimedOut, "no answer in time")
}

/// A time-out of a socket is told in a way that names none.
fn in_words(error: Error) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => late(),
        _ => error,
    }
}

/// Answers what comes, up to one byte more than an answer may have.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MAX_ANSWER as u64 + 1).read_to_end(&mut answer) {
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
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

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

    /// A server that does that with the connection of the first who comes, once it has read what is asked.
    fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> Endpoint {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&socket).lines();
            while !lines.next().unwrap().unwrap().is_empty() {}
            drop(lines);
            serve(socket);
        });
        endpoint
    }

    #[test]
    fn an_answer_that_drips_is_not_waited_for_without_an_end() {
        let (ended, has_ended) = std::sync::mpsc::channel();
        let endpoint = server(move |mut socket| {
            while socket.write_all(b"HTTP/1.1 200 OK\r\n").is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
            ended.send(()).unwrap();
        });
        let request = Request { patience: Duration::from_millis(200), ..Request::new("GET", "/") };
        let error = endpoint.send(&request).unwrap_err();
        assert!(error.to_string().ends_with("no answer in time"), "{error}");
        has_ended.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    #[test]
    fn an_answer_that_is_too_long_is_not_taken_as_whole() {
        for length in ["", "content-length: 99999999\r\n"] {
            let endpoint = server(move |mut socket| {
                // Whoever has had enough does not read on.
                let _ = write!(socket, "HTTP/1.1 200 OK\r\n{length}\r\n")
                    .and_then(|()| socket.write_all(&vec![b'x'; MAX_ANSWER + 1]));
            });
            let error = endpoint.send(&Request::new("GET", "/")).unwrap_err();
            assert!(matches!(error, CallError::TooLong { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_writes_headers_of_its_own() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let headers = [("x-amz-security-token", "token\r\nx-other: 1".to_owned())];
        let with_token = Request { headers: &headers, ..Request::new("GET", "/") };
        for request in [with_token, Request::new("GET", "/ HTTP/1.1\r\nx-other: 1")] {
            assert!(matches!(endpoint.send(&request).unwrap_err(), CallError::Unwritable(_)));
        }
    }
}
