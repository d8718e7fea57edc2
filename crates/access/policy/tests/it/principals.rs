//! Who can be named, and who cannot.

use strongroom_policy::document::{Document, DocumentError, Kind, NamedPrincipal, PrincipalArnKind, Scope};

fn document(kind: Kind, principal: &str) -> String {
    let resource = if kind == Kind::Resource { r#","Resource":"*""# } else { "" };
    format!(r#"{{"Statement":{{"Effect":"Deny","Principal":{principal},"Action":"sts:*"{resource}}}}}"#)
}

fn read(kind: Kind, principal: &str) -> Result<NamedPrincipal, DocumentError> {
    let mut document = Document::parse(&document(kind, principal), kind)?;
    match document.statements.swap_remove(0).principals {
        Some(Scope::Only(mut listed)) if listed.len() == 1 => Ok(listed.swap_remove(0)),
        other => panic!("one principal, not {other:?}"),
    }
}

fn aws(name: &str) -> Result<NamedPrincipal, DocumentError> {
    read(Kind::Key, &format!(r#"{{"AWS":["{name}"]}}"#))
}

#[test]
fn everybody_and_accounts_have_two_spellings_each() {
    assert_eq!(read(Kind::Key, r#""*""#), Ok(NamedPrincipal::Anyone));
    assert_eq!(aws("*"), Ok(NamedPrincipal::Anyone));
    let account = NamedPrincipal::Account("001122223333".parse().unwrap());
    assert_eq!(aws("001122223333"), Ok(account.clone()));
    assert_eq!(aws("arn:aws:iam::001122223333:root"), Ok(account));
}

#[test]
fn arns_of_users_roles_and_sessions_are_told_apart() {
    let long = "x".repeat(64);
    let table = [
        ("arn:aws:iam::111122223333:user/alice".to_owned(), PrincipalArnKind::User),
        ("arn:aws:iam::111122223333:user/a/b!c/Alice_+=,.@-9".to_owned(), PrincipalArnKind::User),
        (format!("arn:aws:iam::111122223333:user/{long}"), PrincipalArnKind::User),
        (format!("arn:aws:iam::111122223333:user/{}/x", "p".repeat(510)), PrincipalArnKind::User),
        ("arn:aws:iam::111122223333:role/alice".to_owned(), PrincipalArnKind::Role),
        (
            "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/Y".to_owned(),
            PrincipalArnKind::Role,
        ),
        ("arn:aws:sts::111122223333:assumed-role/role/i-1".to_owned(), PrincipalArnKind::AssumedRole),
        (format!("arn:aws:sts::111122223333:assumed-role/{long}/{long}"), PrincipalArnKind::AssumedRole),
        ("arn:aws:sts::111122223333:federated-user/bo".to_owned(), PrincipalArnKind::FederatedUser),
    ];
    for (text, kind) in table {
        let Ok(NamedPrincipal::Arn(arn)) = aws(&text) else { panic!("{text}") };
        assert_eq!((arn.as_str(), arn.kind()), (text.as_str(), kind));
        assert_eq!(arn.account().to_string(), "111122223333");
    }
}

#[test]
fn malformed_arns_and_arns_of_other_things_are_invalid_arns() {
    let long = "x".repeat(65);
    let table = [
        "arn:".to_owned(),
        "arn:aws:iam::111122223333".to_owned(),
        "arn:aws:iam::111122223333:".to_owned(),
        "arn:aws:iam::111122223333:roots".to_owned(),
        "arn:aws:iam::111122223333:root/".to_owned(),
        "arn:aws:sts::111122223333:root".to_owned(),
        "arn:aws:iam::*:root".to_owned(),
        "arn:aws:iam::11112222333:root".to_owned(),
        "arn:aws:iam:us-east-1:111122223333:root".to_owned(),
        "arn:aws-cn:iam::111122223333:root".to_owned(),
        "arn:aws:kms::111122223333:user/alice".to_owned(),
        "arn:aws:iam::111122223333:user".to_owned(),
        "arn:aws:iam::111122223333:user/".to_owned(),
        "arn:aws:iam::111122223333:user/*".to_owned(),
        "arn:aws:iam::111122223333:user/a/".to_owned(),
        "arn:aws:iam::111122223333:user/a*/b".to_owned(),
        "arn:aws:iam::111122223333:user/a b".to_owned(),
        "arn:aws:iam::111122223333:User/alice".to_owned(),
        format!("arn:aws:iam::111122223333:user/{long}"),
        format!("arn:aws:iam::111122223333:user/{}/x", "p".repeat(511)),
        "arn:aws:iam::111122223333:role/a:b".to_owned(),
        "arn:aws:iam::111122223333:group/admins".to_owned(),
        "arn:aws:iam::111122223333:instance-profile/web".to_owned(),
        "arn:aws:iam::111122223333:assumed-role/r/session".to_owned(),
        "arn:aws:sts::111122223333:assumed-role/r".to_owned(),
        "arn:aws:sts::111122223333:assumed-role/r/s".to_owned(),
        "arn:aws:sts::111122223333:assumed-role/r/*".to_owned(),
        "arn:aws:sts::111122223333:assumed-role/path/r/session".to_owned(),
        "arn:aws:sts::111122223333:role/r".to_owned(),
        "arn:aws:sts::111122223333:federated-user/b".to_owned(),
        format!("arn:aws:sts::111122223333:federated-user/{}", "b".repeat(33)),
        "arn:aws:s3:::examplebucket".to_owned(),
        "arn:aws:iam::111122223333:saml-provider/Example".to_owned(),
    ];
    for principal in table {
        let at = "Statement.Principal.AWS[0]".to_owned();
        assert_eq!(aws(&principal), Err(DocumentError::InvalidArn { at, principal }));
    }
}

#[test]
fn other_text_is_an_invalid_principal() {
    let table =
        ["", "alice", "1", "11112222333", "1111222233334", "**", "AIDA", "AGPAIOSFODNN7EXAMPLE", "ARN:aws"];
    for principal in table {
        let at = "Statement.Principal.AWS[0]".to_owned();
        assert_eq!(
            aws(principal),
            Err(DocumentError::InvalidPrincipal { at, principal: principal.to_owned() })
        );
    }
    let at = "Statement.Principal".to_owned();
    let bare = "111122223333";
    let invalid = DocumentError::InvalidPrincipal { at: at.clone(), principal: bare.to_owned() };
    assert_eq!(read(Kind::Key, &format!("{bare:?}")), Err(invalid));
    // Trust policies want everybody in an object.
    assert_eq!(
        read(Kind::Trust, r#""*""#),
        Err(DocumentError::InvalidPrincipal { at, principal: "*".to_owned() })
    );
    assert_eq!(read(Kind::Trust, r#"{"AWS":"*"}"#), Ok(NamedPrincipal::Anyone));
}

#[test]
fn unique_ids_of_users_and_roles_are_principals() {
    for id in ["AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE"] {
        assert_eq!(aws(id), Ok(NamedPrincipal::UniqueId(id.to_owned())));
    }
    for id in
        ["aidackcevsq6c2example", "AIDACKCEVSQ6C2EXAMPL*", "AROADBQP57FF2AEXAMPLE:session", "AIDACKCEVSQ6C2E"]
    {
        assert!(matches!(aws(id), Err(DocumentError::InvalidPrincipal { .. })), "{id}");
    }
}

#[test]
fn services_providers_and_canonical_users_are_checked() {
    let read = |kind, family: &str, name: &str| read(kind, &format!(r#"{{"{family}":"{name}"}}"#));
    for name in [
        "cloudtrail.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "s3.ap-east-1.amazonaws.com",
        "alexa-appkit.amazon.com",
    ] {
        assert_eq!(read(Kind::Key, "Service", name), Ok(NamedPrincipal::Service(name.to_owned())));
    }
    let names = [
        "*",
        "*.amazonaws.com",
        ".amazonaws.com",
        "amazonaws.com",
        "KMS.amazonaws.com",
        "kms",
        "-a.amazonaws.com",
        "a-.amazonaws.com",
        "a..amazonaws.com",
        "kms.amazonaws.com.example.com",
        "111122223333",
    ];
    for name in names {
        assert!(
            matches!(read(Kind::Key, "Service", name), Err(DocumentError::InvalidPrincipal { .. })),
            "{name}"
        );
    }

    for name in [
        "accounts.google.com",
        "arn:aws:iam::111122223333:saml-provider/Example",
        "arn:aws:iam::111122223333:oidc-provider/token.example.com/id/1",
    ] {
        assert_eq!(read(Kind::Trust, "Federated", name), Ok(NamedPrincipal::Federated(name.to_owned())));
        assert!(read(Kind::Key, "Federated", name).is_err(), "providers are for trust policies");
    }
    for name in ["arn:aws:iam::111122223333:oidc-provider/", "arn:aws:iam::111122223333:user/alice"] {
        assert!(
            matches!(read(Kind::Trust, "Federated", name), Err(DocumentError::InvalidArn { .. })),
            "{name}"
        );
    }
    for name in ["*", "example.com"] {
        let error = read(Kind::Trust, "Federated", name);
        assert!(matches!(error, Err(DocumentError::InvalidPrincipal { .. })), "{name}");
    }

    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    assert_eq!(read(Kind::Resource, "CanonicalUser", id), Ok(NamedPrincipal::CanonicalUser(id.to_owned())));
    assert!(read(Kind::Resource, "CanonicalUser", &id[1..]).is_err());
    assert!(read(Kind::Resource, "CanonicalUser", &id.replace('f', "g")).is_err());
    assert!(read(Kind::Key, "CanonicalUser", id).is_err(), "S3 alone knows who that is");
}
