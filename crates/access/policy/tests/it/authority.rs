//! From a request's context to the decision: where condition keys come from, and whom a resource lets in.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_identity::{
    AccountId, Action, Caller, ConditionKeys, Principal, Region, RequestContext, RequestId, Tls,
};
use strongroom_policy::decision::Trace;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{Authority, Guard, MessageSealer, Policy, Resource, Values, services};

const ACCOUNT: &str = "111122223333";
const STRANGER: &str = "444455556666";

struct Decrypt;

impl Action for Decrypt {
    const NAME: &'static str = "kms:Decrypt";
}

struct CreateNetworkInterface;

impl Action for CreateNetworkInterface {
    const NAME: &'static str = "ec2:CreateNetworkInterface";
}

/// A key of the first account, with a tag and a policy.
struct Key {
    policy: Policy,
}

impl Resource for Key {
    fn owner(&self) -> AccountId {
        ACCOUNT.parse().unwrap()
    }

    fn arn(&self) -> String {
        "arn:aws:kms:us-east-1:111122223333:key/1".to_owned()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.policy)
    }

    fn serves_others(&self, action: &str) -> bool {
        action == "kms:Decrypt"
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        match key {
            "aws:resourcetag/team" => Some(Values::text("blue")),
            "kms:calleraccount" => Some(Values::text(context.account().to_string())),
            "example:input" => Some(Values::text("of the resource")),
            _ => None,
        }
    }
}

fn key(statements: &str) -> Key {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Key { policy: Policy::new("key", &Document::parse(&text, Kind::Key).unwrap()) }
}

/// A key that everybody may use on that condition.
fn key_on(condition: &str) -> Key {
    key(&format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{condition}}}"#
    ))
}

fn context(principal: Principal, tls: bool) -> RequestContext {
    let tls = tls.then_some(Tls { version: "TLSv1.3", cipher_suite: "", host: None });
    RequestContext::new(
        RequestId::from_random([5; 16]),
        Caller::new(principal, String::new()),
        Region::named("eu-west-1").unwrap(),
        1_700_000_000_123,
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        "a client".to_owned(),
        tls,
    )
}

fn root(account: &str) -> RequestContext {
    context(Principal::Root(account.parse().unwrap()), true)
}

fn service(name: &'static str, account: &str) -> RequestContext {
    context(Principal::Service { account: account.parse().unwrap(), name }, false)
}

fn may<A: Action>(context: &RequestContext, key: Key) -> bool {
    let explained = Authority::new().explain::<A, _>(context, &key).is_allowed;
    let authorized = Authority::new().authorize::<A, _>(context, key).is_ok();
    assert_eq!(authorized, explained);
    authorized
}

