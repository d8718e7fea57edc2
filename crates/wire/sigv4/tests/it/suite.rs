//! AWS's published signing test suite.

use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use serde::Deserialize;
use strongroom_sigv4::{AuthError, Authenticated, Expected, PathStyle};

use crate::requests::{Received, key_for};

const YEAR_2015: i64 = 1_440_938_160_000;
const YEAR_2021: i64 = 1_620_747_645_000;

/// The one case whose session token is added after signing, which AWS demands of some services, none of them
/// here.
const TOKEN_AFTER: &str = "post-sts-header-after";

#[derive(Deserialize)]
struct Context {
    credentials: Credentials,
    normalize: bool,
    region: String,
    service: String,
}

#[derive(Deserialize)]
struct Credentials {
    secret_access_key: String,
    token: Option<String>,
}

impl Context {
    /// The two older cases have no context file.
    fn older(secret: &str, region: &str, service: &str) -> Self {
        Self {
            credentials: Credentials { secret_access_key: secret.to_owned(), token: None },
            normalize: true,
            region: region.to_owned(),
            service: service.to_owned(),
        }
    }

    fn verify(&self, request: &Received, now_ms: i64) -> Result<Authenticated, AuthError> {
        let regions = |region: &str| region == self.region;
        let path = if self.normalize { PathStyle::Normalized } else { PathStyle::Verbatim };
        let expected = Expected { path, ..Expected::service(&self.service, &regions) };
        let claim = request.parse(now_ms, &expected)?;
        let key = key_for(&claim, &self.credentials.secret_access_key);
        claim.verify(&key, request.body.as_slice())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/aws-sig-v4-test-suite")
}

/// Reads the suite's form of a request. Its lines end in `\n`; a line that begins with white space goes on
/// with the value before it, as RFC 9112, section 5.2, has a server join them.
fn request(text: &str) -> Received {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines: Vec<String> = Vec::new();
    for line in head.lines() {
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap();
    let (method, rest) = first.split_once(' ').unwrap();
    let path_and_query = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
    let mut request = Received::with(path_and_query, &[]);
    request.method = Method::from_bytes(method.as_bytes()).unwrap();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        request.add(name, value);
    }
    request.body = body.into();
    request
}

#[test]
fn every_case_is_verified() {
    let mut verified = 0;
    for case in fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        if name == TOKEN_AFTER {
            continue;
        }
        let (context, now_ms) = match name.as_str() {
            "double-encode-path" => {
                (Context::older("notrealrnrELgWzOk3IfjzDKtFBhDby", "us-east-1", "service"), YEAR_2015)
            }
            "double-url-encode" => {
                let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
                (Context::older(secret, "us-east-2", "lambda"), YEAR_2021)
            }
            _ => {
                let text = fs::read(case.join("context.json")).unwrap();
                (serde_json::from_slice(&text).unwrap(), YEAR_2015)
            }
        };
        for form in ["header", "query"] {
            let Ok(text) = fs::read_to_string(case.join(format!("{form}-signed-request.txt"))) else {
                assert!(form == "query" && name.starts_with("double-"), "{name} lacks its {form} form");
                continue;
            };
            let request = request(&text);
            let authenticated = context
                .verify(&request, now_ms)
                .unwrap_or_else(|error| panic!("{name} in its {form} form: {error:?}"));
            assert_eq!(authenticated.is_presigned(), form == "query", "{name}");
            assert_eq!(authenticated.session_token(), context.credentials.token.as_deref(), "{name}");
            assert_eq!(authenticated.signed_at_ms(), now_ms, "{name}");
            verified += 1;
        }
    }
    assert_eq!(verified, 2 * 37 + 2);
}

#[test]
fn a_session_token_that_is_not_signed_is_refused() {
    let case = root().join(TOKEN_AFTER);
    let context: Context = serde_json::from_slice(&fs::read(case.join("context.json")).unwrap()).unwrap();
    let refusal = |form: &str| {
        let text = fs::read_to_string(case.join(format!("{form}-signed-request.txt"))).unwrap();
        context.verify(&request(&text), YEAR_2015).unwrap_err()
    };
    assert_eq!(refusal("header"), AuthError::HeaderNotSigned { name: "x-amz-security-token".to_owned() });
    assert_eq!(refusal("query"), AuthError::SignatureMismatch);
}
