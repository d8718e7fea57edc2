//! Signed requests, made once, and connections that they are sent over.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;

/// The bytes of a request.
pub(crate) type Target = Arc<Vec<u8>>;

/// A request to a service, signed with dev mode's root credential. `headers` say what the body is.
pub(crate) fn signed(
    address: SocketAddr,
    service: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Target> {
    signed_by(&Credentials::new("test", "test", None, None, "bench"), address, service, headers, body)
}

/// The same, signed with other credentials.
pub(crate) fn signed_by(
    credentials: &Credentials,
    address: SocketAddr,
    service: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Target> {
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?;
    let host = address.to_string();
    let headers = || [("host", host.as_str())].into_iter().chain(headers.iter().copied());
    let uri = format!("http://{host}/");
    let signable = SignableRequest::new("POST", &uri, headers(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters.into())?.into_parts();
    let mut text = String::from("POST / HTTP/1.1\r\n");
    for (name, value) in headers().chain(instructions.headers()) {
        write!(text, "{name}: {value}\r\n")?;
    }
    let length = body.len();
    write!(text, "user-agent: aws-cli/2.0 md/bench\r\ncontent-length: {length}\r\n\r\n{body}")?;
    Ok(Arc::new(text.into_bytes()))
}

/// A connection on which requests go one after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 20] })
    }

    /// Sends a request, and answers the body that comes back.
    pub(crate) fn exchange(&mut self, target: &Target) -> Result<Value> {
        let answer = self.send(target)?;
        let body = answer.split_once("\r\n\r\n").context("no head")?.1;
        serde_json::from_str(body).with_context(|| answer.to_owned())
    }

    /// Sends a request, and answers when all that comes back is there.
    pub(crate) fn send(&mut self, target: &Target) -> Result<&str> {
        self.stream.write_all(target)?;
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(count > 0, "the server closed the connection");
            filled += count;
            if answer_length(&self.buffer[..filled]).is_some_and(|length| filled >= length) {
                break;
            }
        }
        let answer = std::str::from_utf8(&self.buffer[..filled])?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "refused: {answer}");
        Ok(answer)
    }
}

/// The length of the answer that `bytes` begin with, once its head is there.
pub(crate) fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}
