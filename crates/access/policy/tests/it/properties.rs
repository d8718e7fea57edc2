//! What holds of every decision, whatever the policies and the grants.

use std::sync::Arc;

use proptest::prelude::*;
use strongroom_policy::document::{Document, Kind, NamedPrincipal};
use strongroom_policy::{
    ContextKeys, Decision, Entity, Grant, Guard, Layer, Policies, Policy, Request, Subject, Values, decide,
    explain,
};

pub(crate) const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

/// Operators that hold of nothing where the key is absent.
pub(crate) const POSITIVE: [&str; 12] = [
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "NumericEquals",
    "NumericLessThan",
    "DateGreaterThan",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "ArnLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringNotLike",
];

/// A request with the keys `a:one` and, of several values, `a:many`.
struct Some2;

impl ContextKeys for Some2 {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "a:one" => Some(Values::text("1")),
            "a:many" => Some(Values::texts(["1", "2"])),
            _ => None,
        }
    }
}

fn subject() -> impl Strategy<Value = Subject> {
    let account = |text: &str| text.parse().unwrap();
    let user = || Entity::new("arn:aws:iam::111122223333:user/a", "AIDACKCEVSQ6C2EXAMPLE");
    let role = || Entity::new("arn:aws:iam::111122223333:role/r", "AROADBQP57FF2AEXAMPLE");
    let mine = "111122223333";
    prop::sample::select(vec![
        Subject::root(account(mine)),
        Subject::user(account(mine), user()),
        Subject::role_session(account(mine), role(), "s1"),
        Subject::federated_user(account(mine), "bob", Some(user())),
        Subject::root(account("444455556666")),
        Subject::service("logs.amazonaws.com", None),
        Subject::anonymous(),
    ])
}

