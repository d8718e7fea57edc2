//! The root user of an account: everything of its own, nothing of others.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_identity::{AccountId, Action, Caller, Principal, Region, RequestContext, RequestId};
use strongroom_policy::{Authority, Authorized, Denied, Everything, Resource};

const ACCOUNT: &str = "111122223333";
const STRANGER: &str = "444455556666";

#[derive(Debug)]
struct Decrypt;

impl Action for Decrypt {
    const NAME: &'static str = "kms:Decrypt";
}

#[derive(Debug)]
struct ListKeys;

impl Action for ListKeys {
    const NAME: &'static str = "kms:ListKeys";
}

/// A key of the first account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key;

impl Resource for Key {
    fn owner(&self) -> AccountId {
        ACCOUNT.parse().unwrap()
    }

    fn arn(&self) -> String {
        "arn:aws:kms:us-east-1:111122223333:key/1".to_owned()
    }
}

fn root_of(account: &str) -> RequestContext {
    let caller = Caller::new(Principal::Root(account.parse().unwrap()), "AKIA".to_owned());
    RequestContext::new(
        RequestId::from_random([5; 16]),
        caller,
        Region::named("us-east-1").unwrap(),
        0,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        String::new(),
        None,
    )
}

fn denied<A: Action, R: Resource>(account: &str, resource: R) -> String {
    let decision: Result<Authorized<A, R>, Denied> = Authority::new().authorize(&root_of(account), resource);
    decision.err().expect("it is denied").to_string()
}

#[test]
fn what_is_its_own_is_allowed_and_handed_back() {
    let authority = Authority::new();
    let key: Authorized<Decrypt, _> = authority.authorize(&root_of(ACCOUNT), Key).unwrap();
    assert_eq!(key.resource(), &Key);
    assert_eq!(key.into_resource(), Key);

    let shared = Arc::new(Key);
    let key: Authorized<Decrypt, _> = authority.authorize(&root_of(ACCOUNT), shared.clone()).unwrap();
    assert!(Arc::ptr_eq(key.resource(), &shared), "the same, not a copy");

    let own = Everything(ACCOUNT.parse().unwrap());
    let all: Authorized<ListKeys, _> = authority.authorize(&root_of(ACCOUNT), own).unwrap();
    assert_eq!(all.resource().0.to_string(), ACCOUNT);
}

/// IAM User Guide, "Troubleshoot access denied error messages"; the form that KMS gives across accounts.
#[test]
fn what_is_anothers_is_denied_in_aws_words() {
    let text = "User: arn:aws:iam::444455556666:root is not authorized to perform: kms:Decrypt on resource: \
                arn:aws:kms:us-east-1:111122223333:key/1 because no resource-based policy allows the kms:Decrypt \
                action";
    assert_eq!(denied::<Decrypt, _>(STRANGER, Key), text);
    assert_eq!(denied::<Decrypt, _>(STRANGER, Arc::new(Key)), text);
    assert_eq!(
        denied::<ListKeys, _>(STRANGER, Everything(ACCOUNT.parse().unwrap())),
        "User: arn:aws:iam::444455556666:root is not authorized to perform: kms:ListKeys on resource: * because no \
         resource-based policy allows the kms:ListKeys action"
    );
}

#[test]
fn accounts_are_equal_in_all_digits_or_not_at_all() {
    for account in ["111122223334", "011122223333", "000000000000", "333322221111"] {
        assert!(denied::<Decrypt, _>(account, Key).contains(account));
    }
}

#[test]
fn a_decision_leaves_no_note() {
    for account in [ACCOUNT, STRANGER] {
        let context = root_of(account);
        let _: Result<Authorized<Decrypt, _>, _> = Authority::new().authorize(&context, Key);
        let notes = context.take_notes();
        assert!(notes.resources.is_empty() && notes.defaults.is_empty() && notes.additional.is_empty());
    }
}
