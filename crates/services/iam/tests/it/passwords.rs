//! Passwords and the policy on them.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_schema::Unit;
use strongroom_secret::SecretString;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::fixture::NOW;
use crate::fixture::iam::{Client, client, refusal};

on_both_engines! {
    a_password_is_given_changed_and_taken,
    the_policy_is_kept_to,
    the_root_user_changes_no_password_here,
    old_passwords_are_not_guessed,
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

pub(crate) async fn give(client: &Client, user: &str, password: &str) -> Result<iam::LoginProfile, ApiError> {
    let input = iam::CreateLoginProfileRequest {
        user_name: Some(user.to_owned()),
        password: Some(secret(password)),
        password_reset_required: Some(true),
    };
    Ok(client.iam().create_login_profile(&client.changing(), input).await?.login_profile)
}

async fn change(client: &Client, user: &str, password: &str) -> Result<(), ApiError> {
    let input = iam::UpdateLoginProfileRequest {
        user_name: user.to_owned(),
        password: Some(secret(password)),
        password_reset_required: Some(false),
    };
    client.iam().update_login_profile(&client.changing(), input).await.map(drop)
}

async fn shown(client: &Client, user: &str) -> Result<iam::LoginProfile, ApiError> {
    let input = iam::GetLoginProfileRequest { user_name: Some(user.to_owned()) };
    Ok(client.iam().get_login_profile(&client.context(), input).await?.login_profile)
}

async fn a_password_is_given_changed_and_taken(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let missing = "NoSuchEntity: Login Profile for User a cannot be found.";
    assert_eq!(refusal(shown(&client, "a").await), missing);
    assert_eq!(refusal(change(&client, "a", "Abcdefg1").await), missing);
    assert!(give(&client, "a", "Abcdefg1").await.unwrap().password_reset_required.unwrap());
    assert_eq!(
        refusal(give(&client, "a", "Abcdefg1").await),
        "EntityAlreadyExists: Login Profile for user a already exists."
    );
    change(&client, "a", "Abcdefg2").await.unwrap();
    assert_eq!(shown(&client, "a").await.unwrap().password_reset_required, Some(false));
    assert_eq!(
        refusal(client.delete_user("a").await),
        "DeleteConflict: Cannot delete entity, must delete login profile first."
    );
    let input = iam::DeleteLoginProfileRequest { user_name: Some("a".to_owned()) };
    client.iam().delete_login_profile(&client.changing(), input).await.unwrap();
    client.delete_user("a").await.unwrap();
}

async fn the_policy_is_kept_to(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    assert!(
        refusal(give(&client, "a", "abcdefgh").await).starts_with(
            "PasswordPolicyViolation: Password should meet 2 more of the following requirements: "
        )
    );
    assert!(
        refusal(client.iam().get_account_password_policy(&client.context(), Unit).await)
            .starts_with("NoSuchEntity: ")
    );
    let input = iam::UpdateAccountPasswordPolicyRequest {
        minimum_password_length: Some(12),
        password_reuse_prevention: Some(2),
        max_password_age: Some(90),
        ..Default::default()
    };
    client.iam().update_account_password_policy(&client.changing(), input).await.unwrap();
    let policy = client.iam().get_account_password_policy(&client.context(), Unit).await.unwrap();
    let policy = policy.password_policy;
    assert_eq!((policy.minimum_password_length, policy.expire_passwords), (Some(12), Some(true)));
    assert_eq!(policy.require_symbols, Some(false));
    assert_eq!(
        refusal(give(&client, "a", "abc").await),
        "PasswordPolicyViolation: Password should have a minimum length of 12"
    );
    give(&client, "a", "the first one").await.unwrap();
    change(&client, "a", "the first one").await.unwrap_err();
    change(&client, "a", "the second one").await.unwrap();
    change(&client, "a", "the first one").await.unwrap_err();
    change(&client, "a", "the third one").await.unwrap();
    change(&client, "a", "the first one").await.unwrap();
    client.iam().delete_account_password_policy(&client.changing(), Unit).await.unwrap();
    client.iam().delete_account_password_policy(&client.changing(), Unit).await.unwrap_err();
}

async fn the_root_user_changes_no_password_here(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::ChangePasswordRequest { old_password: secret("a"), new_password: secret("b") };
    assert_eq!(
        refusal(client.iam().change_password(&client.changing(), input).await),
        "InvalidUserType: Only IAM Users can change their own password"
    );
}

/// Ten wrong ones, be they sent one after the other or at once, are all for five minutes.
async fn old_passwords_are_not_guessed(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    give(&client, "a", "Abcdefg1").await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*"}]}"#;
    client.put_user_policy("a", "own", policy).await.unwrap();
    let user = client.as_user(&client.create_access_key("a").await.unwrap()).await;
    let ask = |old: &str| {
        let (user, old_password) = (user.clone(), secret(old));
        let input = iam::ChangePasswordRequest { old_password, new_password: secret("Abcdefg2") };
        async move { user.iam().change_password(&user.changing(), input).await.map(drop) }
    };
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        calls.spawn(ask("Abcdefg3"));
    }
    let refusals: Vec<_> = calls.join_all().await.into_iter().map(refusal).collect();
    let wrong = "InvalidUserType: The old password was incorrect.";
    assert_eq!(refusals.iter().filter(|text| *text == wrong).count(), 10, "{refusals:?}");
    let too_many =
        "EntityTemporarilyUnmodifiable: The old password was incorrect too often. Try again in five minutes.";
    assert_eq!(refusals.iter().filter(|text| *text == too_many).count(), 30, "{refusals:?}");
    assert_eq!(refusal(ask("Abcdefg1").await), too_many);
    client.server.clock.set(NOW + 300_000);
    ask("Abcdefg1").await.unwrap();
}