#[test]
fn what_is_known_of_a_call_is_what_conditions_see() {
    let table = [
        (r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, true),
        (r#"{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, true),
        (r#"{"DateEquals":{"aws:CurrentTime":"2023-11-14T22:13:20.123Z"}}"#, true),
        (r#"{"StringEquals":{"aws:CurrentTime":"2023-11-14T22:13:20Z"}}"#, true),
        (r#"{"NumericEquals":{"aws:EpochTime":"1700000000"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#, true),
        (r#"{"StringEquals":{"aws:UserAgent":"a client"}}"#, true),
        (r#"{"Bool":{"aws:ViaAWSService":"false"}}"#, true),
        (r#"{"StringEquals":{"aws:ResourceTag/Team":"blue"}}"#, true),
        (r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#, true),
        (r#"{"StringEquals":{"aws:username":"root"}}"#, false),
        (r#"{"StringEquals":{"example:other":"x"}}"#, false),
    ];
    for (condition, allowed) in table {
        assert_eq!(may::<Decrypt>(&root(ACCOUNT), key_on(condition)), allowed, "{condition}");
    }
}

#[test]
fn what_the_input_says_counts_until_it_is_said_anew() {
    let says = |value: &str| key_on(&format!(r#"{{"StringEquals":{{"example:Input":"{value}"}}}}"#));
    let context = root(ACCOUNT);
    assert!(may::<Decrypt>(&context, says("of the resource")));
    context.ask(ConditionKeys::new().with("Example:INPUT", "first"));
    assert!(may::<Decrypt>(&context, says("first")));
    assert!(!may::<Decrypt>(&context, says("of the resource")));
    context.ask(ConditionKeys::new().with("example:input", "second").with("example:n", 7));
    assert!(may::<Decrypt>(&context, says("second")));
    assert!(may::<Decrypt>(&context, key_on(r#"{"NumericEquals":{"example:n":7}}"#)));
    // Names that differ in case only are one key with several values: none hides the other.
    let both = ConditionKeys::new().with("example:Input", "a").with("example:input", "b");
    context.ask(both);
    assert!(!may::<Decrypt>(&context, says("a")) && !may::<Decrypt>(&context, says("b")));
    let any = key_on(r#"{"ForAnyValue:StringEquals":{"example:input":"b"}}"#);
    assert!(may::<Decrypt>(&context, any));
}

#[test]
fn a_root_user_is_let_in_by_the_policy_alone() {
    let to = |principal: &str| {
        key(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}"#))
    };
    assert!(may::<Decrypt>(&root(ACCOUNT), to(r#"{"AWS":"111122223333"}"#)));
    assert!(!may::<Decrypt>(&root(ACCOUNT), to(r#"{"AWS":"arn:aws:iam::111122223333:user/alice"}"#)));
    assert!(may::<Decrypt>(&root(STRANGER), to(r#"{"AWS":["111122223333","444455556666"]}"#)));
    assert!(!may::<Decrypt>(&root(STRANGER), to(r#"{"AWS":"111122223333"}"#)));
}

#[test]
fn some_actions_are_not_for_others_whatever_the_policy_says() {
    let everybody = || key(r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#);
    assert!(may::<CreateNetworkInterface>(&root(ACCOUNT), everybody()));
    let refused = Authority::new().authorize::<CreateNetworkInterface, _>(&root(STRANGER), everybody());
    assert_eq!(
        refused.err().map(|denied| denied.to_string()).as_deref(),
        Some(
            "User: arn:aws:iam::444455556666:root is not authorized to perform: ec2:CreateNetworkInterface on \
             resource: arn:aws:kms:us-east-1:111122223333:key/1 because no resource-based policy allows the \
             ec2:CreateNetworkInterface action"
        )
    );
}

#[test]
fn services_are_let_in_by_name_or_act_within_their_role() {
    let named = || {
        key(
            r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:*","Resource":"*",
                "Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}"#,
        )
    };
    assert!(may::<Decrypt>(&service("cloudtrail.amazonaws.com", ACCOUNT), named()));
    // A confused deputy works for somebody else.
    assert!(!may::<Decrypt>(&service("cloudtrail.amazonaws.com", STRANGER), named()));
    assert!(!may::<Decrypt>(&service("logs.amazonaws.com", ACCOUNT), named()));

    let delegating =
        || key(r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}"#);
    assert!(may::<CreateNetworkInterface>(&service(services::CLOUDHSM, ACCOUNT), delegating()));
    assert!(!may::<Decrypt>(&service(services::CLOUDHSM, ACCOUNT), delegating()));
    assert!(!may::<CreateNetworkInterface>(&service(services::CLOUDHSM, STRANGER), delegating()));
    // From within there is no address that could be inside or outside of anything.
    let from_outside = key_on(r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#);
    assert!(!may::<Decrypt>(&service("logs.amazonaws.com", ACCOUNT), from_outside));
}

#[test]
fn some_services_have_a_name_in_each_region() {
    let named = |name: &str| {
        key(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"{name}"}},"Action":"kms:*","Resource":"*",
                "Condition":{{"ForAnyValue:StringEquals":{{"aws:PrincipalServiceNamesList":"{name}"}}}}}}"#
        ))
    };
    let region = service(services::LOGS, ACCOUNT).region.name();
    for name in [services::LOGS.to_owned(), format!("logs.{region}.amazonaws.com")] {
        assert!(may::<Decrypt>(&service(services::LOGS, ACCOUNT), named(&name)), "{name}");
    }
    assert!(!may::<Decrypt>(&service(services::LOGS, ACCOUNT), named("logs.af-south-1.amazonaws.com")));
    let trails = service("cloudtrail.amazonaws.com", ACCOUNT);
    assert!(!may::<Decrypt>(&trails, named(&format!("cloudtrail.{region}.amazonaws.com"))));
}

#[test]
fn a_resource_admits_whom_it_names_and_does_not_deny() {
    let admits = |context: &RequestContext, statements: &str| {
        Authority::new().admits::<Decrypt, _>(context, &key(statements))
    };
    let allow = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*",
        "Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
    assert!(admits(&root(ACCOUNT), allow));
    assert!(admits(&root(ACCOUNT), &format!("{allow},{deny}")));
    let in_the_clear = context(Principal::Root(ACCOUNT.parse().unwrap()), false);
    assert!(!admits(&in_the_clear, &format!("{allow},{deny}")));
    assert!(!admits(&root(STRANGER), allow));
    // A service of the account is admitted; whether its role lets it is another question.
    assert!(admits(&service(services::CLOUDHSM, ACCOUNT), allow));
}

/// Seals by writing down for whom.
struct Plain;

impl MessageSealer for Plain {
    fn seal(&self, account: AccountId, message: &str) -> Option<String> {
        Some(format!("{account} {message}"))
    }
}

#[test]
fn a_refusal_is_kept_with_its_story_and_an_allowed_call_only_if_asked_for() {
    let traces = |authority: &Authority, statements: &str| {
        let context = root(ACCOUNT);
        let allowed = authority.authorize::<Decrypt, _>(&context, key(statements)).is_ok();
        (allowed, context.take_notes().decisions)
    };
    let allow = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    let (allowed, kept) = traces(&Authority::new(), allow);
    assert!(allowed && kept.is_empty());
    let (allowed, kept) = traces(&Authority::new(), &format!("{allow},{deny}"));
    assert!(!allowed);
    let trace = Trace::decode(&kept[0].trace).unwrap();
    assert!(
        !kept[0].is_allowed && !trace.is_allowed && trace.to_string().contains("denied by statement 1"),
        "{trace}"
    );
    let (allowed, kept) = traces(&Authority::new().keeping_all(true), allow);
    assert!(allowed && kept[0].is_allowed && Trace::decode(&kept[0].trace).unwrap().is_allowed);
}

#[test]
fn a_refusal_carries_what_can_be_decoded_if_there_is_somebody_to_seal_it() {
    let nobody = || key(r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#);
    let refused = |authority: Authority, context: &RequestContext| {
        authority.authorize::<Decrypt, _>(context, nobody()).err().unwrap()
    };
    assert_eq!(refused(Authority::new(), &root(ACCOUNT)).encoded_message(), None);
    let authority = Authority::new().sealing(Arc::new(Plain));
    let context = root(ACCOUNT);
    let denied = refused(authority.clone(), &context);
    let message = denied.encoded_message().unwrap();
    assert_eq!(context.take_notes().authorization_message.as_deref(), Some(message));
    let json = message.strip_prefix("111122223333 ").unwrap();
    assert!(json.contains(r#""explicitDeny":true"#), "{json}");
    assert!(!denied.to_string().contains("111122223333 {"), "the text is without it");
    // The policy of a key of another account is not its callers' to read.
    let context = root(STRANGER);
    assert_eq!(refused(authority, &context).encoded_message(), None);
    assert_eq!(context.take_notes().authorization_message, None);
}
