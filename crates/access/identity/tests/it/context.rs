//! A request's context, and the notes that operations leave in it.

use std::net::{IpAddr, Ipv4Addr};

use strongroom_identity::{
    Caller, DecisionNote, NoteValue, Principal, Region, RequestContext, RequestId, Tls, TouchedResource,
};

fn context() -> RequestContext {
    let caller = Caller::new(Principal::Root("111122223333".parse().unwrap()), "AKIA".to_owned());
    let tls = Tls { version: "TLSv1.3", cipher_suite: "TLS_AES_256_GCM_SHA384", host: None };
    RequestContext::new(
        RequestId::from_random([5; 16]),
        caller,
        Region::named("eu-central-1").unwrap(),
        1,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        "tests".to_owned(),
        Some(tls),
    )
}

fn touched(account: &str, kind: &'static str, arn: &str) -> TouchedResource {
    TouchedResource { account: account.to_owned(), kind, arn: arn.to_owned() }
}

#[test]
fn it_acts_in_the_callers_account() {
    assert_eq!(context().account().to_string(), "111122223333");
}

#[test]
fn resources_are_noted_once_in_the_order_of_the_first_touch() {
    let context = context();
    let (own, other) = ("111122223333".parse().unwrap(), "444455556666".parse().unwrap());
    context.touched("AWS::KMS::Key", own, "arn:1");
    context.touched("AWS::KMS::Alias", own, "arn:2");
    context.touched("AWS::KMS::Key", own, "arn:1");
    // Different in one thing is different.
    context.touched("AWS::KMS::Key", other, "arn:1");
    context.touched("AWS::KMS::Key", own, String::from("arn:2"));
    let expected = [
        touched("111122223333", "AWS::KMS::Key", "arn:1"),
        touched("111122223333", "AWS::KMS::Alias", "arn:2"),
        touched("444455556666", "AWS::KMS::Key", "arn:1"),
        touched("111122223333", "AWS::KMS::Key", "arn:2"),
    ];
    assert_eq!(context.take_notes().resources, expected);
}

#[test]
fn defaults_and_additions_keep_their_order_and_kind() {
    let context = context();
    context.defaulted("origin", "AWS_KMS");
    context.defaulted("bypassPolicyLockoutSafetyCheck", false);
    context.additional("keyMaterialId", "00ff");
    context.additional("flag", true);
    let notes = context.take_notes();
    let text = |text: &str| NoteValue::Text(text.to_owned());
    assert_eq!(
        notes.defaults,
        [("origin", text("AWS_KMS")), ("bypassPolicyLockoutSafetyCheck", NoteValue::Flag(false))]
    );
    assert_eq!(notes.additional, [("keyMaterialId", text("00ff")), ("flag", NoteValue::Flag(true))]);
}

#[test]
fn notes_are_taken_once() {
    let context = context();
    context.touched("AWS::KMS::Key", context.account(), "arn:1");
    assert_eq!(context.take_notes().resources.len(), 1);
    assert!(context.take_notes().resources.is_empty());
    context.additional("late", "note");
    assert_eq!(context.take_notes().additional.len(), 1);
}

#[test]
fn notes_come_from_many_threads() {
    let context = context();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..100 {
                    context.touched("AWS::KMS::Key", context.account(), format!("arn:{number}"));
                    context.additional("flag", true);
                }
            });
        }
    });
    let notes = context.take_notes();
    assert_eq!((notes.resources.len(), notes.additional.len()), (100, 800));
}

/// The traces that are kept of decisions made one after the other; those in capitals refused.
fn kept_of(traces: &str) -> String {
    let context = context();
    for letter in traces.chars() {
        context.decided(DecisionNote { trace: letter.to_string(), is_allowed: letter.is_lowercase() });
    }
    let kept = context.take_notes().decisions;
    assert!(context.take_notes().decisions.is_empty());
    kept.into_iter().map(|decision| decision.trace).collect()
}

#[test]
fn decisions_are_few_and_each_counts_once() {
    assert_eq!(kept_of("abacde"), "abcd");
    assert_eq!(kept_of("ABACDE"), "ABCD");
}

#[test]
fn a_decision_that_refused_has_a_place_among_those_that_allowed() {
    assert_eq!(kept_of("abcdeF"), "abcF");
    assert_eq!(kept_of("abcdFGfH"), "aFGH");
    assert_eq!(kept_of("AbcdE"), "AbcE");
}
