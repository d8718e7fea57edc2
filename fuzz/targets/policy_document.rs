//! A policy as anybody may send it: read as every kind, and what was read asked about.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{
    ContextKeys, Entity, Guard, Policies, Policy, Request, Subject, Values, decide, explain,
};

const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A request that has every key, each with its own name as its value.
struct Every;

impl ContextKeys for Every {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key.len() % 3 {
            0 => Some(Values::text(key.to_owned())),
            1 => Some(Values::texts([key.to_owned(), "1".to_owned(), String::new()])),
            _ => None,
        }
    }
}

fuzz_target!(|text: &str| {
    let Ok(owner) = "111122223333".parse() else { return };
    let role = Entity::new("arn:aws:iam::111122223333:role/app", "AROADBQP57FF2AEXAMPLE");
    for subject in [Subject::root(owner), Subject::role_session(owner, role, "session")] {
        let request =
            Request { subject: &subject, action: "kms:PutKeyPolicy", resource: ARN, owner, keys: &Every };
        for kind in [Kind::Identity, Kind::Managed, Kind::Session, Kind::Resource, Kind::Trust, Kind::Key] {
            match Document::parse(text, kind) {
                Ok(document) => {
                    let policy = Policy::new("any", &document);
                    let policies = Policies { guard: Guard::Key(&policy), ..Policies::default() };
                    let trace = explain(&request, &policies);
                    assert_eq!(trace.is_allowed, decide(&request, &policies).is_allowed());
                    drop(trace.to_string());
                }
                // A refusal can always be told.
                Err(error) => drop((error.to_string(), error.iam_message())),
            }
        }
    }
});
