//! Traces as they are kept: whole where they are short, bounded where they are not, and readable later.

use std::sync::Arc;

use strongroom_policy::decision::{KEPT_LIMIT, NotATrace, Outcome, Trace};
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{ContextKeys, Entity, Guard, Policies, Policy, Request, Subject, Values, explain};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn policy(kind: Kind, name: &str, statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::new(name, &Document::parse(&text, kind).unwrap())
}

fn key_policy() -> Policy {
    let statement = r#"{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;
    policy(Kind::Key, "key policy", statement)
}

fn alice() -> Subject {
    let entity = Entity::new("arn:aws:iam::111122223333:user/alice", "AIDACKCEVSQ6C2EXAMPLE");
    Subject::user("111122223333".parse().unwrap(), entity)
}

/// A request with one key of its own, whose values are given.
struct Context(Vec<String>);

impl ContextKeys for Context {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        (key == "kms:encryptioncontextkeys").then(|| Values::texts(self.0.iter().map(String::as_str)))
    }
}

fn traced(identity: &[Arc<Policy>], context: &Context) -> Trace {
    let (subject, key) = (alice(), key_policy());
    let owner = "111122223333".parse().unwrap();
    let request = Request { subject: &subject, action: "kms:Decrypt", resource: KEY, owner, keys: context };
    explain(&request, &Policies { identity, guard: Guard::Key(&key), ..Policies::default() })
}

fn none() -> Context {
    Context(Vec::new())
}

#[test]
fn a_trace_is_kept_as_json_and_read_back() {
    let own = policy(
        Kind::Identity,
        "inline",
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},
           {"Sid":"No","Effect":"Deny","Action":"ec2:*","Resource":"*"},
           {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
            "Condition":{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"purpose"}}}"#,
    );
    let trace = traced(&[own.into()], &Context(vec!["team".to_owned()]));
    let kept = trace.encode();
    // What was kept once is read for ever: a change of this text takes a new version.
    assert_eq!(
        kept,
        concat!(
            r#"{"version":1,"trace":{"question":"kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/1 by "#,
            r#"arn:aws:iam::111122223333:user/alice","policies":[{"layer":"resource","name":"key policy","#,
            r#""statements":[{"at":0,"sid":"Root","effect":"Allow","outcome":"appliesToAccount"}]},"#,
            r#"{"layer":"identity","name":"inline","statements":[{"at":0,"through":1,"effect":"Allow","#,
            r#""outcome":"otherActions"},{"at":2,"effect":"Allow","outcome":"condition","failed":"the condition "#,
            r#"ForAnyValue:StringEquals kms:EncryptionContextKeys [purpose] does not hold: the request has [team]"}]}],"#,
            r#""conclusion":"not allowed: no identity-based policy allows it","allowed":false}}"#,
        )
    );
    assert_eq!(Trace::decode(&kept).unwrap(), trace);
    assert_eq!(
        trace.to_string(),
        r#"kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/1 by arn:aws:iam::111122223333:user/alice
resource-based policy "key policy"
  [0] Allow (Sid "Root"): applies, to the account
identity-based policy "inline"
  [0-1]: are about other actions
  [2] Allow: the condition ForAnyValue:StringEquals kms:EncryptionContextKeys [purpose] does not hold: the request has [team]
=> not allowed: no identity-based policy allows it"#
    );
}

#[test]
fn who_has_no_policy_is_told_so() {
    let trace = traced(&[], &none());
    assert!(trace.to_string().contains("\nidentity-based policy: there is none\n=> not allowed"), "{trace}");
    assert_eq!(Trace::decode(&trace.encode()).unwrap(), trace);
}

