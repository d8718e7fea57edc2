//! Whatever comes, it is read or refused, and nothing panics.

use proptest::prelude::*;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{Guard, Policies, Policy, Request, Subject, decide, explain};

use crate::accepted::ACCEPTED;

const KINDS: [Kind; 6] =
    [Kind::Identity, Kind::Managed, Kind::Session, Kind::Resource, Kind::Trust, Kind::Key];

/// Reads the text as every kind of policy, and uses what comes out.
fn exercise(text: &str) {
    let owner = "111122223333".parse().unwrap();
    let subject = Subject::root(owner);
    let resource = "arn:aws:kms:us-east-1:111122223333:key/1";
    let request = Request { subject: &subject, action: "kms:Decrypt", resource, owner, keys: &() };
    for kind in KINDS {
        match Document::parse(text, kind) {
            Ok(document) => {
                assert!(!document.statements.is_empty());
                let policy = Policy::new("any", &document);
                let policies = Policies { guard: Guard::Key(&policy), ..Policies::default() };
                let decision = decide(&request, &policies);
                assert_eq!(explain(&request, &policies).is_allowed, decision.is_allowed());
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.iam_message().is_empty()),
        }
    }
}

/// Pieces that policies are made of, so that arbitrary text gets past the first character.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\"",
        "\\",
        "*",
        "?",
        "1",
        "true",
        "null",
        "\"Statement\":",
        "\"Effect\":",
        "\"Allow\"",
        "\"Principal\":",
        "\"AWS\":",
        "\"Action\":",
        "\"kms:*\"",
        "\"Condition\":",
        "\"Bool\":",
        "\"a:b\":",
        "é",
        "\u{0}",
        "\"arn:aws:iam::111122223333:root\"",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_text_does_no_harm(text in ".{0,200}", pieces in pieces()) {
        exercise(&text);
        exercise(&pieces);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&String::from_utf8_lossy(&bytes));
        exercise(&bytes.iter().copied().map(char::from).collect::<String>());
    }

    #[test]
    fn a_policy_with_a_part_replaced_does_no_harm(
        which in prop::sample::select(ACCEPTED),
        at in any::<prop::sample::Index>(),
        length in 0..20_usize,
        instead in prop_oneof![pieces(), ".{0,5}"],
    ) {
        let characters: Vec<char> = which.1.chars().collect();
        let start = at.index(characters.len());
        let end = characters.len().min(start + length);
        let (before, after): (String, String) =
            (characters[..start].iter().collect(), characters[end..].iter().collect());
        exercise(&format!("{before}{instead}{after}"));
    }

    /// Where and how much whitespace there is between tokens means nothing.
    #[test]
    fn whitespace_between_tokens_means_nothing(
        which in prop::sample::select(ACCEPTED),
        space in "[ \t\r\n]{0,3}",
    ) {
        let mut in_string = false;
        let mut spaced = String::new();
        for character in which.1.chars().filter(|character| *character != '\n') {
            in_string ^= character == '"';
            spaced.push(character);
            if !in_string && "{}[],:".contains(character) {
                spaced.push_str(&space);
            }
        }
        prop_assert_eq!(Document::parse(&spaced, which.0), Document::parse(which.1, which.0));
    }

    #[test]
    fn a_policy_cut_short_is_refused(
        which in prop::sample::select(ACCEPTED),
        at in any::<prop::sample::Index>(),
    ) {
        let text = which.1;
        let cut = text.get(..at.index(text.len()));
        prop_assert!(cut.is_none_or(|cut| Document::parse(cut, which.0).is_err()));
    }
}
