//! Signs a request to an AWS API with Signature Version 4.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_crypto::hmac::HmacSha256;
use time::OffsetDateTime;

use crate::Credentials;

/// What is signed.
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'a str,
    /// As it is sent, in percent where it must be.
    pub(crate) path: &'a str,
    /// The same, its parameters in order.
    pub(crate) query: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// Names in lower case and values; `host` among them.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'a [u8],
}

/// The request's headers, with those that the signature adds.
pub(crate) fn signed(
    request: Unsigned<'_>,
    credentials: &Credentials,
    now: OffsetDateTime,
) -> Vec<(&'static str, String)> {
    let date = format!("{:04}{:02}{:02}", now.year(), u8::from(now.month()), now.day());
    let moment = format!("{date}T{:02}{:02}{:02}Z", now.hour(), now.minute(), now.second());
    let mut headers = request.headers;
    headers.push(("x-amz-date", moment.clone()));
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token", token.expose().clone()));
    }
    headers.sort_by_key(|(name, _)| *name);
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut lines = String::new();
    for (name, value) in &headers {
        lines.extend([name, ":", value.trim(), "\n"]);
    }
    let Unsigned { method, path, query, body, .. } = request;
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", hex::encode(&sha256(body)));
    let scope = format!("{date}/{}/{}/aws4_request", request.region, request.service);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex::encode(&sha256(canonical.as_bytes())));

    let mut key = [b"AWS4", credentials.secret_access_key.expose().as_bytes()].concat();
    for part in [date.as_str(), request.region, request.service, "aws4_request", &to_sign] {
        key = HmacSha256::new(&key).sign(&[part.as_bytes()]).to_vec();
    }
    headers.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            credentials.access_key_id,
            hex::encode(&key)
        ),
    ));
    headers
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials as OracleCredentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use strongroom_secret::SecretString;

    use super::*;

    /// AWS's own signer makes the same signature.
    #[test]
    fn the_signature_is_aws_s() {
        for token in [None, Some("a/session+token==")] {
            let body = br#"{"Filters":{"clusterIds":["cluster-aaaabbbbccc"]}}"#;
            let headers = vec![
                ("host", "127.0.0.1:4566".to_owned()),
                ("content-type", "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target", "BaldrApiService.DescribeClusters".to_owned()),
            ];
            let seconds = 1_795_774_501;
            let ours = signed(
                Unsigned {
                    method: "POST",
                    path: "/",
                    query: "",
                    region: "eu-west-1",
                    service: "cloudhsm",
                    headers: headers.clone(),
                    body,
                },
                &Credentials {
                    access_key_id: "AKIDEXAMPLE".to_owned(),
                    secret_access_key: SecretString::new("wJalrXUtnFEMI/K7MDENG".to_owned()),
                    session_token: token.map(|token| SecretString::new(token.to_owned())),
                },
                OffsetDateTime::from_unix_timestamp(seconds).unwrap(),
            );

            let identity = OracleCredentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG",
                token.map(str::to_owned),
                None,
                "test",
            )
            .into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region("eu-west-1")
                .name("cloudhsm")
                .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds as u64))
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let request = SignableRequest::new(
                "POST",
                "http://127.0.0.1:4566/",
                headers.iter().map(|(name, value)| (*name, value.as_str())),
                SignableBody::Bytes(body),
            )
            .unwrap();
            let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
            let (theirs, _) = instructions.into_parts();
            let theirs = theirs.iter().find(|header| header.name() == "authorization").unwrap();
            let (_, ours) = ours.last().unwrap();
            assert_eq!(ours, theirs.value());
        }
    }
}
