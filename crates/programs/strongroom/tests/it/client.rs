//! A client with AWS's own signer, one request at a time, that tries nothing twice.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;

use crate::program::PATIENCE;

const KMS: &str = "TrentService";

/// A client of one server. After an error it is of no more use.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// A signed call of KMS.
    pub(crate) fn kms(&mut self, operation: &str, body: &Value) -> io::Result<Answer> {
        let target = format!("{KMS}.{operation}");
        let host = self.address.to_string();
        let headers = [
            ("host", host.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let body = body.to_string();
        let identity = Credentials::new("test", "test", None, None, "tests").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("kms")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let uri = format!("http://{host}/");
        let payload = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), payload).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = "POST / HTTP/1.1\r\n".to_owned();
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        write!(request, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.exchange(&request)
    }

    /// A call that must succeed.
    pub(crate) fn done(&mut self, operation: &str, body: &Value) -> Value {
        let answer = self.kms(operation, body).unwrap();
        assert_eq!(answer.status, 200, "{operation} {body}: {answer:?}");
        answer.body
    }

    /// Asks for a document, unsigned.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
    }

    /// Asks for something of dev mode.
    pub(crate) fn dev(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-strongroom-dev: 1\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    fn exchange(&mut self, request: &str) -> io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let stream = TcpStream::connect(self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                none.insert(BufReader::new(stream))
            }
        };
        connection.get_mut().write_all(request.as_bytes())?;
        let mut status = None;
        let (mut length, mut request_id) = (0, String::new());
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match (line.trim_end(), status) {
                ("", _) => break,
                (line, None) => status = line.split(' ').nth(1).map(|code| code.parse().unwrap()),
                (line, _) => {
                    let (name, value) = line.split_once(": ").unwrap();
                    match name {
                        "content-length" => length = value.parse().unwrap(),
                        "x-amzn-requestid" => value.clone_into(&mut request_id),
                        _ => {}
                    }
                }
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body)?;
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Ok(Answer { status: status.unwrap(), request_id, body })
    }
}
