//! CloudTrail's `userIdentity` ("CloudTrail userIdentity element" in the AWS CloudTrail User Guide).

use strongroom_identity::{AccountId, Caller, Entity, Origin, Principal, Session, WebIdentity};
use strongroom_journal::{Identity, IdentityKind, SessionContext, SessionIssuer};

/// Who called, as the account that the caller belongs to sees it.
#[must_use]
pub fn identity_of(caller: &Caller) -> Identity {
    let principal = &caller.principal;
    let kind = match principal {
        Principal::Root(_) => IdentityKind::Root,
        Principal::User(_) => IdentityKind::IamUser,
        Principal::RoleSession { .. } => IdentityKind::AssumedRole,
        Principal::FederatedUser { .. } => IdentityKind::FederatedUser,
        Principal::Service { name, .. } => return of_service(name),
        Principal::WebIdentity(web) => return of_web_identity(web),
    };
    let user_name = match principal {
        Principal::User(user) => Some(user.name.clone()),
        _ => None,
    };
    let session = caller.session.as_deref().map(|session| context(session, issuer(principal)));
    Identity {
        kind: Some(kind),
        arn: Some(principal.arn()),
        access_key_id: Some(caller.access_key_id.clone()),
        user_name,
        session,
        ..in_short(principal)
    }
}

/// Who called, as another account sees it whose resource was used: no name, no ARN, no credentials.
pub(crate) fn of_other_account(caller: &Caller) -> Identity {
    match &caller.principal {
        Principal::Service { name, .. } => of_service(name),
        Principal::WebIdentity(web) => of_web_identity(web),
        principal => Identity { kind: Some(IdentityKind::AwsAccount), ..in_short(principal) },
    }
}

fn of_service(name: &str) -> Identity {
    Identity {
        kind: Some(IdentityKind::AwsService),
        invoked_by: Some(name.to_owned()),
        ..Identity::default()
    }
}

/// He is of no account, and calls with no credentials of ours.
fn of_web_identity(web: &WebIdentity) -> Identity {
    let Some(vouched) = web.vouched() else {
        return Identity { kind: Some(IdentityKind::Unknown), ..Identity::default() };
    };
    Identity {
        kind: Some(IdentityKind::WebIdentityUser),
        principal_id: Some(vouched.unique_id()),
        user_name: Some(vouched.subject.clone()),
        identity_provider: Some(vouched.provider.clone()),
        ..Identity::default()
    }
}

fn in_short(principal: &Principal) -> Identity {
    Identity {
        principal_id: Some(principal.unique_id()),
        account_id: Some(principal.account().to_string()),
        ..Identity::default()
    }
}

/// Who issued a session's credentials: the role, or whoever asked for a federated user. Users and root users with
/// credentials of GetSessionToken are their own, and no issuer is shown.
fn issuer(principal: &Principal) -> Option<SessionIssuer> {
    match principal {
        Principal::RoleSession { role, .. } => Some(of_entity(IdentityKind::Role, role, role.role_arn())),
        Principal::FederatedUser { issuer: Some(user), .. } => {
            Some(of_entity(IdentityKind::IamUser, user, user.user_arn()))
        }
        Principal::FederatedUser { account, issuer: None, .. } => Some(of_root(*account)),
        Principal::Root(_) | Principal::User(_) | Principal::Service { .. } | Principal::WebIdentity(_) => {
            None
        }
    }
}

fn of_entity(kind: IdentityKind, entity: &Entity, arn: String) -> SessionIssuer {
    SessionIssuer {
        kind,
        principal_id: entity.id.clone(),
        arn,
        account_id: entity.account.to_string(),
        user_name: Some(entity.name.clone()),
    }
}

fn of_root(account: AccountId) -> SessionIssuer {
    let root = Principal::Root(account);
    SessionIssuer {
        kind: IdentityKind::Root,
        principal_id: root.unique_id(),
        arn: root.arn(),
        account_id: account.to_string(),
        user_name: None,
    }
}

