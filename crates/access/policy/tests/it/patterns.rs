//! Wildcards, in examples and against a matcher that is slow and obvious.

use proptest::prelude::*;
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::pattern::Pattern;
use strongroom_policy::{ContextKeys, Policies, Policy, Request, Subject, Values, decide};

/// Whether the pattern's rest matches the text's rest: tries everything. `colons` of the pattern are behind
/// us; actions have no fields.
fn slow(pattern: &[char], text: &[char], colons: Option<usize>) -> bool {
    let Some((&head, rest)) = pattern.split_first() else { return text.is_empty() };
    let in_field = colons.is_some_and(|colons| colons < 5);
    match head {
        '*' => {
            // Neighbouring stars are one star, which ends a field if the last of them does.
            let after = rest.iter().find(|&&character| character != '*');
            let may_cross = !in_field || matches!(after, None | Some(':'));
            slow(rest, text, colons)
                || text.split_first().is_some_and(|(&first, others)| {
                    (may_cross || first != ':') && slow(pattern, others, colons)
                })
        }
        '?' => text
            .split_first()
            .is_some_and(|(&first, others)| (!in_field || first != ':') && slow(rest, others, colons)),
        literal => text.split_first().is_some_and(|(&first, others)| {
            let same = if colons.is_none() { literal.eq_ignore_ascii_case(&first) } else { literal == first };
            same && slow(rest, others, colons.map(|colons| colons + usize::from(literal == ':')))
        }),
    }
}

/// A request whose one key has that value.
struct Asked<'t>(&'t str);

impl ContextKeys for Asked<'_> {
    fn values(&self, _: &str) -> Option<Values<'_>> {
        Some(Values::text(self.0))
    }
}

/// Whether `StringLike` holds, in a policy that allows where it does.
fn is_like(pattern: &str, text: &str) -> bool {
    let document = format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"a:b":"{pattern}"}}}}}}}}"#
    );
    let identity = [Policy::new("like", &Document::parse(&document, Kind::Identity).unwrap()).into()];
    let owner = "111122223333".parse().unwrap();
    let subject = Subject::service("kms.amazonaws.com", Some(owner));
    let request =
        Request { subject: &subject, action: "kms:Decrypt", resource: "*", owner, keys: &Asked(text) };
    decide(&request, &Policies { identity: &identity, ..Policies::default() }).is_allowed()
}

/// Whether an identity policy about the resource `pattern` is about the resource `text`.
fn is_about(pattern: &str, text: &str) -> bool {
    let document =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:{pattern}"}}}}"#);
    let identity = [Policy::new("about", &Document::parse(&document, Kind::Session).unwrap()).into()];
    let owner = "111122223333".parse().unwrap();
    let subject = Subject::service("kms.amazonaws.com", Some(owner));
    let text = format!("arn:aws:kms:{text}");
    let request = Request { subject: &subject, action: "kms:Decrypt", resource: &text, owner, keys: &() };
    decide(&request, &Policies { identity: &identity, ..Policies::default() }).is_allowed()
}

/// The same as [`slow`], with letters in their own case.
fn slow_text(pattern: &[char], text: &[char]) -> bool {
    let Some((&head, rest)) = pattern.split_first() else { return text.is_empty() };
    match (head, text.split_first()) {
        ('*', Some((_, others))) => slow_text(rest, text) || slow_text(pattern, others),
        ('*', None) => slow_text(rest, text),
        ('?', Some((_, others))) => slow_text(rest, others),
        (literal, Some((&first, others))) => literal == first && slow_text(rest, others),
        (_, None) => false,
    }
}

/// Two patterns with every wildcard there is room for in a key policy, against the longest of contexts: neither
/// takes steps in the number of both lengths' product.
#[test]
fn long_patterns_and_long_texts_are_compared_in_one_go() {
    let text = "a".repeat(8192);
    assert!(is_like(&"*a".repeat(8000), &text));
    assert!(!is_like(&format!("{}*b*", "*a".repeat(8000)), &text));
    assert!(is_like(&"*?".repeat(8192), &text));
    assert!(!is_like(&"*?".repeat(8193), &text));
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn arns_match_as_the_slow_matcher_says(pattern in "[ab:*?/]{0,14}", text in "[ab:/é]{0,14}") {
        let expected = slow(&characters(&pattern), &characters(&text), Some(0));
        prop_assert_eq!(Pattern::of_arn(&pattern).matches(&text), expected);
    }

    #[test]
    fn actions_match_as_the_slow_matcher_says(pattern in "[aAb:*?]{0,12}", text in "[aAb:é]{0,12}") {
        let expected = slow(&characters(&pattern), &characters(&text), None);
        prop_assert_eq!(Pattern::of_action(&pattern).matches(&text), expected);
    }

    #[test]
    fn texts_match_as_the_slow_matcher_says(pattern in "[aAb:*?é]{0,12}", text in "[aAb:é*]{0,12}") {
        prop_assert_eq!(is_like(&pattern, &text), slow_text(&characters(&pattern), &characters(&text)));
    }

    /// What tells at a look what cannot match is right.
    #[test]
    fn resources_are_matched_as_their_patterns_are(
        fields in ["[a-c*?]{0,4}", "[1*?]{0,3}", "[a-c1/:*?]{1,10}"],
        text in "[a-c]{0,4}:[1]{0,3}:[a-c1/:]{1,10}",
    ) {
        let pattern = fields.join(":");
        let expected = Pattern::of_arn(&format!("arn:aws:kms:{pattern}")).matches(&format!("arn:aws:kms:{text}"));
        prop_assert_eq!(is_about(&pattern, &text), expected);
        // And of patterns that do match.
        prop_assert!(is_about(&text, &text));
        let (region, rest) = text.split_once(':').unwrap();
        let (account, resource) = rest.split_once(':').unwrap();
        let (open, half) =
            (format!("*:{account}:{resource}"), format!("{region}:*:*{}", &resource[resource.len() / 2..]));
        prop_assert!(is_about(&open, &text) && is_about(&half, &text));
    }

    /// The others rarely match: here the pattern is made from the text.
    #[test]
    fn a_text_with_parts_replaced_by_wildcards_matches_as_the_slow_matcher_says(
        text in "[ab:]{1,14}",
        holes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "[*?]{1,2}"), 0..3),
    ) {
        let mut pattern = text.clone();
        for (index, length, wildcards) in holes {
            let start = index.index(pattern.len() + 1);
            pattern.replace_range(start..pattern.len().min(start + length), &wildcards);
        }
        let expected = slow(&characters(&pattern), &characters(&text), Some(0));
        prop_assert_eq!(Pattern::of_arn(&pattern).matches(&text), expected);
        let expected = slow(&characters(&pattern), &characters(&text), None);
        prop_assert_eq!(Pattern::of_action(&pattern).matches(&text), expected);
    }
}

