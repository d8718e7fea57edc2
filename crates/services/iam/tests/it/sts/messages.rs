//! Encoded messages of refusals, and who decodes them.

use strongroom_api_sts::{DecodeAuthorizationMessageRequest, GetSessionTokenRequest, Sts as _};
use strongroom_policy::decision::MESSAGE_LIMIT;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Actor, allowing};
use crate::fixture::iam::{ACCOUNT, STRANGER, client, refusal};

on_both_engines! {
    messages_are_decoded_in_their_account,
    decoding_needs_its_permission,
}

const MESSAGE: &str = r#"{"allowed":false,"explicitDeny":true}"#;

async fn decode(actor: &Actor, message: &str) -> Result<String, strongroom_service::ApiError> {
    let input = DecodeAuthorizationMessageRequest { encoded_message: message.to_owned() };
    let answer = actor.sts().decode_authorization_message(&actor.context(), input).await?;
    Ok(answer.decoded_message.unwrap())
}

async fn messages_are_decoded_in_their_account(database: &TestDatabase) {
    let client = client(database).await;
    let sealer = client.server.keys.message_sealer();
    let encoded = sealer.seal(ACCOUNT.parse().unwrap(), MESSAGE).unwrap();
    assert_eq!(decode(&Actor::root(&client), &encoded).await.unwrap(), MESSAGE);
    // The longest that there is fits, and leaves room in an answer's header for what else it has.
    let longest = "x".repeat(MESSAGE_LIMIT);
    let encoded_longest = sealer.seal(ACCOUNT.parse().unwrap(), &longest).unwrap();
    let header = format!("x-strongroom-encoded-authorization-message: {encoded_longest}\r\n");
    assert!(header.len() <= 3 << 10, "{}", header.len());
    assert_eq!(decode(&Actor::root(&client), &encoded_longest).await.unwrap(), longest);

    let invalid = "InvalidAuthorizationMessageException: The encoded message is invalid.";
    let stranger = Actor::root(&client.as_of(STRANGER));
    assert_eq!(refusal(decode(&stranger, &encoded).await), invalid);
    let root = Actor::root(&client);
    let given = root.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    for other in ["", "no message", &format!("{encoded}\n"), &encoded[1..], &given.session_token] {
        assert_eq!(refusal(decode(&root, other).await), invalid, "{other}");
    }
}

async fn decoding_needs_its_permission(database: &TestDatabase) {
    let client = client(database).await;
    let user = Actor::user(&client, "a").await;
    let encoded = client.server.keys.message_sealer().seal(ACCOUNT.parse().unwrap(), MESSAGE).unwrap();
    let refused = refusal(decode(&user, &encoded).await);
    assert!(refused.starts_with("AccessDenied: User: "), "{refused}");
    client.put_user_policy("a", "p", &allowing("sts:DecodeAuthorizationMessage", "*")).await.unwrap();
    let user = user.anew().await;
    assert_eq!(decode(&user, &encoded).await.unwrap(), MESSAGE);
    let given = user.get_session_token(GetSessionTokenRequest::default()).await.unwrap();
    assert_eq!(
        refusal(decode(&Actor::with(&client, &given).await, &encoded).await),
        "AccessDenied: Cannot call DecodeAuthorizationMessage with session credentials"
    );
}
