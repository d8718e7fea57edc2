//! What IAM says of documents that it does not take, and what services say to those whom they refuse.

use strongroom_policy::document::{Document, Kind};

use super::cases;

pub(super) const TABLES: &[&str] = &[include_str!("texts.txt")];

/// The kind is at the margin; the document is the case.
#[test]
fn malformed_documents() {
    for case in cases(include_str!("texts.txt")) {
        let kind = match case.about {
            "inline" => Kind::Identity,
            "managed" => Kind::Managed,
            "session" => Kind::Session,
            "trust" => Kind::Trust,
            "resource" => Kind::Resource,
            other => panic!("{other} is no kind"),
        };
        let text = match case.given.strip_prefix('+') {
            Some(statement) => format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#),
            None => case.given.to_owned(),
        };
        match Document::parse(&text, kind) {
            Ok(_) => case.expect("taken"),
            Err(error) => case.expect(&error.iam_message()),
        }
    }
}
