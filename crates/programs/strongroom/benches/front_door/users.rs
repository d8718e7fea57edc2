//! Users, and what they ask for.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use aws_credential_types::Credentials;
use serde_json::{Value as Json, json};

use crate::http::{Connection, Target, signed, signed_by};

/// Managed policies of a user who has many: half of them his own, half of them his group's.
const POLICIES: usize = 20;
/// Statements of each: about as many as IAM lets a policy have.
const STATEMENTS: usize = 50;

/// Somebody who decrypts.
pub(crate) struct Asker {
    pub(crate) who: String,
    credentials: Credentials,
}

impl Asker {
    /// A Decrypt that another signed, signed by this one now: a signature counts for minutes.
    pub(crate) fn sign(&self, address: SocketAddr, decrypt: &Target) -> Result<Target> {
        let request = std::str::from_utf8(decrypt)?;
        let body = request.split_once("\r\n\r\n").context("no body")?.1;
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.Decrypt")];
        signed_by(&self.credentials, address, "kms", &headers, body)
    }
}

/// The root user, a user with one policy, and one with many.
pub(crate) fn askers(address: SocketAddr) -> Result<[Asker; 3]> {
    let mut iam = Iam { address, connection: Connection::open(address)? };
    let root = Credentials::new("test", "test", None, None, "bench");
    let (one, many) = (iam.user("one")?, iam.user("many")?);
    iam.call("CreateGroup", &[("GroupName", "many")])?;
    iam.call("AddUserToGroup", &[("GroupName", "many"), ("UserName", "many")])?;
    for at in 0..POLICIES {
        let document = document(&(0..STATEMENTS).map(|number| statement(at, number)).collect::<Vec<_>>());
        let answer =
            iam.call("CreatePolicy", &[("PolicyName", &format!("p{at}")), ("PolicyDocument", &document)])?;
        let arn = between(&answer, "<Arn>", "</Arn>")?;
        let (operation, kind) =
            if at % 2 == 0 { ("AttachUserPolicy", "UserName") } else { ("AttachGroupPolicy", "GroupName") };
        iam.call(operation, &[(kind, "many"), ("PolicyArn", arn)])?;
    }
    let asker = |who: &str, credentials| Asker { who: who.to_owned(), credentials };
    Ok([
        asker("root", root),
        asker("a user, 1 policy", one),
        asker(&format!("a user, {POLICIES} x {STATEMENTS} more"), many),
    ])
}

/// A statement as people write them: three of five about KMS, two of those about Decrypt.
fn statement(policy: usize, number: usize) -> Json {
    match number % 5 {
        0 => json!({"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::bucket-{policy}-{number}/*")}),
        1 => json!({"Effect": "Allow", "Action": "kms:Decrypt",
            "Resource": format!("arn:aws:kms:*:*:key/{policy:08}-{number:04}-*")}),
        2 => json!({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}),
        3 => json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": format!("s{number}.us-east-1.amazonaws.com")}}}),
        _ => json!({"Effect": "Allow", "Action": ["ec2:Describe*", "logs:Get*"], "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}),
    }
}

fn document(statements: &[Json]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// IAM, called by the root user.
struct Iam {
    address: SocketAddr,
    connection: Connection,
}

impl Iam {
    fn call(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut body = format!("Action={operation}&Version=2010-05-08");
        for (name, value) in parameters {
            write!(body, "&{name}=")?;
            for byte in value.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => body.push(char::from(byte)),
                    other => write!(body, "%{other:02X}")?,
                }
            }
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.connection.send(&signed(self.address, "iam", &headers, &body)?)?;
        Ok(answer.to_owned())
    }

    /// A user who may decrypt, by an inline policy.
    fn user(&mut self, name: &str) -> Result<Credentials> {
        self.call("CreateUser", &[("UserName", name)])?;
        let document = document(&[json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"})]);
        let inline = [("UserName", name), ("PolicyName", "decrypt"), ("PolicyDocument", document.as_str())];
        self.call("PutUserPolicy", &inline)?;
        let answer = self.call("CreateAccessKey", &[("UserName", name)])?;
        let id = between(&answer, "<AccessKeyId>", "</AccessKeyId>")?;
        let secret = between(&answer, "<SecretAccessKey>", "</SecretAccessKey>")?;
        Ok(Credentials::new(id, secret, None, None, "bench"))
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Result<&'a str> {
    let found = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.map(|(found, _)| found).with_context(|| format!("no {start} in {text}"))
}
