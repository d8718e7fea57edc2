//! What temporary credentials may not call, and who somebody is. The table is that of "Compare AWS STS credentials"
//! (IAM User Guide).

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::{
    GetAccessKeyInfoRequest, GetFederationTokenRequest, GetSessionTokenRequest, Sts as _,
};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::assume_role::asked;
use super::{Actor, allowing, trusting};
use crate::fixture::iam::{ACCOUNT, Client, STRANGER, client, refusal};
use crate::fixture::{KEY_ID, NOW, OTHER_KEY_ID, SECRET, make};
use crate::mfa::device_of;

on_both_engines! {
    a_root_user_is_its_account,
    iam_wants_a_second_factor,
    sts_takes_long_term_credentials,
    access_keys_tell_their_accounts,
}

/// The sample of the STS API Reference's GetCallerIdentity, for an account's root user.
async fn a_root_user_is_its_account(database: &TestDatabase) {
    let client = client(database).await;
    for account in [ACCOUNT, "000000000042"] {
        let root = Actor::root(&client.as_of(account));
        assert_eq!(root.identity().await, (format!("arn:aws:iam::{account}:root"), account.to_owned()));
    }
}

/// A user who may do everything, and a role that he may assume and that may do everything.
async fn administrator(client: &Client) -> Actor {
    let user = Actor::user(client, "a").await;
    client.put_user_policy("a", "p", &allowing("*", "*")).await.unwrap();
    client.create_role("r", &trusting(ACCOUNT, "sts:AssumeRole")).await.unwrap();
    let put = iam::PutRolePolicyRequest {
        role_name: "r".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: allowing("*", "*"),
    };
    client.iam().put_role_policy(&client.changing(), put).await.unwrap();
    user.anew().await
}

async fn session_token(client: &Client, user: &Actor) -> Actor {
    let given = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    Actor::with(client, &given).await
}

async fn federation_token(client: &Client, user: &Actor) -> Actor {
    let input = GetFederationTokenRequest {
        name: "Bob".to_owned(),
        policy: Some(allowing("*", "*")),
        ..Default::default()
    };
    let given = user.sts().get_federation_token(&user.context(), input).await.unwrap();
    Actor::with(client, &given.credentials.unwrap()).await
}

async fn iam_wants_a_second_factor(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    let list = async |actor: &Actor| {
        client.iam().list_users(&actor.context(), iam::ListUsersRequest::default()).await.map(drop)
    };
    list(&user).await.unwrap();
    list(&user.session(asked("r")).await).await.unwrap();
    let refused = "InvalidClientTokenId: The security token included in the request is invalid";
    assert_eq!(refusal(list(&session_token(&client, &user).await).await), refused);
    assert_eq!(refusal(list(&session_token(&client, &Actor::root(&client)).await).await), refused);
    assert_eq!(refusal(list(&federation_token(&client, &user).await).await), refused);
    let (serial, app) = device_of(&client, "a", "phone").await;
    let input = GetSessionTokenRequest {
        serial_number: Some(serial),
        token_code: Some(app.code(NOW + 30_000)),
        ..Default::default()
    };
    let given = user.get_session_token(input).await.unwrap();
    list(&Actor::with(&client, &given).await).await.unwrap();
}

async fn sts_takes_long_term_credentials(database: &TestDatabase) {
    let client = client(database).await;
    let user = administrator(&client).await;
    let sessions = [
        (session_token(&client, &user).await, true, false),
        (federation_token(&client, &user).await, false, false),
        (user.session(asked("r")).await, true, true),
    ];
    for (actor, may_assume, may_ask) in &sessions {
        actor.identity().await;
        assert_eq!(actor.assume(asked("r")).await.is_ok(), *may_assume);
        let input = GetAccessKeyInfoRequest { access_key_id: user.caller.access_key_id.clone() };
        let answer = actor.sts().get_access_key_info(&actor.context(), input).await;
        assert_eq!(answer.is_ok(), *may_ask);
        assert_eq!(
            refusal(actor.get_session_token(GetSessionTokenRequest::default()).await),
            "AccessDenied: Cannot call GetSessionToken with session credentials"
        );
        let input = GetFederationTokenRequest { name: "Bob".to_owned(), ..Default::default() };
        assert_eq!(
            refusal(actor.sts().get_federation_token(&actor.context(), input).await.map(drop)),
            "AccessDenied: Cannot call GetFederationToken with session credentials"
        );
    }
}

async fn access_keys_tell_their_accounts(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    make(&client.server.keys, STRANGER.parse().unwrap(), KEY_ID, SECRET).await;
    let stranger = client.as_of(STRANGER);
    let foreign = session_token(&stranger, &Actor::root(&stranger)).await.caller.access_key_id;
    let ask = async |actor: &Actor, id: &str| {
        let input = GetAccessKeyInfoRequest { access_key_id: id.to_owned() };
        actor.sts().get_access_key_info(&actor.context(), input).await.map(|answer| answer.account.unwrap())
    };
    let root = Actor::root(&client);
    assert_eq!(ask(&root, &user.caller.access_key_id).await.unwrap(), ACCOUNT);
    assert_eq!(ask(&root, KEY_ID).await.unwrap(), STRANGER);
    assert_eq!(ask(&root, &foreign).await.unwrap(), STRANGER);
    for unknown in [OTHER_KEY_ID, "ASIA7777777777777777"] {
        assert_eq!(
            refusal(ask(&root, unknown).await),
            format!("ValidationError: The access key ID {unknown} does not exist.")
        );
    }
    let refused = refusal(ask(&user, KEY_ID).await);
    assert!(refused.starts_with("AccessDenied: "), "{refused}");
}
