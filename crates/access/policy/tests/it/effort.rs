//! A decision's work is bounded, whatever policies and requests are made of.

use std::cell::Cell;

use serde_json::json;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{ContextKeys, Guard, Policies, Policy, Request, Subject, Values, decide, explain};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// About as many variables as fit a key policy of 32 KB.
const VARIABLES: usize = 1000;

/// An encryption context at the limit: one long value and many short names.
struct Largest {
    value: String,
    names: Vec<String>,
    looked_up: Cell<usize>,
}

impl Largest {
    fn new(value: String) -> Self {
        let names = (0..2000).map(|number| format!("{number:x}")).collect();
        Self { value, names, looked_up: Cell::default() }
    }
}

impl ContextKeys for Largest {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:encryptioncontext:a" => {
                self.looked_up.set(self.looked_up.get() + 1);
                Some(Values::text(self.value.as_str()))
            }
            "kms:encryptioncontextkeys" => Some(Values::texts(self.names.iter().map(String::as_str))),
            _ => None,
        }
    }
}

/// What comes out for the root user of an account whose key allows or denies on that condition, and otherwise lets it
/// do all.
fn decided(effect: &str, condition: &serde_json::Value, keys: &Largest) -> bool {
    let mut statements = vec![json!({
        "Effect": effect, "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition,
    })];
    if effect == "Deny" {
        statements.push(json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}));
    }
    let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let policy = Policy::new("key", &Document::parse(&document, Kind::Key).unwrap());
    let owner = "111122223333".parse().unwrap();
    let subject = Subject::root(owner);
    let request = Request { subject: &subject, action: "kms:Encrypt", resource: KEY, owner, keys };
    let policies = Policies { guard: Guard::Key(&policy), ..Policies::default() };
    let is_allowed = decide(&request, &policies).is_allowed();
    assert_eq!(explain(&request, &policies).is_allowed, is_allowed);
    // Other actions are decided as ever.
    let other = Request { action: "kms:DescribeKey", ..request };
    assert_eq!(decide(&other, &policies).is_allowed(), effect == "Deny");
    is_allowed
}

/// Each of these took seconds to minutes; what a key policy has room for is compared to the end.
#[test]
fn the_largest_key_policy_and_the_largest_context_are_compared() {
    let letters = Largest::new("a".repeat(4000));
    for operator in ["StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike"] {
        for text in
            ["${kms:EncryptionContext:a}", "*${kms:EncryptionContext:a}*", "${kms:EncryptionContext:a}?*"]
        {
            let operator = format!("ForAllValues:{operator}");
            let condition = json!({(&operator): {"kms:EncryptionContextKeys": vec![text; 700]}});
            assert!(decided("Allow", &condition, &letters), "{operator} {text}");
            assert!(!decided("Deny", &condition, &letters), "{operator} {text}");
        }
    }
}

#[test]
fn what_takes_too_much_work_is_not_allowed_and_is_denied() {
    // Patterns that nobody need fill in, against a text of which every beginning looks right.
    let almost = format!("*{}?b*", "a".repeat(4000));
    let condition = json!({"StringNotLike": {"kms:EncryptionContext:a": vec![almost; 7]}});
    let long = Largest::new("a".repeat(8000));
    assert!(!decided("Allow", &condition, &long));
    assert!(!decided("Deny", &condition, &long));
    let arns = format!("arn:aws:kms:us-east-1:111122223333:*{}?b*", "a".repeat(4000));
    let condition = json!({"ArnNotLike": {"kms:EncryptionContext:a": vec![arns; 7]}});
    let long = Largest::new(format!("arn:aws:kms:us-east-1:111122223333:{}", "a".repeat(8000)));
    assert!(!decided("Allow", &condition, &long));
    assert!(!decided("Deny", &condition, &long));
}

#[test]
fn no_more_is_filled_in_than_a_decision_may_compare() {
    let keys = Largest::new("a".repeat(400_000));
    let condition = json!({"StringNotEquals": {"kms:EncryptionContext:a": vec!["${kms:EncryptionContext:a}x"; VARIABLES]}});
    assert!(!decided("Allow", &condition, &keys));
    // Two decisions, and twice the story of each.
    assert!(keys.looked_up.get() <= 400, "{} look-ups", keys.looked_up.get());
}

#[test]
fn what_people_write_is_far_from_the_bound() {
    let keys = Largest::new("blue".to_owned());
    let names: Vec<_> = (0..2000).map(|number| format!("{number:x}")).collect();
    let condition = json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": names}});
    assert!(decided("Allow", &condition, &keys));
    let condition = json!({"StringLike": {"kms:EncryptionContext:a": vec!["*?l*u*"; 1000]}});
    assert!(decided("Allow", &condition, &keys));
}
