//! Pages in browsers: which may ask, and what they may read.

use strongroom_server::{InvalidOrigin, Limits, Origins};

use crate::rig::{HOST, Rig, Setup};
use crate::signing::{Order, Request};
use crate::wire::Answer;

const CONSOLE: &str = "https://console.example.com:8443";
const FOREIGN: &str = "https://evil.example.com";
const HEALTH: &str = "/_strongroom/health";

async fn rig() -> Rig {
    let origins = Origins::loopback().and_listed(vec![CONSOLE.to_owned()]).unwrap();
    Rig::of(Setup { origins, ..Setup::default() }).await
}

fn request(method: &'static str, path: &str, headers: &[(&str, &str)]) -> Request {
    let headers = std::iter::once(&("host", HOST)).chain(headers);
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { method, target: path.to_owned(), headers, body: Vec::new() }
}

fn preflight(origin: &str, names: &str) -> Request {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", names),
    ];
    request("OPTIONS", "/", &headers)
}

fn get(door: &str) -> Request {
    Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign()
}

fn from(origin: &str, mut request: Request) -> Request {
    request.headers.push(("origin".to_owned(), origin.to_owned()));
    request
}

/// The headers of the CORS protocol.
fn shared(answer: &Answer) -> Vec<(&str, &str)> {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| name.starts_with("access-control-") || *name == "vary").collect()
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_is_told_what_it_may_send() {
    let rig = rig().await;
    for origin in [CONSOLE, "http://localhost:3000"] {
        let answer = rig.call(&preflight(origin, "authorization,x-amz-target")).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        let mut headers = shared(&answer);
        headers.sort_unstable();
        let expected = [
            ("access-control-allow-headers", "authorization, x-amz-target"),
            ("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE"),
            ("access-control-allow-origin", origin),
            ("access-control-max-age", "7200"),
            ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ];
        assert_eq!(headers, expected);
    }
    assert_eq!((rig.records.len(), rig.doors.ran().len()), (0, 0));
}

#[tokio::test]
async fn a_preflight_of_a_foreign_origin_is_refused_without_a_word() {
    let rig = rig().await;
    for origin in [FOREIGN, "null", "*", "", "https://console.example.com", "http://console.example.com:8443"]
    {
        let answer = rig.call(&preflight(origin, "authorization")).await;
        assert_eq!((answer.status, shared(&answer)), (403, Vec::new()), "{origin}");
    }
    let two = from(FOREIGN, preflight(CONSOLE, "authorization"));
    let answer = rig.call(&two).await;
    assert_eq!((answer.status, shared(&answer)), (403, Vec::new()));

    let closed = Rig::start().await;
    let answer = closed.call(&preflight("http://localhost:3000", "authorization")).await;
    assert_eq!((answer.status, shared(&answer)), (403, Vec::new()));
}

#[tokio::test]
async fn only_headers_of_aws_may_be_sent() {
    let rig = rig().await;
    let long = format!("x-amz-{}", "x".repeat(200));
    let many = vec!["x-amz-a"; 500].join(",");
    let allowed_many = vec!["x-amz-a"; 64].join(", ");
    for (asked, allowed) in [
        ("Authorization , CONTENT-TYPE", Some("authorization, content-type")),
        ("amz-sdk-invocation-id,amz-sdk-request", Some("amz-sdk-invocation-id, amz-sdk-request")),
        ("smithy-protocol,x-amzn-query-mode", Some("smithy-protocol, x-amzn-query-mode")),
        ("x-amz-user-agent,x-other,x-amz-date", Some("x-amz-user-agent, x-amz-date")),
        ("x-amzn-other,x-strongroom-dev,cookie,x-amz,*", None),
        ("x-amz-a b,x-amz-(,,", None),
        ("", None),
        (&long, None),
        (&many, Some(allowed_many.as_str())),
    ] {
        let answer = rig.call(&preflight(CONSOLE, asked)).await;
        let told = answer.header("access-control-allow-headers");
        assert_eq!((answer.status, told), (204, allowed), "{asked}");
    }
    let bare = preflight(CONSOLE, "").without("access-control-request-headers");
    let answer = rig.call(&bare).await;
    assert_eq!((answer.status, answer.header("access-control-allow-headers")), (204, None));
}