#[test]
fn actions_match_in_either_case_and_with_wildcards_anywhere_in_the_name() {
    let table = [
        ("*", "kms:Decrypt", true),
        ("kms:*", "kms:Decrypt", true),
        ("KMS:decrypt", "kms:Decrypt", true),
        ("kms:*Key*", "kms:GenerateDataKeyPair", true),
        ("kms:De?rypt", "kms:Decrypt", true),
        ("kms:De?rypt", "kms:Derypt", false),
        ("kms:Decrypt", "kms:Decrypts", false),
        ("kms:Encrypt*", "kms:ReEncryptFrom", false),
        ("iam:*", "kms:Decrypt", false),
    ];
    for (pattern, action, expected) in table {
        assert_eq!(Pattern::of_action(pattern).matches(action), expected, "{pattern} {action}");
    }
}

/// IAM User Guide, "IAM JSON policy elements: Resource".
#[test]
fn arns_match_field_by_field() {
    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";
    let table = [
        ("*", KEY, true),
        ("*", "*", true),
        ("arn:aws:kms:*:*:*", "*", false),
        (KEY, KEY, true),
        ("arn:aws:kms:us-*-1:111122223333:key/1", KEY, true),
        ("arn:aws:kms:us-????-1:1*3:key/?", KEY, true),
        ("arn:aws:kms:us-*3:key/1", KEY, false),
        ("arn:aws:kms:us-east-1?111122223333:key/1", KEY, false),
        ("arn:aws:kms:*:key/1", KEY, true),
        ("arn:aws:kms:us*", KEY, true),
        ("arn:aws:kms:us-east-1:111122223333:KEY/1", KEY, false),
        ("arn:aws:logs:*:*:group:*:x", "arn:aws:logs:us-east-1:111122223333:group:a:b/c:x", true),
    ];
    for (pattern, arn, expected) in table {
        assert_eq!(Pattern::of_arn(pattern).matches(arn), expected, "{pattern} {arn}");
    }
    let objects = Pattern::of_arn("arn:aws:s3:::bucket/*/test/*");
    for object in ["bucket//test/object.jpg", "bucket/1/test/", "bucket/1///test///x", "bucket/1/2/test/x"] {
        assert!(objects.matches(&format!("arn:aws:s3:::{object}")), "{object}");
    }
    for object in ["bucket/1-test/x", "bucket/test/object.jpg", "bucket/1/2/test.jpg"] {
        assert!(!objects.matches(&format!("arn:aws:s3:::{object}")), "{object}");
    }
}

#[test]
fn fields_that_an_identity_based_policy_leaves_out_stand_for_anything() {
    const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:queue";
    let matches = |resource: &str| {
        let text = format!(r#"{{"Statement":{{"Effect":"Deny","Action":"*","Resource":"{resource}"}}}}"#);
        let statement = Document::parse(&text, Kind::Identity).unwrap().statements.swap_remove(0);
        let resources = statement.resources.unwrap();
        assert_eq!(resources.listed()[0].as_str(), resource);
        resources.listed()[0].matches(QUEUE)
    };
    for resource in
        ["arn:aws:sqs", "arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-1:111122223333", "arn:aws:sqs:*:queue"]
    {
        assert!(matches(resource), "{resource}");
    }
    for resource in ["arn:aws:sns", "arn:aws:sqs:us-west-2", "arn:aws:sqs:us-east-1:queue"] {
        assert!(!matches(resource), "{resource}");
    }
    let text = r#"{"Statement":{"Effect":"Deny","Principal":"*","Resource":"arn:aws:sqs"}}"#;
    let statement = Document::parse(text, Kind::Key).unwrap().statements.swap_remove(0);
    assert!(!statement.resources.unwrap().listed()[0].matches(QUEUE), "elsewhere nothing is added");
}

/// A matcher that backtracks would not finish.
#[test]
fn many_wildcards_in_a_long_text_are_matched_in_the_product_of_the_lengths() {
    let pattern = Pattern::of_arn(&format!("arn:aws:s3:::{}b", "a*".repeat(500)));
    let text = format!("arn:aws:s3:::{}", "a".repeat(2000));
    assert!(!pattern.matches(&text));
    assert!(pattern.matches(&format!("{text}b")));
}
