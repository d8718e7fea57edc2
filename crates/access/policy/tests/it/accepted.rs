//! Documents that AWS takes, and what is read from them.

use strongroom_policy::document::{
    ActionPattern, ArnPattern, Document, Effect, Kind, NamedPrincipal, Operator, Quantifier, Scope,
    Statement, Version,
};

/// What GetKeyPolicy returns for a key that was created without a policy (KMS Developer Guide, "Default key
/// policy").
pub(crate) const DEFAULT_KEY_POLICY: &str = r#"{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::111122223333:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"#;

/// Documents with every element that their kind may have.
pub(crate) const ACCEPTED: &[(Kind, &str)] = &[
    (Kind::Key, DEFAULT_KEY_POLICY),
    (
        Kind::Key,
        r#"{"Version":"2012-10-17","Id":"auto-ebs-2","Statement":[
            {"Sid":"Allow access through EBS","Effect":"Allow","Principal":{"AWS":"*"},
             "Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant",
                       "kms:DescribeKey"],
             "Resource":"*",
             "Condition":{"StringEquals":{"kms:CallerAccount":"111122223333",
                                          "kms:ViaService":"ec2.us-east-1.amazonaws.com"}}},
            {"Sid":"Allow direct access to key metadata","Effect":"Allow",
             "Principal":{"AWS":"arn:aws:iam::111122223333:root"},
             "Action":["kms:Describe*","kms:Get*","kms:List*","kms:RevokeGrant"],"Resource":"*"}]}"#,
    ),
    (
        Kind::Key,
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/app/Encrypter",
                                                 "AIDACKCEVSQ6C2EXAMPLE"],
             "Service":"cloudtrail.amazonaws.com"},
             "Action":"kms:GenerateDataKey*","Resource":"*",
             "Condition":{"StringLike":{"kms:EncryptionContext:aws:cloudtrail:arn":
                                          "arn:aws:cloudtrail:*:111122223333:trail/*"},
                          "Bool":{"kms:GrantIsForAWSResource":true}}},
            {"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},
             "NotAction":"kms:Describe*","NotResource":"arn:aws:kms:*:*:key/mrk-*"}]}"#,
    ),
    // A statement of a key policy without action or resource has no effect, and is accepted.
    (Kind::Key, r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#),
    (
        Kind::Identity,
        r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"ReadOnly","Effect":"Allow","Action":["kms:Describe*","kms:Get*"],"Resource":"*"},
            {"Sid":"","Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"},
            {"Sid":"","Effect":"Deny","NotAction":"iam:*","NotResource":["arn:aws:kms:*:*:key/*"],
             "Condition":{"ForAllValues:StringNotLikeIfExists":{"aws:TagKeys":["a*","b"]},
                          "NumericLessThan":{"aws:MultiFactorAuthAge":3600},
                          "Null":{"aws:TokenIssueTime":"true"}}}]}"#,
    ),
    (Kind::Identity, r#"{"Statement":{"Effect":"Deny","Action":[],"Resource":[],"Condition":{}}}"#),
    (
        Kind::Trust,
        r#"{"Version":"2012-10-17","Id":"trust","Statement":[
            {"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},
            {"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/Example"},
             "Action":"sts:AssumeRoleWithSAML",
             "Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}},
            {"Effect":"Allow","Principal":{"AWS":"*"},"Action":["STS:AssumeRole","sts:TagSession"]}]}"#,
    ),
    (
        Kind::Resource,
        r#"{"Version":"2008-10-17","Id":"example","Statement":{"Effect":"Allow","Principal":"*",
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::examplebucket/*",
            "Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]},
                         "DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},
                         "ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:*:trail/*"},
                         "BinaryEquals":{"s3:x":"QmluYXJ5"}}}}"#,
    ),
];

fn read(kind: Kind, text: &str) -> Document {
    Document::parse(text, kind).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn first(kind: Kind, text: &str) -> Statement {
    read(kind, text).statements.swap_remove(0)
}

#[test]
fn what_aws_takes_is_read() {
    for (kind, text) in ACCEPTED {
        assert_eq!(read(*kind, text).kind, *kind);
    }
}

#[test]
fn the_default_key_policy_is_read_element_by_element() {
    let document = read(Kind::Key, DEFAULT_KEY_POLICY);
    assert_eq!(document.version, Version::V2012);
    assert_eq!(document.id.as_deref(), Some("key-default-1"));
    let [statement] = document.statements.as_slice() else { panic!("one statement") };
    assert_eq!(statement.sid.as_deref(), Some("Enable IAM User Permissions"));
    assert_eq!(statement.effect, Effect::Allow);
    let root = NamedPrincipal::Account("111122223333".parse().unwrap());
    assert_eq!(statement.principals, Some(Scope::Only(vec![root])));
    let Scope::Only(actions) = &statement.actions else { panic!("Action") };
    assert_eq!(actions.iter().map(ActionPattern::as_str).collect::<Vec<_>>(), ["kms:*"]);
    let Some(Scope::Only(resources)) = &statement.resources else { panic!("Resource") };
    assert_eq!(resources.iter().map(ArnPattern::as_str).collect::<Vec<_>>(), ["*"]);
    assert!(statement.conditions.is_empty());
}

#[test]
fn what_is_left_out_has_its_default() {
    let statement = r#"{"Sid":"","Effect":"Deny","Principal":"*"}"#;
    let document = read(Kind::Key, &format!(r#"{{"Statement":{statement}}}"#));
    assert_eq!((document.version, document.id), (Version::V2008, None));
    let [statement] = document.statements.as_slice() else { panic!("one statement") };
    assert_eq!(statement.sid, None, "an empty Sid is none");
    assert_eq!(statement.actions, Scope::Only(vec![]));
    assert_eq!(statement.resources, Some(Scope::Only(vec![])));

    let identity = first(Kind::Identity, r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#);
    assert_eq!(identity.principals, None);
    let trust = r#"{"Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"NotAction":"sts:TagSession"}}"#;
    let trust = first(Kind::Trust, trust);
    assert_eq!(trust.resources, None);
    assert!(matches!(trust.actions, Scope::Except(listed) if listed.len() == 1));
}

#[test]
fn conditions_are_taken_apart_and_keep_their_order() {
    let text = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
        "ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a*","b"],"kms:EncryptionContext:x:y":"z"},
        "ForAllValues:Null":{"aws:TokenIssueTime":false},
        "NumericEquals":{"s3:max-keys":[10,-3,2.5,"7"]},
        "Bool":{"aws:SecureTransport":[]}}}}"#;
    let conditions = first(Kind::Identity, text).conditions;
    let seen: Vec<_> = conditions
        .iter()
        .map(|c| (c.quantifier, c.operator, c.if_exists, c.key.as_str(), c.values.join(" ")))
        .collect();
    let any = Some(Quantifier::AnyValue);
    assert_eq!(
        seen,
        [
            (any, Operator::StringLike, true, "aws:TagKeys", "a* b".to_owned()),
            (any, Operator::StringLike, true, "kms:EncryptionContext:x:y", "z".to_owned()),
            (Some(Quantifier::AllValues), Operator::Null, false, "aws:TokenIssueTime", "false".to_owned()),
            (None, Operator::NumericEquals, false, "s3:max-keys", "10 -3 2.5 7".to_owned()),
            (None, Operator::Bool, false, "aws:SecureTransport", String::new()),
        ]
    );
    assert!(conditions.last().unwrap().values.is_empty());
}

/// IAM User Guide, "IAM JSON policy elements: Condition operators".
#[test]
fn every_operator_is_known_in_every_form() {
    const NAMES: [&str; 27] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnEquals",
        "ArnNotEquals",
        "ArnLike",
        "ArnNotLike",
        "Null",
    ];
    assert_eq!(Operator::ALL.iter().map(|operator| operator.name()).collect::<Vec<_>>(), NAMES);
    for (operator, name) in Operator::ALL.iter().zip(NAMES) {
        let prefixes = [
            ("", None),
            ("ForAllValues:", Some(Quantifier::AllValues)),
            ("ForAnyValue:", Some(Quantifier::AnyValue)),
        ];
        for (prefix, quantifier) in prefixes {
            for (suffix, if_exists) in [("", false), ("IfExists", true)] {
                if *operator == Operator::Null && if_exists {
                    continue;
                }
                let text = format!(
                    r#"{{"Statement":{{"Effect":"Deny","Action":"*","Resource":"*",
                        "Condition":{{"{prefix}{name}{suffix}":{{"aws:x":"true"}}}}}}}}"#
                );
                let condition = first(Kind::Identity, &text).conditions.swap_remove(0);
                assert_eq!(
                    (condition.quantifier, condition.operator, condition.if_exists),
                    (quantifier, *operator, if_exists)
                );
            }
        }
    }
}
