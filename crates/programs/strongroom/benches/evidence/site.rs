//! What is asked of the program: a bucket, a trail, an alarm, its clock, and how far it has derived.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};

use crate::http::{Connection, signed};

const BUCKET: &str = "evidence-of-the-bench";
const TRAIL: &str = "bench";
/// What the targets of CloudTrail begin with.
const TRAILS: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
const ACCOUNT: &str = "000000000000";
/// The Region of markers, in which nothing else happens.
const ELSEWHERE: &str = "eu-west-1";
/// What is derived catches up within this time, or something is wrong.
const PATIENCE: Duration = Duration::from_mins(10);

/// The program, called by the root user.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
}

impl Site {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// A trail of all Regions, with digests, that delivers into a bucket here.
    pub(crate) fn begin_trail(&self) -> Result<()> {
        self.s3("PUT", &format!("/{BUCKET}"), "")?;
        let service = json!({"Service": "cloudtrail.amazonaws.com"});
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl",
             "Resource": format!("arn:aws:s3:::{BUCKET}")},
            {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
             "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
             "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
        ]});
        self.s3("PUT", &format!("/{BUCKET}?policy"), &policy.to_string())?;
        let trail = json!({"Name": TRAIL, "S3BucketName": BUCKET, "IsMultiRegionTrail": true,
            "EnableLogFileValidation": true});
        self.json("cloudtrail", &format!("{TRAILS}.CreateTrail"), &trail)?;
        self.json("cloudtrail", &format!("{TRAILS}.StartLogging"), &json!({"Name": TRAIL}))?;
        Ok(())
    }

    /// An alarm on the use of keys.
    pub(crate) fn put_alarm(&self) -> Result<()> {
        let alarm = json!({"AlarmName": "bench", "Namespace": "AWS/KMS", "MetricName": "KeyUsageCount",
            "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 5, "Threshold": 100.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold"});
        self.json("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", &alarm).map(drop)
    }

    /// A call of a Region of its own.
    pub(crate) fn mark(&self) -> Result<()> {
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.ListAliases")];
        let call = signed_in(ELSEWHERE, "kms", "POST", self.address, ("/", &headers), "{}")?;
        exchange(self.address, &call).map(drop)
    }

    /// How many files with markers are in the bucket.
    pub(crate) fn marked_files(&self) -> Result<usize> {
        let prefix = format!("AWSLogs%2F{ACCOUNT}%2FCloudTrail%2F{ELSEWHERE}%2F");
        let listed = self.s3("GET", &format!("/{BUCKET}?list-type=2&prefix={prefix}"), "")?;
        Ok(listed.matches("<Key>").count())
    }

    /// How many records have been derived from, by all followers together.
    pub(crate) fn derived(&self) -> Result<u64> {
        self.figure("strongroom_derived_records_total")
    }

    /// How many followers there are, each of which has every record.
    pub(crate) fn followers(&self) -> Result<u64> {
        let before = self.derived()?;
        // Nothing else is recorded meanwhile but this call.
        self.mark()?;
        let mut seen = before;
        let mut since = Instant::now();
        while since.elapsed() < Duration::from_secs(2) {
            let derived = self.derived()?;
            if derived != seen {
                (seen, since) = (derived, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        ensure!(seen > before, "nothing is derived");
        Ok(seen - before)
    }

    /// Waits until so much is derived, and nothing more has come for half a second.
    pub(crate) fn catch_up(&self, wanted: u64) -> Result<()> {
        let begun = Instant::now();
        let (mut seen, mut since) = (self.derived()?, Instant::now());
        while seen < wanted || (wanted == 0 && since.elapsed() < Duration::from_millis(500)) {
            ensure!(begun.elapsed() < PATIENCE, "{seen} of {wanted} records are derived after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(5));
            let derived = self.derived()?;
            if derived != seen {
                (seen, since) = (derived, Instant::now());
            }
        }
        Ok(())
    }

    /// Moves the clock so that the next window of deliveries ends in so many seconds.
    pub(crate) fn go_to_the_end_of_a_window(&self, seconds: u64) -> Result<()> {
        let ms = self.now_ms()?.rem_euclid(WINDOW_MS);
        let left = u64::try_from(WINDOW_MS - ms)?.div_ceil(1000);
        self.clock(if left >= seconds { left - seconds } else { left + 300 - seconds })?;
        Ok(())
    }

    /// What the server takes for now.
    pub(crate) fn now_ms(&self) -> Result<i64> {
        let ahead = self.clock(0)?["offset_seconds"].as_i64().context("no offset")?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(i64::try_from(now.as_millis())? + ahead * 1000)
    }

    fn clock(&self, seconds: u64) -> Result<Value> {
        let body = json!({ "advance_seconds": seconds }).to_string();
        let length = body.len();
        let call = format!(
            "POST /_strongroom/clock HTTP/1.1\r\nhost: localhost\r\nx-strongroom-dev: 1\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let answer = exchange(self.address, call.as_bytes())?;
        Ok(serde_json::from_str(body_of(&answer)?)?)
    }

    fn figure(&self, name: &str) -> Result<u64> {
        let call = b"GET /_strongroom/metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answer = exchange(self.address, call)?;
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let text = line.with_context(|| format!("no {name} in {answer}"))?;
        Ok(text.trim().parse::<f64>()? as u64)
    }

    fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value> {
        let kind = if service == "monitoring" { "1.0" } else { "1.1" };
        let kind = format!("application/x-amz-json-{kind}");
        let headers = [("content-type", kind.as_str()), ("x-amz-target", target)];
        let call = signed(self.address, service, &headers, &input.to_string())?;
        let mut connection = Connection::open(self.address)?;
        let answer = connection.send(&call)?;
        match body_of(answer)? {
            "" => Ok(Value::Null),
            body => Ok(serde_json::from_str(body)?),
        }
    }

    fn s3(&self, method: &str, target: &str, body: &str) -> Result<String> {
        let call = signed_in("us-east-1", "s3", method, self.address, (target, &[]), body)?;
        exchange(self.address, &call)
    }
}

/// How long a window of deliveries is: five minutes.
pub(crate) const WINDOW_MS: i64 = 300_000;

/// A request for a Region and a path, signed by the root user, on a connection of its own.
fn signed_in(
    region: &str,
    service: &str,
    method: &str,
    address: SocketAddr,
    (target, headers): (&str, &[(&str, &str)]),
    body: &str,
) -> Result<Vec<u8>> {
    let identity = Credentials::new("test", "test", None, None, "bench").into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(settings)
        .build()?;
    let host = address.to_string();
    let headers = || [("host", host.as_str())].into_iter().chain(headers.iter().copied());
    let uri = format!("http://{host}{target}");
    let signable = SignableRequest::new(method, &uri, headers(), SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters.into())?.into_parts();
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in headers().chain(instructions.headers()) {
        write!(text, "{name}: {value}\r\n")?;
    }
    write!(text, "connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    Ok(text.into_bytes())
}

fn exchange(address: SocketAddr, call: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(call)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8(answer)?;
    if !answer.starts_with("HTTP/1.1 2") {
        bail!("refused: {answer}");
    }
    Ok(answer)
}

fn body_of(answer: &str) -> Result<&str> {
    Ok(answer.split_once("\r\n\r\n").context("no head")?.1)
}
