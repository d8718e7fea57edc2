//! Objects in buckets of an S3-compatible endpoint, addressed by path.

use std::time::Duration;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_runtime::Clocks;
use time::OffsetDateTime;

use crate::aws::{escaped, xml_refusal};
use crate::http::Request;
use crate::signature::{Unsigned, signed};
use crate::{CallError, Credentials, Element, Endpoint};

/// How long a put may take: an object of some megabytes, over a line that is slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// S3 at an endpoint, in one Region.
pub struct Objects {
    endpoint: Endpoint,
    region: String,
    credentials: Credentials,
    clocks: Clocks,
}

impl Objects {
    /// S3 at that endpoint, called with those credentials.
    pub fn new(
        endpoint: Endpoint,
        region: impl Into<String>,
        credentials: Credentials,
        clocks: Clocks,
    ) -> Self {
        Self { endpoint, region: region.into(), credentials, clocks }
    }

    /// Reads who may do what with a bucket.
    pub fn read_acl(&self, bucket: &str) -> Result<(), CallError> {
        self.read("GetBucketAcl", bucket, "acl").map(drop)
    }

    /// Reads a part of a bucket, by the operation's name and the part's in a query.
    pub fn read(&self, operation: &str, bucket: &str, part: &str) -> Result<Element, CallError> {
        let (path, query) = (format!("/{}", escaped(bucket)), format!("{part}="));
        let body = self.send(operation, ("GET", &path, &query), Vec::new(), &[])?;
        Element::parse(&body).ok_or_else(|| CallError::Unexpected {
            operation: operation.to_owned(),
            reason: "it is not XML".to_owned(),
        })
    }

    /// Puts an object, with further headers that are signed: names in lower case.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        headers: Vec<(&'static str, String)>,
        body: &[u8],
    ) -> Result<(), CallError> {
        let path =
            format!("/{}/{}", escaped(bucket), key.split('/').map(escaped).collect::<Vec<_>>().join("/"));
        self.send("PutObject", ("PUT", &path, ""), headers, body).map(drop)
    }

    fn send(
        &self,
        operation: &str,
        (method, path, query): (&'static str, &str, &str),
        mut headers: Vec<(&'static str, String)>,
        body: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        headers.push(("host", self.endpoint.authority().to_owned()));
        headers.push(("x-amz-content-sha256", hex::encode(&sha256(body))));
        let unsigned = Unsigned { method, path, query, region: &self.region, service: "s3", headers, body };
        let now = OffsetDateTime::from_unix_timestamp(self.clocks.real_now().div_euclid(1_000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let headers = signed(unsigned, &self.credentials, now);
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let request =
            Request { headers: &headers, body, patience: PATIENCE, ..Request::new(method, &target) };
        let response = self.endpoint.send(&request)?;
        if response.status == 200 {
            return Ok(response.body);
        }
        let document = Element::parse(&response.body);
        Err(CallError::Refused(xml_refusal(operation, response.status, document.as_ref())))
    }
}
