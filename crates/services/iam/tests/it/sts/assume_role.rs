//! AssumeRole: who may, and what comes of it.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::{AssumeRoleRequest, GetSessionTokenRequest, Sts as _, Tag};
use strongroom_identity::{NoCredential, Origin, Principal};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Actor, allowing, find, trusting};
use crate::fixture::NOW;
use crate::fixture::iam::{ACCOUNT, STRANGER, client, refusal};
use crate::mfa::device_of;

on_both_engines! {
    a_user_who_is_trusted_gets_a_session,
    an_account_that_is_trusted_decides_itself,
    of_two_accounts_both_must_allow,
    another_account_hears_of_those_whom_it_lets_in,
    an_external_id_is_asked_for,
    a_second_factor_is_asked_for,
    root_users_assume_nothing,
    a_role_must_list_itself,
    sessions_end_with_their_role,
    roles_of_services_are_theirs,
    durations_have_limits,
    what_is_no_role_is_refused,
}

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

pub(super) fn asked(role: &str) -> AssumeRoleRequest {
    AssumeRoleRequest { role_arn: arn(role), role_session_name: "s1".to_owned(), ..Default::default() }
}

fn unauthorized(user: &str, role: &str) -> String {
    format!(
        "AccessDenied: User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: sts:AssumeRole on \
         resource: {}",
        arn(role)
    )
}

async fn a_user_who_is_trusted_gets_a_session(database: &TestDatabase) {
    let client = client(database).await;
    let (user, other) = (Actor::user(&client, "a").await, Actor::user(&client, "b").await);
    let trust = trusting(&format!("arn:aws:iam::{ACCOUNT}:user/a"), "sts:AssumeRole");
    let input = iam::CreateRoleRequest {
        role_name: "r".to_owned(),
        path: Some("/team/".to_owned()),
        assume_role_policy_document: trust,
        ..Default::default()
    };
    let role = client.iam().create_role(&client.changing(), input).await.unwrap().role;
    // By name alone: "Policy evaluation for requests within a single account".
    let answer = user.assume(asked("team/r")).await.unwrap();
    let assumed = answer.assumed_role_user.unwrap();
    assert_eq!(assumed.arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/s1"));
    assert_eq!(assumed.assumed_role_id, format!("{}:s1", role.role_id));
    assert_eq!(answer.packed_policy_size, None);
    let credentials = answer.credentials.unwrap();
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 3_600_000);
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(session.identity().await, (assumed.arn, assumed.assumed_role_id));
    let facts = session.caller.session.clone().unwrap();
    assert_eq!(
        (facts.origin, facts.mfa_ms, facts.source_identity.as_deref()),
        (Origin::AssumeRole, None, None)
    );

    let because = " because no role trust policy allows the sts:AssumeRole action";
    assert_eq!(refusal(other.assume(asked("team/r")).await), unauthorized("b", "team/r") + because);
    // The ARN is the role's with its path; and what is not there looks the same.
    assert_eq!(refusal(user.assume(asked("r")).await), unauthorized("a", "r") + because);
    assert_eq!(refusal(user.assume(asked("none")).await), unauthorized("a", "none") + because);
}

