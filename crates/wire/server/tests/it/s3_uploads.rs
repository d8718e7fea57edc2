//! Bodies that S3's operations read while they come, and answers that are read while they are sent.

use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use bytes::Bytes;
use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_server::{Limits, Pace};
use tokio::sync::mpsc;

use crate::http2;
use crate::metrics::{text, value};
use crate::rig::{NOW_MS, SECRET, in_time, until};
use crate::s3::{code, element, rig};
use crate::signing::{Order, Request};

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_WITH_TRAILERS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

const CRC: (&str, &str) = ("x-amz-checksum-crc32", "AAAAAA==");

/// An upload in chunks, without its body.
fn order(payload: &'static str, length: usize) -> Order {
    let order = Order { payload: Some(payload), ..Order::s3("PUT", "/b/k", "") };
    let order = order
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", &length.to_string());
    if payload == SIGNED { order } else { order.header("x-amz-trailer", CRC.0) }
}

/// Signs chunks with what AWS's own signer has for it; the last is empty.
fn signed(payload: &'static str, chunks: &[&[u8]]) -> Request {
    let length = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut request = order(payload, length).sign();
    let authorization = request.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    let mut previous = authorization.1.rsplit_once("Signature=").unwrap().1.to_owned();
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MS.unsigned_abs());
    let key = generate_signing_key(SECRET, time, "us-east-1", "s3");
    let sign = |kind: &str, previous: &str, what: &str| {
        let scope = "20150830T123600Z\n20150830/us-east-1/s3/aws4_request";
        calculate_signature(&key, format!("AWS4-HMAC-SHA256-{kind}\n{scope}\n{previous}\n{what}").as_bytes())
    };
    let digest = |bytes: &[u8]| hex::encode(&sha256(bytes));
    for chunk in chunks.iter().copied().chain([&b""[..]]) {
        previous = sign("PAYLOAD", &previous, &format!("{}\n{}", digest(b""), digest(chunk)));
        request.body.extend(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).bytes());
        request.body.extend(chunk);
        if !chunk.is_empty() {
            request.body.extend(b"\r\n");
        }
    }
    if payload == SIGNED_WITH_TRAILERS {
        let line = format!("{}:{}\n", CRC.0, CRC.1);
        let signature = sign("TRAILER", &previous, &digest(line.as_bytes()));
        let lines = format!("{}:{}\r\nx-amz-trailer-signature:{signature}\r\n", CRC.0, CRC.1);
        request.body.extend(lines.bytes());
    }
    request.body.extend(b"\r\n");
    request
}

/// An upload in chunks of which none is signed.
fn unsigned(length: usize, body: &[u8]) -> Request {
    let mut request = order(UNSIGNED, length).sign();
    request.body = body.to_vec();
    request
}

fn replaced(mut request: Request, from: &str, to: &str) -> Request {
    let body = String::from_utf8(request.body).unwrap();
    assert!(body.contains(from), "{body}");
    request.body = body.replacen(from, to, 1).into_bytes();
    request
}

