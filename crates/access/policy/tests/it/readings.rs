//! The static reading, in examples and against a model.

use proptest::prelude::*;
use strongroom_identity::Principal;
use strongroom_policy::document::{Document, Kind, Reading};

use crate::accepted::DEFAULT_KEY_POLICY;

const ACTION: &str = "kms:PutKeyPolicy";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn root() -> Principal {
    Principal::Root("111122223333".parse().unwrap())
}

fn reading(text: &str) -> Reading {
    Document::parse(text, Kind::Key).unwrap().may(&root(), ACTION, KEY)
}

/// What a key policy says that allows everything, with more statements.
fn with(statement: &str) -> Reading {
    let allow = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;
    reading(&format!(r#"{{"Version":"2012-10-17","Statement":[{allow},{statement}]}}"#))
}

fn alone(elements: &str) -> Reading {
    reading(&format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{elements}}}}}"#))
}

#[test]
fn the_default_key_policy_lets_its_account_change_it_and_no_other() {
    let document = Document::parse(DEFAULT_KEY_POLICY, Kind::Key).unwrap();
    assert_eq!(document.may(&root(), ACTION, KEY), Reading::Allowed);
    assert_eq!(document.may(&root(), "iam:GetUser", KEY), Reading::Refused);
    let stranger = Principal::Root("444455556666".parse().unwrap());
    assert_eq!(document.may(&stranger, ACTION, KEY), Reading::Refused);
}

