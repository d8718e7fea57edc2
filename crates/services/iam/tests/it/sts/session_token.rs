//! GetSessionToken, and session tokens at the front door.

use strongroom_api_sts::{
    AssumeRoleRequest, Credentials, GetFederationTokenRequest, GetSessionTokenRequest, Sts as _,
};
use strongroom_identity::{NoCredential, Origin};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Actor, allowing, find, trusting};
use crate::fixture::iam::{ACCOUNT, Client, STRANGER, client, refusal, serve};
use crate::fixture::{NOW, open};
use crate::mfa::{STEP, device_of};

on_both_engines! {
    a_user_gets_credentials_of_his_own,
    a_token_is_as_long_as_it_is_asked_to_be,
    tokens_are_taken_with_their_own_key_and_unchanged,
    a_session_ends_by_real_time,
    a_session_ends_with_its_user,
    another_server_knows_it,
    durations_are_aws_s,
    sessions_make_no_sessions,
    a_code_proves_the_second_factor_once,
    codes_come_from_ones_own_device,
    guessing_is_slow,
}

async fn a_user_gets_credentials_of_his_own(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let credentials = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let id = credentials.access_key_id.as_str();
    assert!(id.starts_with("ASIA") && id.len() == 20, "{id}");
    assert_eq!(credentials.secret_access_key.expose().len(), 40);
    assert!(credentials.session_token.len() < 700, "{}", credentials.session_token.len());
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 43_200_000);
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(session.identity().await, user.identity().await);
    let facts = session.caller.session.clone().unwrap();
    assert_eq!((facts.origin, facts.issued_ms, facts.mfa_ms), (Origin::SessionToken, NOW, None));

    let root = Actor::root(&client);
    let credentials = root.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    assert_eq!(credentials.expiration.as_millis(), NOW / 1000 * 1000 + 3_600_000);
    let session = Actor::with(&client, &credentials).await;
    assert_eq!(session.identity().await, root.identity().await);
}