fn condition() -> impl Strategy<Value = String> {
    let operators = POSITIVE.iter().copied().chain([
        "StringNotEquals",
        "NumericNotEqualsIfExists",
        "ForAllValues:StringLike",
        "Null",
    ]);
    let operator = prop::sample::select(operators.collect::<Vec<_>>());
    let key = prop::sample::select(vec!["a:one", "a:many", "a:none", "aws:PrincipalArn", "aws:userid"]);
    let values = prop::sample::select(vec!["\"1\"", "[\"1\",\"2\"]", "[]", "\"*\"", "true", "\"${a:one}\""]);
    prop_oneof![
        2 => Just(String::new()),
        1 => (operator, key, values)
            .prop_map(|(operator, key, values)| format!(r#","Condition":{{"{operator}":{{"{key}":{values}}}}}"#)),
    ]
}

fn statement(effect: &'static str, names: bool) -> impl Strategy<Value = String> {
    let principal = prop::sample::select(vec![
        r#""*""#,
        r#"{"AWS":"111122223333"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:user/a"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:role/r"}"#,
        r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/r/s1"}"#,
        r#"{"AWS":["444455556666","AIDACKCEVSQ6C2EXAMPLE"]}"#,
        r#"{"Service":"logs.amazonaws.com"}"#,
    ]);
    let action = prop::sample::select(vec![
        r#""Action":"kms:*""#,
        r#""Action":["kms:Decrypt","s3:*"]"#,
        r#""NotAction":"s3:*""#,
        r#""Action":"s3:*""#,
    ]);
    let resource = prop::sample::select(vec![
        r#""Resource":"*""#,
        r#""Resource":"arn:aws:kms:*:*:key/?""#,
        r#""NotResource":"arn:aws:s3:::*""#,
        r#""Resource":"arn:aws:kms:*:*:key/${a:one}""#,
        r#""Resource":"arn:aws:kms:*:*:key/${a:none}""#,
    ]);
    (principal, action, resource, condition()).prop_map(move |(principal, action, resource, condition)| {
        let principal = if names { format!(r#""Principal":{principal},"#) } else { String::new() };
        format!(r#"{{"Effect":"{effect}",{principal}{action},{resource}{condition}}}"#)
    })
}

fn statements(names: bool) -> impl Strategy<Value = Vec<String>> {
    let one = prop_oneof![3 => statement("Allow", names).boxed(), 1 => statement("Deny", names).boxed()];
    prop::collection::vec(one, 1..4)
}

fn policy(statements: &[String], kind: Kind) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    Policy::new("any", &Document::parse(&text, kind).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Everything that has a say.
#[derive(Debug)]
pub(crate) struct World {
    subject: Subject,
    pub(crate) identity: Vec<Arc<Policy>>,
    pub(crate) boundary: Option<Policy>,
    pub(crate) session: Option<Vec<Arc<Policy>>>,
    pub(crate) attached: Policy,
    guard: u8,
    /// Grantees, and whether the constraints are kept.
    grants: Vec<(NamedPrincipal, bool)>,
}

fn grantee() -> impl Strategy<Value = NamedPrincipal> {
    let named = |text: &str| NamedPrincipal::parse_aws(text).unwrap();
    prop::sample::select(vec![
        named("111122223333"),
        named("444455556666"),
        named("arn:aws:iam::111122223333:user/a"),
        named("arn:aws:iam::111122223333:role/r"),
        named("arn:aws:sts::111122223333:assumed-role/r/s1"),
        NamedPrincipal::Service("logs.amazonaws.com".to_owned()),
    ])
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let own = || statements(false).prop_map(|statements| policy(&statements, Kind::Identity));
    let several = || prop::collection::vec(own().prop_map(Arc::new), 0..3);
    let attached = statements(true).prop_map(|statements| policy(&statements, Kind::Key));
    let grants = prop::collection::vec((grantee(), any::<bool>()), 0..3);
    let limits = (prop::option::of(own()), prop::option::of(several()));
    (subject(), several(), limits, attached, 0..3_u8, grants).prop_map(
        |(subject, identity, (boundary, session), attached, guard, grants)| World {
            subject,
            identity,
            boundary,
            session,
            attached,
            guard,
            grants,
        },
    )
}

impl World {
    fn policies(&self) -> Policies<'_> {
        let guard = match self.guard {
            0 => Guard::None,
            1 => Guard::Policy(&self.attached),
            _ => Guard::Key(&self.attached),
        };
        Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: self.session.as_deref(),
            guard,
            grants: &[],
        }
    }

    fn grants(&self) -> Vec<Grant<'_>> {
        self.grants
            .iter()
            .map(|(grantee, holds)| Grant {
                id: "grant",
                grantee,
                actions: &["kms:Decrypt"],
                unmet: (!holds).then_some("EncryptionContextEquals"),
            })
            .collect()
    }

    fn request(&self) -> Request<'_> {
        Request {
            subject: &self.subject,
            action: "kms:Decrypt",
            resource: ARN,
            owner: "111122223333".parse().unwrap(),
            keys: &Some2,
        }
    }
}

pub(crate) fn one(text: &str, kind: Kind) -> Policy {
    policy(&[text.to_owned()], kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// IAM User Guide, "Policy evaluation logic": an explicit deny in any policy overrides every allow.
    #[test]
    fn a_deny_always_wins(world in world(), layer in 0..4) {
        let deny = Arc::new(one(r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#, Kind::Identity));
        let attached =
            one(r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#, Kind::Key);
        let mut identity = world.identity.clone();
        let mut session = world.session.clone().unwrap_or_default();
        identity.push(deny.clone());
        session.push(deny.clone());
        let grants = world.grants();
        let mut policies = Policies { grants: &grants, ..world.policies() };
        match layer {
            0 => policies.identity = &identity,
            1 => policies.boundary = Some(&deny),
            2 => policies.session = Some(&session),
            _ => policies.guard = Guard::Key(&attached),
        }
        let denied = matches!(decide(&world.request(), &policies), Decision::ExplicitlyDenied { .. });
        prop_assert!(denied);
    }

    /// IAM User Guide, "Permissions boundaries for IAM entities": a boundary grants nothing. So it is with the
    /// policies of a session.
    #[test]
    fn boundaries_and_sessions_never_add(world in world()) {
        let grants = world.grants();
        let policies = Policies { grants: &grants, ..world.policies() };
        let with = decide(&world.request(), &policies).is_allowed();
        let without_boundary = Policies { boundary: None, ..policies };
        let without_session = Policies { session: None, ..policies };
        prop_assert!(!with || decide(&world.request(), &without_boundary).is_allowed());
        prop_assert!(!with || decide(&world.request(), &without_session).is_allowed());
    }

    /// IAM User Guide, "Condition operators": a key that a request does not have matches nothing.
    #[test]
    fn an_unknown_key_never_grants(
        world in world(),
        operator in prop::sample::select(&POSITIVE[..]),
        if_any in "[a-z]{1,8}",
    ) {
        let condition = format!(r#""Condition":{{"{operator}":{{"unknown:{if_any}":["1","*",""]}}}}"#);
        let allow = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*",{condition}}}"#);
        let granting = format!(r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",{condition}}}"#);
        let identity = [Arc::new(one(&allow, Kind::Identity))];
        let attached = one(&granting, Kind::Key);
        let policies = Policies {
            identity: &identity,
            guard: Guard::Key(&attached),
            ..Policies::default()
        };
        prop_assert!(!decide(&world.request(), &policies).is_allowed());
    }

    /// Who asks why learns what was decided, and every statement is accounted for.
    #[test]
    fn a_trace_is_of_the_same_decision(world in world()) {
        let grants = world.grants();
        let (request, policies) = (world.request(), Policies { grants: &grants, ..world.policies() });
        let (decision, trace) = (decide(&request, &policies), explain(&request, &policies));
        prop_assert_eq!(trace.is_allowed, decision.is_allowed());
        let statements: Vec<_> = trace.policies.iter().flat_map(|policy| &policy.statements).collect();
        let denies = statements
            .iter()
            .any(|statement| statement.outcome.applies() && statement.effect == strongroom_policy::document::Effect::Deny);
        prop_assert_eq!(denies, matches!(decision, Decision::ExplicitlyDenied { .. }));
    }

    /// Policies that allow more allow no less.
    #[test]
    fn an_allow_more_takes_nothing_away(world in world()) {
        let mut identity = world.identity.clone();
        identity.push(Arc::new(Policy::allowing("more", &["*"])));
        let more = Policies { identity: &identity, ..world.policies() };
        let before = decide(&world.request(), &world.policies()).is_allowed();
        prop_assert!(!before || decide(&world.request(), &more).is_allowed());
    }

    /// KMS Developer Guide, "Grants in AWS KMS": a grant only ever adds, and only to its grantee; one whose constraints
    /// are not kept does nothing.
    #[test]
    fn grants_only_add_and_only_for_their_grantees(world in world()) {
        let (request, without) = (world.request(), world.policies());
        let grants = world.grants();
        let with = Policies { grants: &grants, ..without };
        let (before, after) = (decide(&request, &without), decide(&request, &with));
        prop_assert!(!before.is_allowed() || after == before);
        let of_nobody: Vec<_> = grants
            .iter()
            .copied()
            .filter(|grant| grant.unmet.is_some() || *grant.grantee == NamedPrincipal::parse_aws("444455556666").unwrap())
            .collect();
        if world.subject.account().is_none_or(|account| account.to_string() != "444455556666") {
            prop_assert_eq!(decide(&request, &Policies { grants: &of_nobody, ..without }), before);
        }
        let by_grant = matches!(after, Decision::Allowed { layer: Layer::Grant, .. });
        prop_assert_eq!(after.is_allowed() && !before.is_allowed(), by_grant);
    }
}
