use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers one request, and what it was asked.
async fn posted(
    reach: Reach,
    url: impl Fn(u16) -> String,
    answer: &'static str,
) -> (Result<u16, Undelivered>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoints = Endpoints::new(reach, None);
    let url = url(port);
    let headers = vec![("x-amz-sns-message-type", "Notification".to_owned())];
    let posting = endpoints.post(&url, headers, b"hello".to_vec());
    let serving = async move {
        let accepted = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        let Ok(Ok((mut stream, _))) = accepted else { return String::new() };
        let mut asked = Vec::new();
        while !asked.ends_with(b"hello") {
            asked.push(stream.read_u8().await.unwrap());
        }
        // Who asks may have enough before all of it is written.
        let _gone = stream.write_all(answer.as_bytes()).await;
        String::from_utf8(asked).unwrap()
    };
    tokio::join!(posting, serving)
}

fn here(port: u16) -> String {
    format!("http://me:a%20b@127.0.0.1:{port}/hook?x=1")
}

#[tokio::test]
async fn a_message_is_posted_and_the_status_is_what_counts() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nnever read";
    let (status, asked) = posted(Reach::this_machine_too(), here, answer).await;
    assert_eq!(status.unwrap(), 200);
    assert!(asked.starts_with("POST /hook?x=1 HTTP/1.1\r\nhost: 127.0.0.1:"), "{asked}");
    assert!(asked.contains("authorization: Basic bWU6YSBi\r\n"), "{asked}");
    assert!(asked.contains("x-amz-sns-message-type: Notification\r\n"), "{asked}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (status, _) = posted(Reach::this_machine_too(), here, answer).await;
    assert_eq!(status.unwrap(), 302);
}

#[tokio::test]
async fn addresses_within_are_called_only_where_the_operator_says_so() {
    let own = Reach::public_and(vec!["127.0.0.1/32".parse().unwrap()]);
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(posted(own, here, answer).await.0.unwrap(), 204);
    let by_name = |port| format!("http://localhost:{port}/");
    let (refused, asked) = posted(Reach::default(), by_name, answer).await;
    assert!(refused.unwrap_err().text.ends_with("it is at no address that this server calls"));
    assert_eq!(asked, "");
}

#[test]
fn urls_that_lead_within_are_known_by_sight() {
    let closed = Endpoints::new(Reach::default(), None);
    let development = Endpoints::new(Reach::this_machine_too(), None);
    for (url, closed_admits, development_admits) in [
        ("https://example.com/hook", true, true),
        ("http://93.184.216.34/", true, true),
        ("http://127.0.0.1:9/", false, true),
        ("http://[::1]/", false, true),
        ("http://[::ffff:127.0.0.1]/", false, true),
        ("http://LocalHost/", false, true),
        ("http://a.localhost/", false, true),
        ("http://10.0.0.1/", false, false),
        ("http://169.254.169.254/latest/meta-data/", false, false),
        ("http://[fe80::1]/", false, false),
        ("http://[fd00::1]/", false, false),
        ("http://0.0.0.0/", false, false),
        ("ftp://example.com/", false, false),
    ] {
        assert_eq!(closed.admits(url), closed_admits, "{url}");
        assert_eq!(development.admits(url), development_admits, "{url}");
    }
}