#[tokio::test]
async fn an_allowed_page_may_read_every_answer() {
    let rig = rig().await;
    let unknown = Order::json("Nothing", "{}").sign();
    let options = request("OPTIONS", "/", &[]);
    for (request, status) in [
        (get("front"), 200),
        (Order::query("GetDoor", "&DoorId=front").sign(), 200),
        (get("gone"), 400),
        (get("broken"), 500),
        (get("front").without("authorization"), 400),
        (unknown, 400),
        (options, 400),
        (request("GET", HEALTH, &[]), 200),
        (request("POST", HEALTH, &[]), 405),
    ] {
        let answer = rig.call(&from(CONSOLE, request.clone())).await;
        let mut headers = shared(&answer);
        headers.sort_unstable();
        let exposed = "date, etag, smithy-protocol, x-amzn-requestid, x-amzn-errortype, x-amzn-query-error, \
                       x-amz-request-id, x-amz-id-2, x-strongroom-encoded-authorization-message";
        let expected = [
            ("access-control-allow-origin", CONSOLE),
            ("access-control-expose-headers", exposed),
            ("vary", "Origin"),
        ];
        assert_eq!((answer.status, headers.as_slice()), (status, &expected[..]), "{request:?}");
    }
}

#[tokio::test]
async fn an_allowed_page_learns_that_it_sent_too_many_headers() {
    let origins = Origins::loopback();
    let limits = Limits { headers: 30, ..Limits::default() };
    let rig = Rig::of(Setup { limits, origins, ..Setup::default() }).await;
    let (mut client, _connection) = crate::http2::connect(rig.address).await;
    let mut request = from("http://localhost:3000", get("front"));
    request.headers.extend((0..30).map(|number| (format!("x-{number}"), "x".to_owned())));
    let answer = crate::http2::call(&mut client, &request).await;
    let origin = answer.header("access-control-allow-origin");
    assert_eq!((answer.status, origin), (431, Some("http://localhost:3000")));
}

#[tokio::test]
async fn a_foreign_page_is_served_and_may_read_nothing() {
    let rig = rig().await;
    for request in [get("front"), get("gone"), request("GET", HEALTH, &[])] {
        let expected = rig.call(&request).await.status;
        let answer = rig.call(&from(FOREIGN, request)).await;
        assert_eq!((answer.status, shared(&answer)), (expected, Vec::new()));
    }
    let answer = rig.call(&from(FOREIGN, from(CONSOLE, get("front")))).await;
    assert_eq!((answer.status, shared(&answer)), (200, Vec::new()));
}

#[tokio::test]
async fn who_is_no_page_hears_nothing_of_it() {
    let rig = rig().await;
    let asks = [("access-control-request-method", "POST")];
    for request in [get("front"), get("gone"), request("GET", HEALTH, &[]), request("OPTIONS", "/", &asks)] {
        let answer = rig.call(&request).await;
        assert_eq!(shared(&answer), Vec::new(), "{request:?}");
    }
}

#[tokio::test]
async fn loopback_origins_are_those_of_this_machine() {
    let rig = Rig::of(Setup { origins: Origins::loopback(), ..Setup::default() }).await;
    for (origin, status) in [
        ("http://localhost", 204),
        ("https://localhost:8443", 204),
        ("http://console.localhost:3000", 204),
        ("http://127.0.0.1:3000", 204),
        ("http://127.1.2.3", 204),
        ("http://[::1]:3000", 204),
        ("ftp://localhost", 403),
        ("localhost:3000", 403),
        ("http://localhost:3000/", 403),
        ("http://localhost.example.com", 403),
        ("http://me@x.localhost", 403),
        ("http://example.com/.localhost", 403),
        ("http://notlocalhost", 403),
        ("http://10.0.0.1", 403),
        ("http://[::2]", 403),
        (CONSOLE, 403),
    ] {
        assert_eq!(rig.call(&preflight(origin, "authorization")).await.status, status, "{origin}");
    }
}

#[test]
fn listed_origins_are_as_browsers_write_them() {
    for origin in [
        CONSOLE,
        "http://console",
        "https://console.example.com",
        "http://10.0.0.1:8080",
        "https://[2001:db8::1]:8443",
        "https://example.com:80",
    ] {
        assert!(Origins::listed(vec![origin.to_owned()]).is_ok(), "{origin}");
    }
    for origin in [
        "*",
        "",
        "null",
        "console.example.com",
        "https://",
        "https://*.example.com",
        "https://Console.example.com",
        "HTTPS://console.example.com",
        "https://console.example.com/",
        "https://console.example.com/path",
        "https://console.example.com?query",
        "https://me@console.example.com",
        "https://me:secret@console.example.com",
        "https://console.example.com:443",
        "http://console.example.com:80",
        "https://console.example.com:08443",
        "https://console.example.com:",
        "https://console.example.com:65536",
        "https://[2001:DB8::1]",
        "https://10.0.0",
        "ws://console.example.com",
        " https://console.example.com",
        "https://a.example.com,https://b.example.com",
    ] {
        let listed = Origins::loopback().and_listed(vec![CONSOLE.to_owned(), origin.to_owned()]);
        assert_eq!(listed, Err(InvalidOrigin(origin.to_owned())), "{origin}");
    }
}
