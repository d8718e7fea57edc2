//! What a decision costs: a principal with 20 policies of 50 statements, everything compiled and warm.
//!
//! `cargo bench -p strongroom-policy`

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value as Json, json};
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{
    ContextKeys, Entity, Guard, Policies, Policy, Request, Subject, Value, Values, decide, explain,
};

const POLICIES: usize = 20;
const STATEMENTS: usize = 50;
const RUN: Duration = Duration::from_secs(2);
/// Decisions between two looks at the clock.
const ROUND: u32 = 100;
/// KMS and others.
const TEN: [&str; 10] =
    ["kms", "sns", "sqs", "kinesis", "lambda", "dynamodb", "cloudhsm", "cloudtrail", "secretsmanager", "ssm"];
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A request with what KMS states of a Decrypt.
struct Decrypt;

impl ContextKeys for Decrypt {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "aws:sourceip" => Some(Values::One(Value::Address(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))))),
            "aws:securetransport" => Some(true.into()),
            "aws:currenttime" => Some(Values::One(Value::Moment(1_700_000_000_000))),
            "kms:encryptioncontext:team" => Some(Values::text("blue")),
            _ => None,
        }
    }
}

/// A statement as people write them: several actions, a resource or two, every third with a condition.
fn statement(policy: usize, at: usize) -> Json {
    let mut statement = match at % 5 {
        0 => json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:List*"],
            "Resource": [format!("arn:aws:s3:::bucket-{policy}-{at}"), format!("arn:aws:s3:::bucket-{policy}-{at}/*")]}),
        1 => json!({"Effect": "Allow", "Action": ["kms:Decrypt", "kms:DescribeKey"],
            "Resource": format!("arn:aws:kms:us-east-1:111122223333:key/{policy:08}-{at:04}-*")}),
        2 => json!({"Effect": "Allow", "Action": ["kms:GenerateDataKey*", "kms:Encrypt"],
            "Resource": "arn:aws:kms:*:111122223333:key/*"}),
        3 => json!({"Effect": "Deny", "Action": ["kms:*"], "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": format!("service{at}.us-east-1.amazonaws.com")}}}),
        _ => {
            json!({"Effect": "Allow", "Action": ["ec2:Describe*", "logs:Get*", "cloudwatch:*"], "Resource": "*"})
        }
    };
    if at.is_multiple_of(3) && statement.get("Condition").is_none() {
        statement["Condition"] = json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]},
            "StringLike": {"kms:EncryptionContext:team": "${aws:PrincipalTag/team}*"}});
    }
    statement
}

fn policy(name: &str, statements: &[Json], kind: Kind) -> Policy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Policy::new(name, &Document::parse(&text, kind).unwrap())
}

/// Twenty policies, each about one of these services and a few others.
fn attached(services: &[&str]) -> Vec<Arc<Policy>> {
    let of_service = |at: usize, service: &str| {
        let statements = (0..STATEMENTS).map(|statement_at| {
            let text = statement(at, statement_at).to_string().replace("kms:", &format!("{service}:"));
            serde_json::from_str(&text).unwrap()
        });
        let statements: Vec<Json> = statements.collect();
        policy(&format!("arn:aws:iam::111122223333:policy/p{at}"), &statements, Kind::Managed)
    };
    let services = services.iter().cycle();
    (0..POLICIES).zip(services).map(|(at, service)| Arc::new(of_service(at, service))).collect()
}

/// The statement that allows.
fn last() -> Json {
    json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:*:key/1234abcd-*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}})
}

/// The processor's time that this thread has taken.
fn taken() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The processor's time of one call, whatever else the machine does.
fn measure(mut call: impl FnMut()) -> Duration {
    let (start, mut calls) = (taken(), 0);
    while taken().saturating_sub(start) < RUN {
        (0..ROUND).for_each(|_| call());
        calls += ROUND;
    }
    taken().saturating_sub(start) / calls
}

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let owner = "111122223333".parse().unwrap();
    let role = Entity::new("arn:aws:iam::111122223333:role/app", "AROADBQP57FF2AEXAMPLE");
    let subject =
        Subject::role_session(owner, role, "session").with_tags(vec![("team".to_owned(), "blue".to_owned())]);
    let account =
        json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"});
    let key = policy("key", &[account], Kind::Key);
    let request = Request { subject: &subject, action: "kms:Decrypt", resource: KEY, owner, keys: &Decrypt };
    println!("{POLICIES} policies x {STATEMENTS} statements, and one more that allows:");
    for (which, services) in [
        ("of ten services, each with as much as KMS", &TEN[..]),
        ("three of five statements about KMS, two of them about Decrypt", &TEN[..1]),
    ] {
        let mut identity = attached(services);
        let refused = Policies { identity: &identity, guard: Guard::Key(&key), ..Policies::default() };
        assert!(!decide(&request, &refused).is_allowed());
        identity.push(Arc::new(policy("last", &[last()], Kind::Identity)));
        let allowed = Policies { identity: &identity, guard: Guard::Key(&key), ..Policies::default() };
        assert!(decide(&request, &allowed).is_allowed());
        let decided = measure(|| {
            black_box(decide(black_box(&request), black_box(&allowed)));
        });
        let explained = measure(|| {
            black_box(explain(black_box(&request), black_box(&allowed)));
        });
        println!("  {which}: {} ns, explained {} ns", decided.as_nanos(), explained.as_nanos());
    }

    let time = measure(|| {
        let root = Subject::root(owner);
        let request = Request { subject: &root, ..request };
        let policies = Policies { guard: Guard::Key(&key), ..Policies::default() };
        black_box(decide(black_box(&request), black_box(&policies)));
    });
    println!("the root user and a default key policy: {} ns", time.as_nanos());
}