#[test]
fn what_later_versions_write_is_passed_over_or_refused() {
    let kept = traced(&[], &none()).encode();
    let more = kept.replacen(r#"{"question""#, r#"{"mood":"good","question""#, 1);
    assert_eq!(Trace::decode(&more).unwrap(), Trace::decode(&kept).unwrap());
    let later = kept.replacen(r#""version":1"#, r#""version":2"#, 1);
    assert!(matches!(Trace::decode(&later), Err(NotATrace::Version(2))));
    assert!(matches!(Trace::decode(r#"{"version":1}"#), Err(NotATrace::Form(_))));
}

/// Twenty policies of fifty statements, all of which fail on a condition but one that denies, and it is the last.
#[test]
fn what_decides_is_kept_of_the_largest_policies() {
    let failing = r#"{"Effect":"Allow","Action":"kms:*","Resource":"*",
        "Condition":{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["a","b","c"]}}}"#;
    let mut identity: Vec<Arc<Policy>> = (0..20)
        .map(|number| policy(Kind::Identity, &format!("p{number}"), &[failing; 50].join(",")).into())
        .collect();
    let deny = r#"{"Sid":"Stop","Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#;
    identity.push(policy(Kind::Identity, "last", deny).into());
    let whole = traced(&identity, &Context(vec!["x".repeat(4000)]));
    let kept = whole.encode();
    assert!(kept.len() <= KEPT_LIMIT, "{}", kept.len());
    let trace = Trace::decode(&kept).unwrap();
    let applying: Vec<_> = trace
        .policies
        .iter()
        .flat_map(|policy| policy.statements.iter().map(|it| (policy.name.as_deref(), it)))
        .filter(|(_, statement)| statement.outcome.applies())
        .map(|(name, statement)| (name.unwrap(), statement.outcome))
        .collect();
    assert_eq!(applying, [("key policy", Outcome::AppliesToAccount), ("last", Outcome::Applies)]);
    let shown: usize = trace.policies.iter().map(|policy| policy.statements.len()).sum();
    assert!(shown > 10, "there is room for some that do not apply: {shown}");
    assert_eq!(shown + trace.left_out, 1002);
    assert_eq!((&trace.question, &trace.conclusion), (&whole.question, &whole.conclusion));
    assert!(
        trace.to_string().contains("more statements do not decide and are not shown)\n=> denied by"),
        "{trace}"
    );
}

#[test]
fn of_long_lists_and_values_the_beginning_is_shown() {
    let own = policy(
        Kind::Identity,
        "inline",
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
            "Condition":{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"none of them"}}}"#,
    );
    let values = std::iter::once("é".repeat(200)).chain((0..20).map(|number| format!("v{number}")));
    let trace = traced(&[own.into()], &Context(values.collect())).to_string();
    let expected =
        format!("the request has [{}..., v0, v1, v2, v3, v4, v5, v6, and 13 more]\n", "é".repeat(128));
    assert!(trace.contains(&expected), "{trace}");
}

/// Through the front: who is refused leaves a trace, who is allowed leaves none.
mod of_calls {
    use std::net::{IpAddr, Ipv4Addr};

    use strongroom_identity::{AccountId, Action, Caller, Principal, Region, RequestContext, RequestId};
    use strongroom_policy::{Authority, Everything, Resource};

    use super::*;

    struct ListKeys;

    impl Action for ListKeys {
        const NAME: &'static str = "kms:ListKeys";
    }

    /// What nobody of another account can do anything to.
    struct Own;

    impl Resource for Own {
        fn owner(&self) -> AccountId {
            "444455556666".parse().unwrap()
        }

        fn arn(&self) -> String {
            "*".to_owned()
        }

        fn serves_others(&self, _: &str) -> bool {
            false
        }
    }

    fn context(principal: Principal) -> RequestContext {
        RequestContext::new(
            RequestId::from_random([5; 16]),
            Caller::new(principal, String::new()),
            Region::named("eu-west-1").unwrap(),
            1_700_000_000_123,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            String::new(),
            None,
        )
    }

    fn traces_of(principal: Principal, resource: impl Resource) -> Vec<String> {
        let context = context(principal);
        let allowed = Authority::new().authorize::<ListKeys, _>(&context, resource).is_ok();
        let traces = context.take_notes().decisions;
        assert_eq!(allowed, traces.is_empty());
        traces.iter().map(|kept| Trace::decode(&kept.trace).unwrap()).map(|trace| trace.to_string()).collect()
    }

    #[test]
    fn refusals_leave_their_trace_and_permissions_none() {
        let account: AccountId = "111122223333".parse().unwrap();
        let user = strongroom_identity::Entity {
            account,
            path: "/".into(),
            name: "alice".into(),
            id: "AIDACKCEVSQ6C2EXAMPLE".into(),
        };
        assert!(traces_of(Principal::Root(account), Everything(account)).is_empty());
        assert_eq!(
            traces_of(Principal::User(user), Everything(account)),
            [
                "kms:ListKeys on * by arn:aws:iam::111122223333:user/alice\nidentity-based policy: there is none\n\
              => not allowed: no identity-based policy allows it"
            ]
        );
        let [trace] = traces_of(Principal::Root(account), Own).try_into().unwrap();
        assert!(
            trace.ends_with(
                "=> not allowed: nobody of another account can do this, whatever the policies say"
            )
        );
    }
}
