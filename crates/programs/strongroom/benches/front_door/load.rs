//! The load: signed requests, made once and sent again and again over many connections.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The bytes of a request.
pub(crate) type Target = Arc<Vec<u8>>;

/// How long a plaintext is: that of a data key.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A signed request for an operation of KMS.
fn request(address: SocketAddr, operation: &str, body: &str) -> Result<Target> {
    let identity = Credentials::new("test", "test", None, None, "bench").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("kms")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?;
    let target = format!("TrentService.{operation}");
    let host = address.to_string();
    let headers = [
        ("host", host.as_str()),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    let uri = format!("http://{host}/");
    let signable =
        SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters.into())?.into_parts();
    let mut text = String::from("POST / HTTP/1.1\r\n");
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        write!(text, "{name}: {value}\r\n")?;
    }
    let length = body.len();
    write!(text, "user-agent: aws-cli/2.0 md/bench\r\ncontent-length: {length}\r\n\r\n{body}")?;
    Ok(Arc::new(text.into_bytes()))
}

pub(crate) fn create_key(address: SocketAddr) -> Result<String> {
    let answer = once(address, &request(address, "CreateKey", "{}")?)?;
    field(&answer, "KeyId")
}

pub(crate) fn encrypt(address: SocketAddr, key: &str) -> Result<Target> {
    let body =
        format!(r#"{{"KeyId":"{key}","Plaintext":"{PLAINTEXT}","EncryptionContext":{{"purpose":"bench"}}}}"#);
    request(address, "Encrypt", &body)
}

pub(crate) fn decrypt(address: SocketAddr, encrypted: &str) -> Result<Target> {
    let blob = field(encrypted, "CiphertextBlob")?;
    let body = format!(r#"{{"CiphertextBlob":"{blob}","EncryptionContext":{{"purpose":"bench"}}}}"#);
    request(address, "Decrypt", &body)
}

pub(crate) fn generate_data_key(address: SocketAddr, key: &str) -> Result<Target> {
    request(address, "GenerateDataKey", &format!(r#"{{"KeyId":"{key}","KeySpec":"AES_256"}}"#))
}

/// The text of a member of an answer.
fn field(answer: &str, name: &str) -> Result<String> {
    let body: serde_json::Value = serde_json::from_str(answer).with_context(|| answer.to_owned())?;
    let value = body.get(name).or_else(|| body.get("KeyMetadata")?.get(name));
    Ok(value.and_then(|value| value.as_str()).with_context(|| format!("no {name} in {answer}"))?.to_owned())
}

/// Sends a request once and answers the body.
pub(crate) fn once(address: SocketAddr, target: &Target) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(target)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let count = stream.read(&mut buffer)?;
        ensure!(count > 0, "the server closed the connection");
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(length) = answer_length(&bytes)
            && bytes.len() >= length
        {
            let text = String::from_utf8(bytes)?;
            let (head, body) = text.split_once("\r\n\r\n").context("no head")?;
            ensure!(head.starts_with("HTTP/1.1 200"), "refused: {text}");
            return Ok(body.to_owned());
        }
    }
}

/// Sends a request over `connections` for `time`, one after the other on each; answers per second.
pub(crate) fn run(address: SocketAddr, target: &Target, connections: usize, time: Duration) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let answered = Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(converse(address, target.clone(), begun + time, answered.clone())))
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(answered.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
    })
}

async fn converse(address: SocketAddr, target: Target, end: Instant, answered: Arc<AtomicU64>) -> Result<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    while Instant::now() < end {
        stream.write_all(&target).await?;
        let mut filled = 0;
        loop {
            let count = stream.read(&mut buffer[filled..]).await?;
            ensure!(count > 0, "the server closed a connection");
            filled += count;
            if answer_length(&buffer[..filled]).is_some_and(|length| filled >= length) {
                break;
            }
        }
        ensure!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "refused: {}",
            String::from_utf8_lossy(&buffer[..filled])
        );
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The length of the answer that `bytes` begin with, once its head is there.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}