fn context(session: &Session, issuer: Option<SessionIssuer>) -> SessionContext {
    // A second factor that was shown to assume a role is a fact of that call, not of the session (IAM User Guide,
    // "Secure API access with MFA").
    let mfa_authenticated = session.origin == Origin::SessionToken && session.mfa_ms.is_some();
    let is_web = session.origin == Origin::WebIdentity;
    SessionContext {
        issuer,
        created_ms: session.issued_ms,
        mfa_authenticated,
        source_identity: session.source_identity.clone(),
        federated_provider: session.federated_provider.clone().filter(|_| is_web),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use strongroom_identity::Vouched;
    use strongroom_journal::{Record, render_cloudtrail_json};

    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn entity(name: &str, id: &str) -> Entity {
        Entity { account: ACCOUNT.parse().unwrap(), path: "/".into(), name: name.into(), id: id.into() }
    }

    fn session(origin: Origin) -> Session {
        Session {
            origin,
            issued_ms: 1_600_000_000_000,
            expires_ms: 1_600_003_600_000,
            mfa_ms: None,
            source_identity: None,
            tags: Vec::new(),
            federated_provider: None,
        }
    }

    fn called(principal: Principal, session: Option<Session>) -> Caller {
        let id = if session.is_some() { "ASIAEXAMPLE" } else { "AKIAEXAMPLE" };
        Caller { session: session.map(Arc::new), ..Caller::new(principal, id) }
    }

    /// As an event shows it.
    fn shown(identity: Identity) -> Value {
        let event = render_cloudtrail_json(&Record { identity, ..Record::default() });
        serde_json::from_str::<Value>(&event).unwrap()["userIdentity"].clone()
    }

    #[test]
    fn users_and_root_users_with_long_term_credentials_have_no_session() {
        let alice = called(Principal::User(entity("Alice", "AIDAEXAMPLE")), None);
        assert_eq!(
            shown(identity_of(&alice)),
            json!({
                "type": "IAMUser", "principalId": "AIDAEXAMPLE",
                "arn": "arn:aws:iam::111122223333:user/Alice", "accountId": ACCOUNT,
                "accessKeyId": "AKIAEXAMPLE", "userName": "Alice",
            })
        );
        let root = called(Principal::Root(ACCOUNT.parse().unwrap()), None);
        assert_eq!(
            shown(identity_of(&root)),
            json!({
                "type": "Root", "principalId": ACCOUNT, "arn": "arn:aws:iam::111122223333:root",
                "accountId": ACCOUNT, "accessKeyId": "AKIAEXAMPLE",
            })
        );
    }

    #[test]
    fn a_session_token_shows_when_it_was_made_and_whether_a_second_factor_was() {
        let user = || Principal::User(entity("Alice", "AIDAEXAMPLE"));
        let attributes = |mfa: &str| json!({"attributes": {"creationDate": "2020-09-13T12:26:40Z", "mfaAuthenticated": mfa}});
        let plain = called(user(), Some(session(Origin::SessionToken)));
        assert_eq!(shown(identity_of(&plain))["sessionContext"], attributes("false"));
        let mfa_ms = Some(1_600_000_000_000);
        let proven = called(user(), Some(Session { mfa_ms, ..session(Origin::SessionToken) }));
        let shown = shown(identity_of(&proven));
        assert_eq!(shown["sessionContext"], attributes("true"));
        assert_eq!((&shown["type"], &shown["userName"]), (&json!("IAMUser"), &json!("Alice")));
    }

    #[test]
    fn a_roles_session_names_its_role_and_never_says_that_a_second_factor_was_shown() {
        let role = Principal::RoleSession { role: entity("Admin", "AROAEXAMPLE"), session: "deploy".into() };
        let facts = Session {
            mfa_ms: Some(1_600_000_000_000),
            source_identity: Some("Jane".into()),
            ..session(Origin::AssumeRole)
        };
        assert_eq!(
            shown(identity_of(&called(role, Some(facts)))),
            json!({
                "type": "AssumedRole", "principalId": "AROAEXAMPLE:deploy",
                "arn": "arn:aws:sts::111122223333:assumed-role/Admin/deploy", "accountId": ACCOUNT,
                "accessKeyId": "ASIAEXAMPLE",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": "AROAEXAMPLE",
                        "arn": "arn:aws:iam::111122223333:role/Admin", "accountId": ACCOUNT, "userName": "Admin",
                    },
                    "attributes": {"creationDate": "2020-09-13T12:26:40Z", "mfaAuthenticated": "false"},
                    "sourceIdentity": "Jane",
                },
            })
        );
    }

    #[test]
    fn a_web_identitys_session_names_its_provider() {
        let role = Principal::RoleSession { role: entity("Web", "AROAEXAMPLE"), session: "s".into() };
        let provider = "arn:aws:iam::111122223333:oidc-provider/idp.example.com";
        let facts = Session { federated_provider: Some(provider.into()), ..session(Origin::WebIdentity) };
        assert_eq!(
            shown(identity_of(&called(role, Some(facts))))["sessionContext"]["webIdFederationData"],
            json!({"federatedProvider": provider, "attributes": {}})
        );
    }

    /// "CloudTrail userIdentity element", `identityProvider`; of whom nobody vouches for nothing is known.
    #[test]
    fn a_web_identity_is_shown_by_who_vouches_for_it() {
        let web = WebIdentity::unknown(ACCOUNT.parse().unwrap());
        let nobody = called(Principal::WebIdentity(web.clone()), None);
        assert_eq!(shown(identity_of(&nobody)), json!({"type": "Unknown"}));
        let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/idp.example.com");
        let (audience, subject) = ("sts.amazonaws.com".to_owned(), "job:7".to_owned());
        web.vouch(Vouched { provider: provider.clone(), audience, subject });
        let known = called(Principal::WebIdentity(web), None);
        let wanted = json!({
            "type": "WebIdentityUser",
            "principalId": format!("{provider}:sts.amazonaws.com:job:7"),
            "userName": "job:7",
            "identityProvider": provider,
        });
        assert_eq!((shown(identity_of(&known)), shown(of_other_account(&known))), (wanted.clone(), wanted));
    }

    #[test]
    fn a_federated_user_names_who_asked_for_it() {
        let federated = |issuer| Principal::FederatedUser {
            account: ACCOUNT.parse().unwrap(),
            name: "bob".into(),
            issuer,
        };
        let issuer = |principal| {
            shown(identity_of(&called(principal, Some(session(Origin::FederationToken)))))["sessionContext"]
                ["sessionIssuer"]
                .clone()
        };
        assert_eq!(
            issuer(federated(Some(entity("Alice", "AIDAEXAMPLE")))),
            json!({
                "type": "IAMUser", "principalId": "AIDAEXAMPLE",
                "arn": "arn:aws:iam::111122223333:user/Alice", "accountId": ACCOUNT, "userName": "Alice",
            })
        );
        assert_eq!(
            issuer(federated(None)),
            json!({
                "type": "Root", "principalId": ACCOUNT, "arn": "arn:aws:iam::111122223333:root",
                "accountId": ACCOUNT,
            })
        );
        let whole = shown(identity_of(&called(federated(None), Some(session(Origin::FederationToken)))));
        assert_eq!(
            (&whole["type"], &whole["principalId"]),
            (&json!("FederatedUser"), &json!("111122223333:bob"))
        );
    }

    /// What a resource's account sees ("CloudTrail userIdentity element", type AWSAccount).
    #[test]
    fn another_account_sees_an_id_and_an_account() {
        let role = Principal::RoleSession { role: entity("Admin", "AROAEXAMPLE"), session: "deploy".into() };
        assert_eq!(
            shown(of_other_account(&called(role, Some(session(Origin::AssumeRole))))),
            json!({"type": "AWSAccount", "principalId": "AROAEXAMPLE:deploy", "accountId": ACCOUNT})
        );
        let account = ACCOUNT.parse().unwrap();
        let service = called(Principal::Service { account, name: "cloudhsm.amazonaws.com" }, None);
        assert_eq!(
            shown(of_other_account(&service)),
            json!({"type": "AWSService", "invokedBy": "cloudhsm.amazonaws.com"})
        );
    }
}