#[test]
fn an_allow_counts_where_principal_action_and_resource_fit() {
    let table = [
        (r#""Principal":"*","Action":"*","Resource":"*""#, Reading::Allowed),
        (r#""Principal":"*","Action":"KMS:put*","Resource":"arn:aws:kms:*:*:key/?""#, Reading::Allowed),
        (
            r#""Principal":{"AWS":["444455556666","111122223333"]},"Action":"*","Resource":"*""#,
            Reading::Allowed,
        ),
        (r#""Principal":{"AWS":"444455556666"},"Action":"*","Resource":"*""#, Reading::Refused),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111122223333:user/root"},"Action":"*","Resource":"*""#,
            Reading::Refused,
        ),
        (r#""Principal":{"Service":"kms.amazonaws.com"},"Action":"*","Resource":"*""#, Reading::Refused),
        (r#""Principal":"*","NotAction":"kms:Decrypt","NotResource":"arn:aws:s3:::*""#, Reading::Allowed),
        (r#""Principal":"*","NotAction":["kms:Decrypt","kms:Put*"],"Resource":"*""#, Reading::Refused),
        (r#""Principal":"*","Action":"*","NotResource":"*""#, Reading::Refused),
        (r#""Principal":"*","Action":"kms:Decrypt","Resource":"*""#, Reading::Refused),
        (
            r#""Principal":"*","Action":"*","Resource":"arn:aws:kms:us-east-1:111122223333:key/2""#,
            Reading::Refused,
        ),
    ];
    for (elements, expected) in table {
        assert_eq!(alone(elements), expected, "{elements}");
    }
}

#[test]
fn what_is_empty_or_left_out_has_no_effect() {
    for elements in [
        r#""Principal":"*","Action":"*""#,
        r#""Principal":"*","Resource":"*""#,
        r#""Principal":"*","Action":[],"Resource":"*""#,
        r#""Principal":"*","NotAction":[],"Resource":"*""#,
        r#""Principal":"*","Action":"*","NotResource":[]"#,
        r#""Principal":{"AWS":[]},"Action":"*","Resource":"*""#,
        r#""Principal":{},"Action":"*","Resource":"*""#,
    ] {
        assert_eq!(alone(elements), Reading::Refused, "{elements}");
    }
    let nobody_left_out = r#"{"Effect":"Deny","NotPrincipal":{"AWS":[]},"Action":"*","Resource":"*"}"#;
    assert_eq!(with(nobody_left_out), Reading::Allowed);
}

#[test]
fn conditions_and_variables_leave_it_open() {
    let condition = r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
    let all = r#""Principal":"*","Action":"*","Resource":"*""#;
    assert_eq!(alone(&format!("{all},{condition}")), Reading::Conditional);
    assert_eq!(with(&format!(r#"{{"Effect":"Deny",{all},{condition}}}"#)), Reading::Conditional);
    assert_eq!(with(&format!(r#"{{"Effect":"Allow",{all},{condition}}}"#)), Reading::Allowed);
    assert_eq!(with(&format!(r#"{{"Effect":"Deny",{all}}}"#)), Reading::Refused);
    // No condition is no condition.
    assert_eq!(alone(&format!(r#"{all},"Condition":{{}}"#)), Reading::Allowed);
    assert_eq!(alone(&format!(r#"{all},"Condition":{{"Bool":{{}}}}"#)), Reading::Allowed);
    // A Deny that may strike does not matter where nothing allows.
    let deny = format!(r#"{{"Statement":{{"Effect":"Deny",{all},{condition}}}}}"#);
    assert_eq!(reading(&deny), Reading::Refused);

    let variable = r#""Principal":"*","Action":"*","Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/key}""#;
    assert_eq!(alone(variable), Reading::Conditional);
    assert_eq!(alone(&variable.replace("Resource", "NotResource")), Reading::Conditional);
    let in_2008 = format!(r#"{{"Statement":{{"Effect":"Allow",{variable}}}}}"#);
    assert_eq!(reading(&in_2008), Reading::Refused, "that version has no variables");
}

#[test]
fn a_deny_spares_whom_it_leaves_out() {
    let deny = |listed: &str| {
        with(&format!(r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":{listed}}},"Action":"*","Resource":"*"}}"#))
    };
    assert_eq!(deny(r#""111122223333""#), Reading::Allowed);
    assert_eq!(deny(r#""*""#), Reading::Allowed);
    assert_eq!(deny(r#""444455556666""#), Reading::Refused);
    assert_eq!(deny(r#""arn:aws:iam::111122223333:user/alice""#), Reading::Refused);
}

#[test]
fn policies_without_principals_are_about_whomever_they_are_attached_to() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    let document = Document::parse(text, Kind::Identity).unwrap();
    assert_eq!(document.may(&root(), ACTION, KEY), Reading::Allowed);
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;
    let document = Document::parse(trust, Kind::Trust).unwrap();
    let role = "arn:aws:iam::111122223333:role/app";
    assert_eq!(document.may(&root(), "sts:AssumeRole", role), Reading::Allowed);
}

/// A statement by what it does to the caller's request.
#[derive(Clone, Copy, Debug)]
struct Modelled {
    allows: bool,
    /// Each: its text, and whether it fits the request.
    principal: (&'static str, bool),
    action: (&'static str, bool),
    resource: (&'static str, bool),
    conditional: bool,
}

fn modelled() -> impl Strategy<Value = Modelled> {
    let principal = prop::sample::select(vec![
        (r#""Principal":"*""#, true),
        (r#""Principal":{"AWS":["444455556666","arn:aws:iam::111122223333:root"]}"#, true),
        (r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/app"}"#, false),
    ]);
    let action = prop::sample::select(vec![
        (r#""Action":"kms:*""#, true),
        (r#""NotAction":["kms:Describe*","kms:List*"]"#, true),
        (r#""NotAction":["kms:Describe*","kms:PutKey*"]"#, false),
        (r#""Action":["kms:Decrypt","kms:Get*"]"#, false),
    ]);
    let resource = prop::sample::select(vec![
        (r#""Resource":"*""#, true),
        (r#""NotResource":"arn:aws:kms:us-west-2:*:*""#, true),
        (r#""Resource":["arn:aws:kms:us-west-2:*:*"]"#, false),
    ]);
    (any::<bool>(), principal, action, resource, any::<bool>()).prop_map(
        |(allows, principal, action, resource, conditional)| Modelled {
            allows,
            principal,
            action,
            resource,
            conditional,
        },
    )
}

impl Modelled {
    fn text(&self) -> String {
        let effect = if self.allows { "Allow" } else { "Deny" };
        let condition =
            if self.conditional { r#","Condition":{"Bool":{"aws:SecureTransport":true}}"# } else { "" };
        format!(
            r#"{{"Effect":"{effect}",{},{},{}{condition}}}"#,
            self.principal.0, self.action.0, self.resource.0
        )
    }

    fn applies(&self, conditions_hold: bool) -> bool {
        self.principal.1 && self.action.1 && self.resource.1 && (conditions_hold || !self.conditional)
    }
}

/// Decides as AWS does, for every way in which the conditions could turn out, and says what all agree on.
fn model(statements: &[Modelled]) -> Reading {
    let decisions: Vec<bool> = (0..1_u32 << statements.len())
        .map(|outcomes| {
            let holds = |at: u32| outcomes >> at & 1 == 1;
            let applying: Vec<_> = (0..).zip(statements).filter(|(at, s)| s.applies(holds(*at))).collect();
            !applying.is_empty() && applying.iter().all(|(_, statement)| statement.allows)
        })
        .collect();
    match (decisions.contains(&true), decisions.contains(&false)) {
        (true, false) => Reading::Allowed,
        (true, true) => Reading::Conditional,
        _ => Reading::Refused,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_reading_is_what_every_outcome_of_the_conditions_agrees_on(
        statements in prop::collection::vec(modelled(), 1..6),
    ) {
        let texts: Vec<String> = statements.iter().map(Modelled::text).collect();
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, texts.join(","));
        prop_assert_eq!(reading(&text), model(&statements), "{}", text);
    }
}
