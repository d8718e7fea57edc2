//! Policy variables are filled in once for a decision, however many values of the request they are compared with.

use std::cell::Cell;

use serde_json::json;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{ContextKeys, Guard, Policies, Policy, Request, Subject, Values, decide};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const VARIABLES: usize = 40;

/// A request with many names in its encryption context, that counts how often it is asked for one value.
struct Counting {
    names: Vec<String>,
    looked_up: Cell<usize>,
}

impl ContextKeys for Counting {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:encryptioncontext:a" => {
                self.looked_up.set(self.looked_up.get() + 1);
                Some(Values::text("name-7"))
            }
            "kms:encryptioncontextkeys" => Some(Values::texts(self.names.iter().map(String::as_str))),
            _ => None,
        }
    }
}

fn decided(operator: &str, names: usize) -> (bool, usize) {
    let condition =
        json!({(operator): {"kms:EncryptionContextKeys": vec!["${kms:EncryptionContext:a}"; VARIABLES]}});
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition,
    }]});
    let policy = Policy::new("key", &Document::parse(&document.to_string(), Kind::Key).unwrap());
    let keys = Counting {
        names: (0..names).map(|number| format!("name-{number}")).collect(),
        looked_up: Cell::default(),
    };
    let owner = "111122223333".parse().unwrap();
    let subject = Subject::root(owner);
    let request = Request { subject: &subject, action: "kms:Encrypt", resource: KEY, owner, keys: &keys };
    let policies = Policies { guard: Guard::Key(&policy), ..Policies::default() };
    (decide(&request, &policies).is_allowed(), keys.looked_up.get())
}

#[test]
fn more_values_of_a_request_cost_no_more_filling_in() {
    for operator in ["StringEquals", "StringEqualsIgnoreCase", "StringLike"] {
        let any = format!("ForAnyValue:{operator}");
        let (allowed, few) = decided(&any, 8);
        assert!(allowed, "{any}: name-7 is among them");
        assert!(few <= 2 * VARIABLES, "{any}: {few} look-ups");
        let (allowed, many) = decided(&any, 800);
        assert!(allowed);
        assert_eq!(many, few, "{any}");
        let (allowed, none) = decided(&any, 7);
        assert!(!allowed, "{any}: name-7 is not among them");
        assert_eq!(none, few);
        assert!(!decided(&format!("ForAllValues:{operator}"), 8).0);
    }
}
