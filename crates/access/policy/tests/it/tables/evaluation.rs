//! Whole decisions: what the layers say together.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strongroom_identity::AccountId;
use strongroom_policy::document::{Document, Kind, NamedPrincipal, Scope};
use strongroom_policy::{
    Decision, Entity, Grant, Guard, Layer, Policies, Policy, Request, Subject, decide, explain,
};

use super::{ACCOUNT, Stated, cases, policy};

pub(super) const TABLES: &[&str] = &[
    include_str!("same_account.txt"),
    include_str!("cross_account.txt"),
    include_str!("keys_and_roles.txt"),
];

const ACTION: &str = "kms:Decrypt";
const RESOURCE: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

/// `AIDAALICEEXAMPLE00000` and the like: every name has its own.
fn unique_id(prefix: &str, name: &str) -> String {
    format!("{:0<21}", format!("{prefix}{}EXAMPLE", name.to_uppercase()))
}

fn entity(account: AccountId, kind: &str, path_and_name: &str) -> Entity {
    let name = path_and_name.rsplit('/').next().unwrap();
    let prefix = if kind == "user" { "AIDA" } else { "AROA" };
    Entity::new(format!("arn:aws:iam::{account}:{kind}/{path_and_name}"), unique_id(prefix, name))
}

/// `user alice`, `role session app/s1 of 444455556666`, `federated user bob by alice` and so on.
pub(super) fn subject(text: &str) -> Subject {
    let (who, account) = text.split_once(" of ").unwrap_or((text, ACCOUNT));
    let account: AccountId = account.parse().unwrap();
    if let Some(user) = who.strip_prefix("user ") {
        return Subject::user(account, entity(account, "user", user));
    }
    if let Some(session) = who.strip_prefix("role session ") {
        let (role, session) = session.rsplit_once('/').unwrap();
        return Subject::role_session(account, entity(account, "role", role), session);
    }
    if let Some(user) = who.strip_prefix("federated user ") {
        let (name, issuer) = match user.split_once(" by ") {
            Some((name, issuer)) => (name, Some(entity(account, "user", issuer))),
            None => (user, None),
        };
        return Subject::federated_user(account, name, issuer);
    }
    if let Some(service) = who.strip_prefix("service ") {
        let (name, works_for) = match service.split_once(" for ") {
            Some((name, works_for)) => (name, Some(works_for.parse().unwrap())),
            None => (service, None),
        };
        return Subject::service(name, works_for);
    }
    match who {
        "root" => Subject::root(account),
        "anonymous" => Subject::anonymous(),
        other => panic!("{other} is nobody"),
    }
}

fn principal(who: &str) -> Json {
    let aws = |arn: &str| json!({"AWS": arn});
    match who {
        "everybody" => aws("*"),
        "account" => aws("111122223333"),
        "user" => aws("arn:aws:iam::111122223333:user/alice"),
        "role" => aws("arn:aws:iam::111122223333:role/app"),
        "role session" => aws("arn:aws:sts::111122223333:assumed-role/app/s1"),
        "federated user" => aws("arn:aws:sts::111122223333:federated-user/bob"),
        "service" => json!({"Service": "cloudtrail.amazonaws.com"}),
        "their account" => aws("444455556666"),
        "their user" => aws("arn:aws:iam::444455556666:user/alice"),
        "their role" => aws("arn:aws:iam::444455556666:role/app"),
        "their role session" => aws("arn:aws:sts::444455556666:assumed-role/app/s1"),
        other => panic!("{other} is nobody"),
    }
}

