use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers one request with these bytes, and its port.
async fn answering(answer: Vec<u8>) -> (u16, impl Future<Output = String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        // Who asks may have enough before all of it is written.
        let _gone = stream.write_all(&answer).await;
        String::from_utf8(asked).unwrap()
    };
    (port, serving)
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What is read of an answer, and what was asked for it.
async fn read(answer: Vec<u8>) -> (Result<Vec<u8>, Unread>, String) {
    let (port, serving) = answering(answer).await;
    let url = format!("http://127.0.0.1:{port}/tenant/keys?v=2");
    let documents = PublishedDocuments { reach: Reach::LocalToo, authorities: Authorities::new(None) };
    tokio::join!(documents.read(&url, &[]), serving)
}

#[tokio::test]
async fn a_document_is_asked_for_and_read() {
    let (document, asked) = read(ok(b"{}")).await;
    assert_eq!(document.unwrap(), b"{}");
    assert!(asked.starts_with("GET /tenant/keys?v=2 HTTP/1.1\r\nhost: 127.0.0.1:"), "{asked}");
    let without_length = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}".to_vec();
    assert_eq!(read(without_length).await.0.unwrap(), b"{}");
}

#[tokio::test]
async fn redirects_and_errors_are_no_documents() {
    for head in ["302 Found\r\nLocation: http://127.0.0.1:1/", "404 Not Found", "201 Created"] {
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\n\r\n{{}}");
        read(answer.into_bytes()).await.0.unwrap_err();
    }
    read(b"hello\r\n\r\n".to_vec()).await.0.unwrap_err();
}

#[tokio::test]
async fn documents_have_a_greatest_length() {
    assert_eq!(read(ok(&vec![b' '; MOST])).await.0.unwrap().len(), MOST);
    read(ok(&vec![b' '; MOST + 1])).await.0.unwrap_err();
    let cut_off = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec();
    read(cut_off).await.0.unwrap_err();
}

/// The clock of this test stands until nothing else can happen, and then leaps.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let documents = PublishedDocuments { reach: Reach::LocalToo, authorities: Authorities::new(None) };
    let error = documents.read(&url, &[]).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url} did not answer within 5 s"));
}

#[tokio::test]
async fn only_documents_that_may_be_reached_are_asked_for() {
    let documents = PublishedDocuments { reach: Reach::Public, authorities: Authorities::new(None) };
    assert!(!documents.reaches_local());
    for url in [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "https://[::1]:1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "http://93.184.216.34/",
        "https://user@127.0.0.1/",
        "file:///etc/passwd",
        "/keys",
        "https://",
        "",
    ] {
        let error = documents.read(url, &[]).await.unwrap_err().to_string();
        let is_refused = error.ends_with("it is at no address that this server calls")
            || error.ends_with("is no URL of a document");
        assert!(is_refused, "{url}: {error}");
    }
}
