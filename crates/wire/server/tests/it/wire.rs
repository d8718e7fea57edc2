//! A client that sends what it is told, byte by byte, and reads answers.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::in_time;
use crate::signing::Request;

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn request_id(&self) -> &str {
        self.header("x-amzn-requestid").unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error's code, status and message, in whichever protocol it came.
    pub(crate) fn fault(&self) -> (u16, String, Option<String>) {
        if self.text().starts_with('<') {
            let element = |name: &str| {
                let rest = self.text().split_once(&format!("<{name}>"))?.1;
                let text = rest.split_once(&format!("</{name}>"))?.0;
                Some(text.replace("&apos;", "'").replace("&#39;", "'").replace("&amp;", "&"))
            };
            return (self.status, element("Code").unwrap(), element("Message"));
        }
        let json = self.json();
        let text = |name: &str| json.get(name).map(|value| value.as_str().unwrap().to_owned());
        (self.status, text("__type").unwrap(), text("message").or_else(|| text("Message")))
    }
}

/// A connection to the server.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = in_time(TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        in_time(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn call(&mut self, request: &Request) -> Answer {
        self.send(request.bytes()).await;
        self.answer().await
    }

    /// Reads an answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_or_end().await.expect("the server closed the connection")
    }

    /// Reads an answer; `None` if the server closes the connection before it.
    pub(crate) async fn answer_or_end(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, length)) = parse(&self.buffer) {
                self.buffer.drain(..length);
                return Some(answer);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The head of an answer that has no body, whatever it says of its length.
    pub(crate) async fn head(&mut self) -> Answer {
        loop {
            if let Some((answer, length)) = parse_head(&self.buffer) {
                self.buffer.drain(..length);
                return answer;
            }
            assert!(self.more().await, "the server closed the connection");
        }
    }

    /// Waits until the server closes the connection, and says what it sent before.
    pub(crate) async fn end(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Whether there came more than was there.
    async fn more(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        // A connection that is broken off has ended too.
        let count = in_time(self.stream.read(&mut bytes)).await.unwrap_or(0);
        self.buffer.extend_from_slice(&bytes[..count]);
        count > 0
    }
}

fn parse_head(bytes: &[u8]) -> Option<(Answer, usize)> {
    let length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let mut lines = std::str::from_utf8(&bytes[..length - 4]).unwrap().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Some((Answer { status, headers: lines.map(header).collect(), body: Vec::new() }, length))
}

fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let (mut answer, head) = parse_head(bytes)?;
    let length: usize = answer.header("content-length").unwrap_or("0").parse().unwrap();
    answer.body = bytes.get(head..head + length)?.to_vec();
    Some((answer, head + length))
}
