//! What temporary credentials say, and services in between: from a request's context to its conditions.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::json;
use strongroom_identity::{
    AccountId, Action, Caller, ConditionKeys, Entity, Origin, Principal, Region, RequestContext, RequestId,
    Session,
};
use strongroom_policy::document::Kind;
use strongroom_policy::{Authority, CallerPolicies, Guard, Policy, Resource, Values};

use super::conditions::element;
use super::{ACCOUNT, cases, policy};

pub(super) const TABLES: &[&str] = &[include_str!("session_keys.txt")];

const NOW_MS: i64 = 1_700_000_000_123;
const TEN_MINUTES_MS: i64 = 600_000;

struct Decrypt;

impl Action for Decrypt {
    const NAME: &'static str = "kms:Decrypt";
}

/// A key of the account, tagged `Team=blue`.
struct Key(Policy);

impl Resource for Key {
    fn owner(&self) -> AccountId {
        ACCOUNT.parse().unwrap()
    }

    fn arn(&self) -> String {
        "arn:aws:kms:us-east-1:111122223333:key/1".to_owned()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.0)
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        (key == "aws:resourcetag/team").then(|| Values::text("blue"))
    }
}

fn session(origin: Origin) -> Session {
    Session {
        origin,
        issued_ms: NOW_MS - TEN_MINUTES_MS - 123,
        expires_ms: NOW_MS + TEN_MINUTES_MS,
        mfa_ms: None,
        source_identity: None,
        tags: Vec::new(),
        federated_provider: None,
    }
}

/// A caller as credentials of that kind make one.
fn caller(credentials: &str) -> Caller {
    let entity = |name: &str, id: &str| Entity {
        account: ACCOUNT.parse().unwrap(),
        path: "/".to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
    };
    let user = || Principal::User(entity("alice", "AIDACKCEVSQ6C2EXAMPLE"));
    let role =
        || Principal::RoleSession { role: entity("app", "AROADBQP57FF2AEXAMPLE"), session: "s1".to_owned() };
    let account = ACCOUNT.parse().unwrap();
    let (principal, session) = match credentials {
        "long-term" => (user(), None),
        "session token" => (user(), Some(session(Origin::SessionToken))),
        "session token with a code" => {
            let mfa_ms = Some(NOW_MS - TEN_MINUTES_MS);
            (user(), Some(Session { mfa_ms, ..session(Origin::SessionToken) }))
        }
        "role session" => {
            let source_identity = Some("DiegoRamirez".to_owned());
            // Whoever assumed the role proved a second factor: its sessions do not.
            let mfa_ms = Some(NOW_MS - TEN_MINUTES_MS);
            (role(), Some(Session { source_identity, mfa_ms, ..session(Origin::AssumeRole) }))
        }
        "web identity" => {
            let federated_provider = Some("accounts.google.com".to_owned());
            (role(), Some(Session { federated_provider, ..session(Origin::WebIdentity) }))
        }
        "federated user" => (
            Principal::FederatedUser { account, name: "bob".to_owned(), issuer: None },
            Some(session(Origin::FederationToken)),
        ),
        "service" => (Principal::Service { account, name: "cloudtrail.amazonaws.com" }, None),
        other => panic!("{other} are no credentials"),
    };
    let tags = match credentials {
        "federated user" | "service" => Vec::new(),
        _ => vec![("team".to_owned(), "blue".to_owned())],
    };
    let permissions = CallerPolicies { tags, ..CallerPolicies::default() }.into();
    Caller { session: session.map(Arc::new), permissions, ..Caller::new(principal, "ASIAEXAMPLE") }
}

/// `role session by way of s3.amazonaws.com`, `service about nothing`, `long-term that states a code`.
fn context(given: &str) -> RequestContext {
    let about = "arn:aws:cloudtrail:us-east-1:111122223333:trail/t";
    let (given, services) = given.split_once(" by way of ").unwrap_or((given, ""));
    let states_a_code = given.strip_suffix(" that states a code");
    let given = states_a_code.unwrap_or(given);
    let (credentials, about) = match given.split_once(" about ") {
        Some((credentials, "nothing")) => (credentials, None),
        Some((credentials, _)) => (credentials, Some(about)),
        None => (given, (given == "service").then_some(about)),
    };
    let mut context = RequestContext::new(
        RequestId::from_random([5; 16]),
        caller(credentials),
        Region::named("us-east-1").unwrap(),
        NOW_MS,
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        String::new(),
        None,
    );
    for service in services.split(" and ") {
        context = match service {
            "s3.amazonaws.com" => context.passed_on_by("s3.amazonaws.com"),
            "cloudformation.amazonaws.com" => context.passed_on_by("cloudformation.amazonaws.com"),
            _ => context,
        };
    }
    if states_a_code.is_some() {
        let code = ConditionKeys::new().with("aws:MultiFactorAuthPresent", true);
        context.ask(code.with("aws:MultiFactorAuthAge", 0));
    }
    match about {
        Some(arn) => context.about(arn),
        None => context,
    }
}

#[test]
fn keys_of_the_session_and_of_the_way() {
    for case in cases(include_str!("session_keys.txt")) {
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": element(case.about),
        }});
        let key = Key(policy("key", &document.to_string(), Kind::Key));
        let allowed = Authority::new().authorize::<Decrypt, _>(&context(case.given), key).is_ok();
        case.expect(if allowed { "yes" } else { "no" });
    }
}

/// What an operation states of its input cannot stand in for what the credentials say.
#[test]
fn an_input_cannot_say_what_credentials_say() {
    for key in
        ["aws:TokenIssueTime", "aws:SourceIdentity", "aws:ViaAWSService", "aws:CalledVia", "aws:SourceArn"]
    {
        let condition = json!({"StringLike": {key: "forged*"}});
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition,
        }});
        let key_policy = Key(policy("key", &document.to_string(), Kind::Key));
        let context = context("long-term");
        context.ask(ConditionKeys::new().with(key, "forged"));
        assert!(Authority::new().authorize::<Decrypt, _>(&context, key_policy).is_err(), "{key}");
    }
}
