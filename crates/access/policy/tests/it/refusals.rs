//! What people read: refusals in AWS's words, and traces.

use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{
    ContextKeys, Entity, Guard, Policies, Policy, Request, Subject, Values, decide, explain,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

fn policy(name: &str, statement: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let kind = if statement.contains("Principal") { Kind::Key } else { Kind::Identity };
    Policy::new(name, &Document::parse(&text, kind).unwrap())
}

fn alice() -> Subject {
    let entity = Entity::new("arn:aws:iam::111122223333:user/alice", "AIDACKCEVSQ6C2EXAMPLE");
    Subject::user("111122223333".parse().unwrap(), entity)
}

fn refusal(subject: &Subject, policies: &Policies<'_>) -> String {
    let owner = "111122223333".parse().unwrap();
    let request = Request { subject, action: "kms:Decrypt", resource: KEY, owner, keys: &() };
    let text = decide(&request, policies).denied(&request).expect("it is denied").to_string();
    let start =
        format!("User: {} is not authorized to perform: kms:Decrypt on resource: {KEY} ", subject.arn());
    text.strip_prefix(&start).expect("all refusals start alike").to_owned()
}

/// IAM User Guide, "Troubleshoot access denied error messages": the forms for every kind of policy.
#[test]
fn refusals_have_the_forms_of_aws() {
    let allow = [policy("own", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).into()];
    let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    let inline = [policy("own", deny).into()];
    let managed = [policy("arn:aws:iam::111122223333:policy/Deny", deny).into()];
    let silent = Policy::silent("nothing");
    let silence = [Policy::silent("nothing").into()];
    let to_account = policy(
        "key",
        r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#,
    );
    let to_nobody = policy("key", r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#);
    let named = to_nobody.named("arn:aws:iam::111122223333:role/app");
    let boundary = policy("arn:aws:iam::111122223333:policy/Limit", deny);

    let of_key = |policy| Policies { guard: Guard::Key(policy), ..Policies::default() };
    let delegated = Policies { identity: &allow, ..of_key(&to_account) };
    let table = [
        (of_key(&silent), "because no resource-based policy allows the kms:Decrypt action"),
        (of_key(&to_account), "because no identity-based policy allows the kms:Decrypt action"),
        (
            Policies { boundary: Some(&silent), ..delegated },
            "because no permissions boundary allows the kms:Decrypt action",
        ),
        (
            Policies { session: Some(&silence), ..delegated },
            "because no session policy allows the kms:Decrypt action",
        ),
        (
            Policies { guard: Guard::Trust(&silent), ..Policies::default() },
            "because no role trust policy allows the kms:Decrypt action",
        ),
        (of_key(&to_nobody), "with an explicit deny in a resource-based policy"),
        (
            Policies { guard: Guard::Trust(&to_nobody), ..Policies::default() },
            "with an explicit deny in the role trust policy",
        ),
        (
            Policies { identity: &inline, ..of_key(&to_account) },
            "with an explicit deny in an identity-based policy",
        ),
        (
            Policies { identity: &managed, ..of_key(&to_account) },
            "with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/Deny",
        ),
        (
            Policies { boundary: Some(&boundary), ..delegated },
            "with an explicit deny in a permissions boundary: arn:aws:iam::111122223333:policy/Limit",
        ),
        (Policies { session: Some(&inline), ..delegated }, "with an explicit deny in a session policy"),
        (
            Policies { session: Some(&managed), ..delegated },
            "with an explicit deny in a session policy: arn:aws:iam::111122223333:policy/Deny",
        ),
        // What is attached to a resource is not named, whatever it is called.
        (of_key(&named), "with an explicit deny in a resource-based policy"),
        (
            Policies { guard: Guard::Trust(&named), ..Policies::default() },
            "with an explicit deny in the role trust policy",
        ),
    ];
    for (policies, expected) in table {
        assert_eq!(refusal(&alice(), &policies), expected);
    }
}

/// A session appears under its own ARN, which is without the path of its role.
#[test]
fn sessions_are_refused_under_their_own_name() {
    let role = Entity::new("arn:aws:iam::111122223333:role/path/app", "AROADBQP57FF2AEXAMPLE");
    let session = Subject::role_session("111122223333".parse().unwrap(), role, "s1");
    assert_eq!(session.arn(), "arn:aws:sts::111122223333:assumed-role/app/s1");
    let text = refusal(&session, &Policies::default());
    assert_eq!(text, "because no identity-based policy allows the kms:Decrypt action");
}

struct Via;

impl ContextKeys for Via {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        (key == "kms:viaservice").then(|| Values::text("sns.us-east-1.amazonaws.com"))
    }
}

#[test]
fn a_trace_tells_all_there_is_to_tell() {
    let key = policy(
        "key-policy",
        r#"[{"Sid":"Enable IAM","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*",
             "Resource":"*"},
            {"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
             "Condition":{"StringEquals":{"kms:ViaService":["s3.us-east-1.amazonaws.com"]}}},
            {"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:*","Resource":"*"}]"#,
    );
    let own = [policy(
        "arn:aws:iam::111122223333:policy/Decrypt",
        r#"[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"},
                {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:*:*:alias/*"},
                {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
                 "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}]"#,
    )
    .into()];
    let subject = alice();
    let owner = "111122223333".parse().unwrap();
    let request = Request { subject: &subject, action: "kms:Decrypt", resource: KEY, owner, keys: &Via };
    let policies = Policies { identity: &own, guard: Guard::Key(&key), ..Policies::default() };
    assert_eq!(
        explain(&request, &policies).to_string(),
        r#"kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/1 by arn:aws:iam::111122223333:user/alice
resource-based policy "key-policy"
  [0] Allow (Sid "Enable IAM"): applies, to the account
  [1] Deny: the condition StringEquals kms:ViaService [s3.us-east-1.amazonaws.com] does not hold: the request has [sns.us-east-1.amazonaws.com]
  [2] Allow: is about other principals
identity-based policy "arn:aws:iam::111122223333:policy/Decrypt"
  [0] Allow: is about other actions
  [1] Allow: is about other resources
  [2] Allow: applies
=> allowed by statement 2 of "arn:aws:iam::111122223333:policy/Decrypt" (identity-based policy)"#
    );
    let alone = Policies { identity: &[], ..policies };
    let trace = explain(&request, &alone).to_string();
    assert!(trace.ends_with("=> not allowed: no identity-based policy allows it"), "{trace}");
}

#[test]
fn a_policy_knows_the_keys_that_it_asks_about() {
    let policy = policy(
        "own",
        r#"[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}},
            {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:securetransport":true},
             "StringLike":{"kms:EncryptionContext:a":"*"}}}]"#,
    );
    assert_eq!(policy.condition_keys(), ["aws:securetransport", "kms:encryptioncontext:a"]);
}