/// STS API Reference, `MinimumSessionTokenSize`: for trying out whether a client has room for tokens; `SessionTokenSize`
/// and `SessionTokenUtilization` of what is given out.
async fn a_token_is_as_long_as_it_is_asked_to_be(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    client.put_user_policy("a", "p", &allowing("sts:*", "*")).await.unwrap();
    client.create_role("r", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    let user = user.anew().await;
    // Its length, if that is what the answer says.
    let length_of = async |credentials: Option<Credentials>, size: Option<i32>, utilization: Option<i32>| {
        let credentials = credentials.unwrap();
        // It is as good as any other.
        Actor::with(&client, &credentials).await;
        let length = i32::try_from(credentials.session_token.len()).unwrap();
        assert_eq!(size, Some(length));
        // Of the longest that a request may have.
        let utilization = utilization.unwrap();
        assert!(
            (utilization - 1) * 8192 < length * 100 && length * 100 <= utilization * 8192,
            "{utilization}"
        );
        length
    };
    let of_user = async |size| {
        let input = GetSessionTokenRequest { minimum_session_token_size: size, ..Default::default() };
        let given = user.sts().get_session_token(&user.context(), input).await.unwrap();
        length_of(given.credentials, given.session_token_size, given.session_token_utilization).await
    };
    let usual = of_user(None).await;
    for size in [0, 1, 99] {
        assert_eq!(of_user(Some(size)).await, usual, "{size}");
    }
    for size in [1000, 2047, 2048, 2049, 4095, 4096] {
        let expected = (size + 3) / 4 * 4;
        assert_eq!(of_user(Some(size)).await, expected, "{size}");
        let input =
            AssumeRoleRequest { minimum_session_token_size: Some(size), ..super::assume_role::asked("r") };
        let given = user.assume(input).await.unwrap();
        assert_eq!(given.packed_policy_size, None);
        let length =
            length_of(given.credentials, given.session_token_size, given.session_token_utilization).await;
        assert_eq!(length, expected, "{size}");
        let input = GetFederationTokenRequest {
            name: "Bob".to_owned(),
            minimum_session_token_size: Some(size),
            ..Default::default()
        };
        let given = user.sts().get_federation_token(&user.context(), input).await.unwrap();
        let length =
            length_of(given.credentials, given.session_token_size, given.session_token_utilization).await;
        assert_eq!(length, expected, "{size}");
    }
}

async fn tokens_are_taken_with_their_own_key_and_unchanged(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let one = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let other = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let server = &client.server;
    let find = async |id: &str, token: Option<&str>| find(server, id, token).await.map(drop);
    let invalid = Err(NoCredential::InvalidToken);
    let (id, token) = (one.access_key_id.as_str(), one.session_token.as_str());
    // Before it is in memory, and after.
    for _ in 0..2 {
        assert_eq!(find(id, Some(&other.session_token)).await, invalid);
        assert_eq!(find(&other.access_key_id, Some(token)).await, invalid);
        assert_eq!(find(&user.caller.access_key_id, Some(token)).await, invalid);
        assert_eq!(find(id, None).await, invalid);
        assert_eq!(find(id, Some("")).await, invalid);
        for at in (0..token.len()).step_by(7) {
            let mut changed = token.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(find(id, Some(&changed)).await, invalid, "{at}");
        }
        assert_eq!(find(id, Some(&token[..token.len() - 4])).await, invalid);
        assert_eq!(find(id, Some(&format!("{token}AAAA"))).await, invalid);
        find(id, Some(token)).await.unwrap();
    }
    // What nobody was given.
    assert_eq!(find("ASIAIOSFODNN7EXAMPLE", Some(token)).await, invalid);
}

async fn a_session_ends_by_real_time(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let input = GetSessionTokenRequest { duration_seconds: Some(900), ..Default::default() };
    let given = user.get_session_token(input).await.unwrap();
    let (id, token) = (given.access_key_id.as_str(), Some(given.session_token.as_str()));
    let end = given.expiration.as_millis();
    client.server.clock.set(end - 1);
    find(&client.server, id, token).await.unwrap();
    client.server.clock.set(end);
    assert_eq!(find(&client.server, id, token).await.unwrap_err(), NoCredential::ExpiredToken);
}

async fn a_session_ends_with_its_user(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap();
    let user = Actor::with_key(&client, &key).await;
    let given = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let (id, token) = (given.access_key_id.as_str(), Some(given.session_token.as_str()));
    client.delete_access_key("a", &key.access_key_id).await.unwrap();
    find(&client.server, id, token).await.unwrap();
    client.delete_user("a").await.unwrap();
    assert_eq!(find(&client.server, id, token).await.unwrap_err(), NoCredential::InvalidToken);
    client.create_user("a").await.unwrap();
    assert_eq!(find(&client.server, id, token).await.unwrap_err(), NoCredential::InvalidToken);
}

async fn another_server_knows_it(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let given = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    let other = client.on(&serve(&open(database).await));
    assert_eq!(Actor::with(&other, &given).await.identity().await, user.identity().await);
}

/// STS API Reference, "GetSessionToken".
async fn durations_are_aws_s(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let root = Actor::root(&client);
    for (actor, asked, seconds) in
        [(&user, 900, 900), (&user, 129_600, 129_600), (&root, 900, 900), (&root, 7200, 3600)]
    {
        let input = GetSessionTokenRequest { duration_seconds: Some(asked), ..Default::default() };
        let given = actor.get_session_token(input).await.unwrap();
        assert_eq!(given.expiration.as_millis(), NOW / 1000 * 1000 + seconds * 1000, "{asked}");
    }
}

async fn sessions_make_no_sessions(database: &TestDatabase) {
    let client = client(database).await;
    for actor in [Actor::user(&client, "a").await, Actor::root(&client)] {
        let given = actor.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
        let session = Actor::with(&client, &given).await;
        assert_eq!(
            refusal(session.get_session_token(GetSessionTokenRequest::default()).await),
            "AccessDenied: Cannot call GetSessionToken with session credentials"
        );
    }
}

fn with_code(serial: &str, code: String) -> GetSessionTokenRequest {
    let (serial_number, token_code) = (Some(serial.to_owned()), Some(code));
    GetSessionTokenRequest { serial_number, token_code, ..Default::default() }
}

async fn a_code_proves_the_second_factor_once(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let (serial, app) = device_of(&client, "a", "phone").await;
    let wrong = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    // Those that enabled the device are used up.
    for code in [app.code(NOW), app.code(NOW - STEP), app.code(NOW + 2 * STEP), "000000".to_owned()] {
        assert_eq!(refusal(user.get_session_token(with_code(&serial, code)).await), wrong);
    }
    let given = user.get_session_token(with_code(&serial, app.code(NOW + STEP))).await.unwrap();
    let facts = Actor::with(&client, &given).await.caller.session.unwrap();
    assert_eq!(facts.mfa_ms, Some(NOW));
    assert_eq!(refusal(user.get_session_token(with_code(&serial, app.code(NOW + STEP))).await), wrong);
    // Codes go by real time, what policies see by the time that requests have.
    client.server.clock.set(NOW + 10 * STEP);
    let code = app.code(NOW + 10 * STEP);
    let given = user.get_session_token(with_code(&serial, code)).await.unwrap();
    assert_eq!(Actor::with(&client, &given).await.caller.session.unwrap().mfa_ms, Some(NOW));
}

async fn codes_come_from_ones_own_device(database: &TestDatabase) {
    let client = client(database).await;
    let (user, _) = (Actor::user(&client, "a").await, Actor::user(&client, "b").await);
    let (serial, app) = device_of(&client, "b", "phone").await;
    let not_his = "AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA \
                   serial number is valid and associated with this user.";
    let code = || app.code(NOW + STEP);
    let absent = "arn:aws:iam::111122223333:mfa/none";
    for serial in [serial.as_str(), absent, "GAHT12345678", "arn:aws:iam::444455556666:mfa/phone"] {
        assert_eq!(refusal(user.get_session_token(with_code(serial, code())).await), not_his, "{serial}");
    }
    let stranger: Client = client.as_of(STRANGER);
    let foreign = Actor::user(&stranger, "b").await;
    assert_eq!(refusal(foreign.get_session_token(with_code(&serial, code())).await), not_his);
    let half = "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass \
                code.";
    let serial_alone = GetSessionTokenRequest { token_code: None, ..with_code(&serial, code()) };
    assert_eq!(refusal(user.get_session_token(serial_alone).await), half);
    let code_alone = GetSessionTokenRequest { serial_number: None, ..with_code(&serial, code()) };
    assert_eq!(refusal(user.get_session_token(code_alone).await), half);
}

async fn guessing_is_slow(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let (serial, app) = device_of(&client, "a", "phone").await;
    for _ in 0..10 {
        user.get_session_token(with_code(&serial, app.code(NOW + 9 * STEP))).await.unwrap_err();
    }
    user.get_session_token(with_code(&serial, app.code(NOW + STEP))).await.unwrap_err();
    let later = NOW + 10 * STEP;
    client.server.clock.set(later);
    user.get_session_token(with_code(&serial, app.code(later))).await.unwrap();
}