/// A case's policies, put together.
#[derive(Default)]
struct Setting {
    identity: Vec<Arc<Policy>>,
    boundary: Option<Policy>,
    session: Option<Vec<Arc<Policy>>>,
    kind: &'static str,
    attached: Vec<Json>,
    grants: Vec<(NamedPrincipal, &'static str, bool)>,
}

fn of_layer(says: &str) -> Policy {
    let statement = |effect| {
        let text = json!({"Version": "2012-10-17",
            "Statement": {"Effect": effect, "Action": "kms:*", "Resource": "*"}});
        policy("own", &text.to_string(), Kind::Identity)
    };
    match says {
        "allow" => statement("Allow"),
        "deny" => statement("Deny"),
        "silent" => Policy::allowing("own", &["s3:GetObject"]),
        other => panic!("{other} is nothing that a policy says"),
    }
}

impl Setting {
    fn add(&mut self, part: &'static str) {
        let (layer, says) = part.split_once(' ').unwrap_or((part, ""));
        match layer {
            "nothing" => {}
            "identity" => self.identity.push(of_layer(says).into()),
            "boundary" => self.boundary = Some(of_layer(says)),
            "session" => {
                let session = self.session.get_or_insert_default();
                if says != "empty" {
                    session.push(of_layer(says).into());
                }
            }
            "policy" | "key" | "trust" => {
                self.kind = layer;
                if let Some((effect, who)) = says.split_once(' ') {
                    let effect = if effect == "deny" { "Deny" } else { "Allow" };
                    let mut statement = json!({"Effect": effect, "Principal": principal(who),
                        "Action": if layer == "trust" { "sts:*" } else { "kms:*" }});
                    if layer != "trust" {
                        statement["Resource"] = json!("*");
                    }
                    self.attached.push(statement);
                }
            }
            "grant" => {
                let (action, holds, who) = match says.split_once(' ') {
                    Some(("broken", who)) => (ACTION, false, who),
                    Some(("other", who)) => ("kms:Encrypt", true, who),
                    _ => (ACTION, true, says),
                };
                let text = json!({"Statement": {"Effect": "Allow", "Principal": principal(who)}}).to_string();
                let mut document = Document::parse(&text, Kind::Key).unwrap();
                let Some(Scope::Only(mut named)) = document.statements.remove(0).principals else {
                    panic!("{text}");
                };
                self.grants.push((named.remove(0), action, holds));
            }
            other => panic!("{other} is no layer"),
        }
    }
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity => "identity",
        Layer::Resource => "resource",
        Layer::Trust => "trust",
        Layer::Boundary => "boundary",
        Layer::Session => "session",
        Layer::Grant => "grant",
        Layer::Root => "root",
    }
}

fn run(table: &'static str) {
    for case in cases(table) {
        let mut setting = Setting::default();
        case.given.split("; ").for_each(|part| setting.add(part));
        let action = if setting.kind == "trust" { "sts:AssumeRole" } else { ACTION };
        let kind = if setting.kind == "trust" { Kind::Trust } else { Kind::Key };
        let attached = if setting.attached.is_empty() {
            Policy::silent("attached")
        } else {
            let text = json!({"Version": "2012-10-17", "Statement": setting.attached}).to_string();
            policy("attached", &text, kind)
        };
        let guard = match setting.kind {
            "policy" => Guard::Policy(&attached),
            "key" => Guard::Key(&attached),
            "trust" => Guard::Trust(&attached),
            _ => Guard::None,
        };
        let actions: Vec<_> = setting.grants.iter().map(|(_, action, _)| [*action]).collect();
        let granted = setting.grants.iter().zip(&actions);
        let grants: Vec<_> = granted
            .map(|((grantee, _, holds), actions)| Grant {
                id: "grant",
                grantee,
                actions,
                unmet: (!*holds).then_some("EncryptionContextEquals"),
            })
            .collect();
        let (subject, keys) = (subject(case.about), Stated::parse("nothing"));
        let owner = ACCOUNT.parse().unwrap();
        let request = Request { subject: &subject, action, resource: RESOURCE, owner, keys: &keys };
        let policies = Policies {
            identity: &setting.identity,
            boundary: setting.boundary.as_ref(),
            session: setting.session.as_deref(),
            guard,
            grants: &grants,
        };
        let decision = decide(&request, &policies);
        case.expect(&match decision {
            Decision::Allowed { layer: by, .. } => format!("allowed {}", layer(by)),
            Decision::ExplicitlyDenied { layer: by, .. } => format!("denied {}", layer(by)),
            Decision::NotAllowed { layer: by } => format!("missing {}", layer(by)),
        });
        // Who explains decides alike, and whoever is refused is told in AWS's words.
        let trace = explain(&request, &policies);
        assert_eq!(trace.is_allowed, decision.is_allowed());
        let denied = decision.denied(&request).map(|denied| denied.to_string());
        assert_eq!(denied.is_none(), decision.is_allowed());
        if let Some(text) = denied {
            let start =
                format!("User: {} is not authorized to perform: {action} on resource: ", subject.arn());
            assert!(text.starts_with(&start), "{text}");
        }
    }
}

#[test]
fn within_one_account() {
    run(include_str!("same_account.txt"));
}

#[test]
fn across_accounts() {
    run(include_str!("cross_account.txt"));
}

#[test]
fn keys_and_roles() {
    run(include_str!("keys_and_roles.txt"));
}