#[tokio::test]
async fn chunks_are_put_together_and_their_trailers_come_along() {
    let (rig, shelf) = rig(Limits::default()).await;
    let (long, short) = (vec![b'a'; 9_000], b"end".to_vec());
    let whole = [&long[..], &short].concat();
    let crc = vec![(CRC.0.to_owned(), CRC.1.to_owned())];
    for (request, trailers) in [
        (signed(SIGNED, &[&long, &short]), vec![]),
        (signed(SIGNED_WITH_TRAILERS, &[&long, &short]), crc.clone()),
        (
            unsigned(
                whole.len(),
                &[b"232b\r\n", &whole[..], b"\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"].concat(),
            ),
            crc.clone(),
        ),
        (
            Order { payload: Some("UNSIGNED-PAYLOAD"), ..Order::s3("PUT", "/b/k", whole.clone()) }.sign(),
            vec![],
        ),
    ] {
        shelf.put("k", "");
        let answer = rig.call(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(shelf.object("k").unwrap(), whole);
        assert_eq!(*shelf.trailers.lock().unwrap(), trailers);
    }
    let empty = rig.call(&signed(SIGNED, &[])).await;
    assert_eq!((empty.status, shelf.object("k").unwrap().len()), (200, 0));
    let chunked = unsigned(3, b"3\r\nabc\r\n0\r\n\r\n");
    let mut wire = rig.connect().await;
    // As clients over TLS send it: HTTP's own chunks around those of AWS.
    wire.send(chunked.head("transfer-encoding: chunked")).await;
    for part in chunked.body.chunks(4) {
        wire.send([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat()).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(shelf.object("k").unwrap(), "abc");
}

#[tokio::test]
async fn nothing_is_kept_of_a_body_that_is_not_what_was_signed() {
    let (rig, shelf) = rig(Limits { upload_bytes: 20_000, ..Limits::default() }).await;
    let long = vec![b'a'; 9_000];
    let both = || signed(SIGNED_WITH_TRAILERS, &[&long, b"end"]);
    let mut other = Order::s3("PUT", "/b/k", "hello").sign();
    other.body = b"hallo".to_vec();
    let short = |request: Request| Request { body: request.body[..100].to_vec(), ..request };
    let length = |value: &str| {
        Order { payload: Some(SIGNED), ..order(SIGNED, 0) }
            .header("x-amz-meta-a", "b")
            .sign()
            .alter("x-amz-decoded-content-length", |_| Some(value.to_owned()))
    };
    for (request, status, expected) in [
        (other, 400, "XAmzContentSHA256Mismatch"),
        (replaced(both(), "end", "enb"), 403, "SignatureDoesNotMatch"),
        (replaced(both(), "aaa", "aab"), 403, "SignatureDoesNotMatch"),
        (replaced(both(), "AAAAAA==", "AAAAAB=="), 403, "SignatureDoesNotMatch"),
        (replaced(both(), "x-amz-trailer-signature:", "x-amz-other:"), 403, "SignatureDoesNotMatch"),
        (replaced(both(), ";chunk-signature=", ";chunk-other="), 403, "SignatureDoesNotMatch"),
        (short(both()), 400, "IncompleteBody"),
        (signed(SIGNED, &[b"short", b"end"]), 403, "InvalidChunkSizeError"),
        (unsigned(5, b"3\r\nabc\r\n0\r\n\r\n"), 400, "IncompleteBody"),
        (unsigned(2, b"3\r\nabc\r\n0\r\n\r\n"), 400, "IncompleteBody"),
        (unsigned(3, b"3\r\nabc\r\n"), 400, "IncompleteBody"),
        (unsigned(3, b"abc"), 400, "IncompleteBody"),
        (unsigned(3, b"zz\r\nabc"), 400, "InvalidRequest"),
        (unsigned(3, b"3\r\nabc\r\n0\r\nx-amz-other:1\r\n\r\n"), 400, "MalformedTrailerError"),
        (length("many"), 403, "SignatureDoesNotMatch"),
        (Order::s3("PUT", "/b/k", vec![0; 20_001]).sign(), 400, "EntityTooLarge"),
    ] {
        let answer = rig.call(&request).await;
        assert_eq!(code(&answer), (status, expected.to_owned()), "{request:?}");
        if expected == "XAmzContentSHA256Mismatch" {
            assert_eq!(element(&answer, "S3ComputedContentSHA256").unwrap().len(), 64);
            assert_eq!(element(&answer, "ClientComputedContentSHA256").unwrap().len(), 64);
        }
    }
    assert!(shelf.object("k").is_none());
    let recorded: Vec<_> = rig.records.all().into_iter().filter_map(|record| record.error_code).collect();
    assert_eq!(recorded.len(), 15, "{recorded:?}");
}

#[tokio::test]
async fn an_upload_says_how_long_it_is() {
    let (rig, _) = rig(Limits::default()).await;
    let mut wire = rig.connect().await;
    let request = Order { payload: Some("UNSIGNED-PAYLOAD"), ..Order::s3("PUT", "/b/k", "") }.sign();
    wire.send(request.head("transfer-encoding: chunked")).await;
    wire.send("3\r\nabc\r\n0\r\n\r\n").await;
    assert_eq!(code(&wire.answer().await), (411, "MissingContentLength".to_owned()));
}

#[tokio::test]
async fn nobody_is_asked_for_a_body_that_is_refused() {
    let (rig, shelf) = rig(Limits::default()).await;
    let put = |key: &str| Order::s3("PUT", &format!("/b/{key}"), "hello").header("expect", "100-continue");
    let expecting = |request: &Request| request.head(&format!("content-length: {}", request.body.len()));
    let mut wire = rig.connect().await;
    wire.send(expecting(&put("k").sign())).await;
    assert_eq!(wire.head().await.status, 100);
    wire.send("hello").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(shelf.object("k").unwrap(), "hello");
    for order in [put("refused"), Order { secret: "other", ..put("k") }] {
        let mut wire = rig.connect().await;
        wire.send(expecting(&order.sign())).await;
        let status = wire.answer().await.status;
        assert!([404, 403].contains(&status), "{status}");
    }
}

#[tokio::test]
async fn an_upload_takes_no_more_memory_than_is_under_way_and_has_no_end_of_time() {
    let time = Duration::from_secs(1);
    let (rig, shelf) = rig(Limits { operation_time: time, body_bytes: 1_000, ..Limits::default() }).await;
    let request = Order::s3("PUT", "/b/k", vec![b'x'; 4_000_000]).sign();
    let mut wire = rig.connect().await;
    wire.send(request.head("content-length: 4000000")).await;
    // All of it takes longer than an operation may take otherwise.
    for part in request.body.chunks(500_000) {
        wire.send(part).await;
        // What came is with the operation, but for what is held back.
        tokio::time::sleep(time / 5).await;
        assert_eq!(value(&text(&rig).await, "strongroom_body_memory_bytes"), Some("0.0"));
    }
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(shelf.object("k").unwrap().len(), 4_000_000);
}

#[tokio::test]
async fn an_upload_that_stands_still_ends() {
    let limits = Limits { upload_idle_time: Duration::from_millis(100), uploads: 1, ..Limits::default() };
    let (rig, shelf) = rig(limits).await;
    let request = Order::s3("PUT", "/b/k", "hello").sign();
    let mut stalled = rig.connect().await;
    stalled.send(request.head("content-length: 5")).await;
    stalled.send("hel").await;
    assert_eq!(code(&stalled.answer().await), (400, "RequestTimeout".to_owned()));
    // Its place is free again.
    assert_eq!(rig.call(&request).await.status, 200);
    assert_eq!(shelf.object("k").unwrap(), "hello");
    // And whoever goes away leaves nothing.
    let mut gone = rig.connect().await;
    let other = Order::s3("PUT", "/b/gone", "hello").sign();
    gone.send(other.head("content-length: 5")).await;
    gone.send("hel").await;
    drop(gone);
    until(|| rig.records.all().iter().any(|record| record.error_code.as_deref() == Some("IncompleteBody")))
        .await;
    assert!(shelf.object("gone").is_none());
}

#[tokio::test]
async fn uploads_have_places_of_their_own() {
    let (rig, _) = rig(Limits { uploads: 1, ..Limits::default() }).await;
    let request = Order::s3("PUT", "/b/k", "hello").sign();
    let mut first = rig.connect().await;
    first.send(request.head("content-length: 5")).await;
    // It has its place before it is at work.
    in_time(async { while value(&text(&rig).await, "strongroom_calls_at_work") != Some("1.0") {} }).await;
    let refused = rig.call(&Order::s3("PUT", "/b/other", "hello").sign()).await;
    assert_eq!(code(&refused), (503, "SlowDown".to_owned()));
    // Other calls have theirs.
    assert_eq!(rig.call(&Order::s3("GET", "/b/none", "").sign()).await.status, 404);
    first.send("hello").await;
    assert_eq!(first.answer().await.status, 200);
}

#[tokio::test]
async fn answers_are_sent_while_they_are_read() {
    let time = Duration::from_secs(2);
    let (rig, shelf) = rig(Limits { head_time: time, linger_time: time, ..Limits::default() }).await;
    let (pieces, read) = mpsc::channel(1);
    *shelf.slow.lock().unwrap() = Some(read);
    let mut wire = rig.connect().await;
    wire.send(Order::s3("GET", "/b/slow", "").sign().bytes()).await;
    assert_eq!(wire.head().await.header("content-length"), Some("12"));
    // It was recorded before its first byte.
    assert_eq!(rig.records.only().event_name, "GetObject");
    for _ in 0..12 {
        // The connection stays as long as the answer moves.
        tokio::time::sleep(time / 8).await;
        pieces.send(Bytes::from_static(b"a")).await.unwrap();
    }
    drop(pieces);
    assert_eq!(wire.end().await, [b'a'; 12]);
}

#[tokio::test]
async fn an_answer_that_fails_has_no_end() {
    let (rig, shelf) = rig(Limits::default()).await;
    let (pieces, read) = mpsc::channel(1);
    *shelf.slow.lock().unwrap() = Some(read);
    let mut wire = rig.connect().await;
    wire.send(Order::s3("GET", "/b/slow", "").sign().bytes()).await;
    pieces.send(Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(wire.head().await.status, 200);
    pieces.send(Bytes::from_static(b"fail")).await.unwrap();
    let sent = wire.end().await;
    assert!(b"abc".starts_with(&sent), "{sent:?}");
}

#[tokio::test]
async fn http2_streams_too() {
    let (rig, shelf) = rig(Limits::default()).await;
    let (mut client, _connection) = http2::connect(rig.address).await;
    let body = vec![b'y'; 3_000_000];
    let put = http2::call(&mut client, &Order::s3("PUT", "/b/k", body.clone()).sign()).await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(shelf.object("k").unwrap(), body);
    let got = in_time(http2::call(&mut client, &Order::s3("GET", "/b/k", "").sign())).await;
    assert_eq!((got.status, got.body.len()), (200, 3_000_000));
    let refused = http2::call(&mut client, &Order::s3("PUT", "/b/refused", body).sign()).await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn an_upload_that_trickles_ends() {
    let pace = Pace { bytes: 1_000, time: Duration::from_secs(1) };
    let (rig, shelf) = rig(Limits { pace, ..Limits::default() }).await;
    let request = Order::s3("PUT", "/b/k", vec![b'x'; 10_000]).sign();
    let mut trickling = rig.connect().await;
    trickling.send(request.head("content-length: 10000")).await;
    let refused = in_time(async {
        loop {
            trickling.send("x").await;
            if let Ok(answer) =
                tokio::time::timeout(Duration::from_millis(20), trickling.answer_or_end()).await
            {
                break answer.unwrap();
            }
        }
    })
    .await;
    assert_eq!(code(&refused), (400, "RequestTimeout".to_owned()));
    // One that sends enough takes as long as it takes.
    let mut slow = rig.connect().await;
    slow.send(request.head("content-length: 10000")).await;
    for part in request.body.chunks(1_000) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        slow.send(part).await;
    }
    assert_eq!(slow.answer().await.status, 200);
    assert_eq!(shelf.object("k").unwrap().len(), 10_000);
}