async fn an_account_that_is_trusted_decides_itself(database: &TestDatabase) {
    let client = client(database).await;
    client.create_role("r", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    let user = Actor::user(&client, "a").await;
    let because = " because no identity-based policy allows the sts:AssumeRole action";
    assert_eq!(refusal(user.assume(asked("r")).await), unauthorized("a", "r") + because);
    client.put_user_policy("a", "p", &allowing("sts:AssumeRole", &arn("r"))).await.unwrap();
    let user = user.anew().await;
    user.assume(asked("r")).await.unwrap();
    let deny = allowing("sts:*", "*").replace("Allow", "Deny");
    client.put_user_policy("a", "q", &deny).await.unwrap();
    let because = " with an explicit deny in an identity-based policy";
    assert_eq!(refusal(user.anew().await.assume(asked("r")).await), unauthorized("a", "r") + because);
}

/// "Cross-account policy evaluation logic". Nobody of another account is told what was missing.
async fn of_two_accounts_both_must_allow(database: &TestDatabase) {
    let client = client(database).await;
    let stranger = client.as_of(STRANGER);
    let user = Actor::user(&stranger, "a").await;
    let caller = format!("arn:aws:iam::{STRANGER}:user/a");
    let refused = format!(
        "AccessDenied: User: {caller} is not authorized to perform: sts:AssumeRole on resource: {}",
        arn("r")
    );
    assert_eq!(refusal(user.assume(asked("r")).await), refused);
    client.create_role("r", &trusting(&caller, "sts:AssumeRole")).await.unwrap();
    assert_eq!(refusal(user.assume(asked("r")).await), refused);
    stranger.put_user_policy("a", "p", &allowing("sts:AssumeRole", "*")).await.unwrap();
    let answer = user.anew().await.assume(asked("r")).await.unwrap();
    let session = Actor::with(&client, &answer.credentials.unwrap()).await;
    assert_eq!(session.identity().await.0, format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/s1"));
    client.create_role("closed", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    assert_eq!(
        refusal(user.anew().await.assume(asked("closed")).await),
        refused.replace("role/r", "role/closed")
    );
}

/// What a call touched is told to whose it is: a call that is wrong in itself tells nobody else.
async fn another_account_hears_of_those_whom_it_lets_in(database: &TestDatabase) {
    let client = client(database).await;
    let stranger = client.as_of(STRANGER);
    let user = Actor::user(&stranger, "a").await;
    let of_mine = Actor::user(&client, "a").await;
    let touched = async |actor: &Actor, input: AssumeRoleRequest| {
        let context = actor.context();
        let answer = actor.sts().assume_role(&context, input).await;
        let resources = context.take_notes().resources.into_iter();
        (answer.is_ok(), resources.map(|resource| (resource.account, resource.arn)).collect::<Vec<_>>())
    };
    let of_role = vec![(ACCOUNT.to_owned(), arn("r"))];
    let malformed = || AssumeRoleRequest { policy: Some("{bad".to_owned()), ..asked("r") };
    let tagged = || AssumeRoleRequest {
        tags: Some(vec![Tag { key: "aws:x".to_owned(), value: "y".to_owned() }]),
        ..asked("r")
    };
    // The one is told nothing, whether the role is there or not; the other may know what happens in his account.
    let trust = trusting(&format!("arn:aws:iam::{STRANGER}:user/a"), "sts:AssumeRole");
    for make in [false, true] {
        if make {
            client.create_role("r", &trust).await.unwrap();
        }
        for input in [malformed(), tagged(), asked("r")] {
            assert_eq!(touched(&user, input.clone()).await, (false, vec![]));
            assert_eq!(touched(&of_mine, input).await, (false, of_role.clone()));
        }
    }
    stranger.put_user_policy("a", "p", &allowing("sts:AssumeRole", "*")).await.unwrap();
    let user = user.anew().await;
    assert_eq!(touched(&user, asked("r")).await, (true, of_role.clone()));
    // The account hears of what went wrong for somebody whom it lets in.
    let long = AssumeRoleRequest { duration_seconds: Some(7200), ..asked("r") };
    assert_eq!(touched(&user, long).await, (false, of_role));
}

/// "How to use an external ID": the confused deputy.
async fn an_external_id_is_asked_for(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let trust = trusting(&format!("arn:aws:iam::{ACCOUNT}:user/a"), "sts:AssumeRole")
        .replace("}]", r#","Condition":{"StringEquals":{"sts:ExternalId":"Unique ID"}}}]"#);
    client.create_role("r", &trust.replace("Unique ID", "12345")).await.unwrap();
    let with = |id: Option<&str>| AssumeRoleRequest { external_id: id.map(str::to_owned), ..asked("r") };
    user.assume(with(Some("12345"))).await.unwrap();
    for id in [None, Some("12346"), Some("*")] {
        user.assume(with(id)).await.unwrap_err();
    }
}

async fn a_second_factor_is_asked_for(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let trust = trusting(&format!("arn:aws:iam::{ACCOUNT}:user/a"), "sts:AssumeRole")
        .replace("}]", r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]"#);
    client.create_role("r", &trust).await.unwrap();
    let (serial, app) = device_of(&client, "a", "phone").await;
    let with = |code: String| AssumeRoleRequest {
        serial_number: Some(serial.clone()),
        token_code: Some(code),
        ..asked("r")
    };
    user.assume(asked("r")).await.unwrap_err();
    let code = app.code(NOW + 30_000);
    let answer = user.assume(with(code.clone())).await.unwrap();
    // The session of a role has no second factor of its own.
    let session = Actor::with(&client, &answer.credentials.unwrap()).await;
    assert_eq!(session.caller.session.clone().unwrap().mfa_ms, None);
    assert_eq!(
        refusal(user.assume(with(code)).await),
        "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "
    );
    // Nor has it a device.
    assert_eq!(
        refusal(session.assume(with("000000".to_owned())).await),
        "AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial \
         number is valid and associated with this user."
    );
    // A session of GetSessionToken brings its own.
    client.server.clock.set(NOW + 60_000);
    let (serial_number, token_code) = (Some(serial.clone()), Some(app.code(NOW + 60_000)));
    let input = GetSessionTokenRequest { serial_number, token_code, ..Default::default() };
    let given = user.get_session_token(input).await.unwrap();
    Actor::with(&client, &given).await.assume(asked("r")).await.unwrap();
}

async fn root_users_assume_nothing(database: &TestDatabase) {
    let client = client(database).await;
    client.create_role("r", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    let root = Actor::root(&client);
    let given = root.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    for actor in [root, Actor::with(&client, &given).await] {
        assert_eq!(
            refusal(actor.assume(asked("r")).await),
            "AccessDenied: Roles may not be assumed by root accounts."
        );
    }
}

/// AWS Security Blog, "Announcing an update to IAM role trust policy behavior".
async fn a_role_must_list_itself(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let by_user = format!("arn:aws:iam::{ACCOUNT}:user/a");
    client.create_role("r", &trusting(&by_user, "sts:AssumeRole")).await.unwrap();
    let put = iam::PutRolePolicyRequest {
        role_name: "r".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: allowing("sts:AssumeRole", "*"),
    };
    client.iam().put_role_policy(&client.changing(), put).await.unwrap();
    let session = user.session(asked("r")).await;
    session.assume(asked("r")).await.unwrap_err();
    let both = trusting(&format!("{by_user}\",\"{}", arn("r")), "sts:AssumeRole");
    let input = iam::UpdateAssumeRolePolicyRequest { role_name: "r".to_owned(), policy_document: both };
    client.iam().update_assume_role_policy(&client.changing(), input).await.unwrap();
    session.assume(asked("r")).await.unwrap();
}

async fn sessions_end_with_their_role(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let trust = trusting(&format!("arn:aws:iam::{ACCOUNT}:user/a"), "sts:AssumeRole");
    client.create_role("r", &trust).await.unwrap();
    let given = user.assume(asked("r")).await.unwrap().credentials.unwrap();
    let (id, token) = (given.access_key_id.as_str(), Some(given.session_token.as_str()));
    find(&client.server, id, token).await.unwrap();
    client.delete_role("r").await.unwrap();
    assert_eq!(find(&client.server, id, token).await.unwrap_err(), NoCredential::InvalidToken);
    client.create_role("r", &trust).await.unwrap();
    assert_eq!(find(&client.server, id, token).await.unwrap_err(), NoCredential::InvalidToken);
    // The user who is gone, and a namesake, are not trusted.
    client.delete_access_key("a", &user.caller.access_key_id).await.unwrap();
    client.delete_user("a").await.unwrap();
    Actor::user(&client, "a").await.assume(asked("r")).await.unwrap_err();
}

async fn roles_of_services_are_theirs(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    client.put_user_policy("a", "p", &allowing("*", "*")).await.unwrap();
    let input = iam::CreateServiceLinkedRoleRequest {
        aws_service_name: "cloudhsm.amazonaws.com".to_owned(),
        ..Default::default()
    };
    let role =
        client.iam().create_service_linked_role(&client.changing(), input).await.unwrap().role.unwrap();
    let input = AssumeRoleRequest { role_arn: role.arn, ..asked("r") };
    user.anew().await.assume(input).await.unwrap_err();
}

async fn durations_have_limits(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let trust = trusting(ACCOUNT, "sts:AssumeRole");
    client.put_user_policy("a", "p", &allowing("sts:AssumeRole", "*")).await.unwrap();
    let user = user.anew().await;
    let input = iam::CreateRoleRequest {
        role_name: "long".to_owned(),
        max_session_duration: Some(7200),
        assume_role_policy_document: trust.clone(),
        ..Default::default()
    };
    client.iam().create_role(&client.changing(), input).await.unwrap();
    client.create_role("r", &trust).await.unwrap();
    let of = |role: &str, seconds| AssumeRoleRequest { duration_seconds: Some(seconds), ..asked(role) };
    for (role, seconds) in [("r", 900), ("r", 3600), ("long", 7200)] {
        let given = user.assume(of(role, seconds)).await.unwrap().credentials.unwrap();
        assert_eq!(given.expiration.as_millis(), NOW / 1000 * 1000 + i64::from(seconds) * 1000);
    }
    let over =
        "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_eq!(refusal(user.assume(of("r", 3601)).await), over);
    assert_eq!(refusal(user.assume(of("long", 7201)).await), over);
    let given = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let session = Actor::with(&client, &given).await;
    assert_eq!(
        refusal(session.assume(of("long", 3601)).await),
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
    );
    session.assume(of("long", 3600)).await.unwrap();
}

async fn what_is_no_role_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    for arn in [
        "arn:aws:iam::111122223333:user/a",
        "arn:aws:iam::11112222333:role/a",
        "arn:aws:iam:us-east-1:111122223333:role/a",
        "arn:aws-cn:iam::111122223333:role/a",
        "arn:aws:sts::111122223333:role/a",
        "arn:aws:iam::111122223333:role/",
        "a role of some name at all",
    ] {
        let input = AssumeRoleRequest { role_arn: arn.to_owned(), ..asked("r") };
        assert_eq!(refusal(user.assume(input).await), "ValidationError: Request ARN is invalid", "{arn}");
    }
    assert!(matches!(user.caller.principal, Principal::User(_)));
}
