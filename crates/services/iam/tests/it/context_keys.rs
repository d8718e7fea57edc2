//! The condition keys that policies ask for.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{client, refusal};

on_both_engines! {
    policies_of_a_request_are_looked_at,
    policies_of_an_entity_are_looked_at,
}

/// The sample of the AWS CLI Command Reference.
const TEXT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",
    "Resource":"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
    "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}"#;

async fn policies_of_a_request_are_looked_at(database: &TestDatabase) {
    let client = client(database).await;
    let ask = |text: &str| {
        let input = iam::GetContextKeysForCustomPolicyRequest { policy_input_list: vec![text.to_owned(); 2] };
        let (client, context) = (client.clone(), client.context());
        async move { client.iam().get_context_keys_for_custom_policy(&context, input).await }
    };
    assert_eq!(ask(TEXT).await.unwrap().context_key_names.unwrap(), ["aws:username", "aws:CurrentTime"]);
    assert_eq!(refusal(ask("{}").await), "InvalidInput: Syntax errors in policy.");
}

async fn policies_of_an_entity_are_looked_at(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    client.put_user_policy("a", "p", TEXT).await.unwrap();
    let input = iam::PutGroupPolicyRequest {
        group_name: "g".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: TEXT.replace("aws:CurrentTime", "aws:EpochTime"),
    };
    client.iam().put_group_policy(&client.changing(), input).await.unwrap();
    let ask = |arn: &str| {
        let input = iam::GetContextKeysForPrincipalPolicyRequest {
            policy_source_arn: arn.to_owned(),
            policy_input_list: Some(vec![TEXT.replace("aws:CurrentTime", "aws:TokenIssueTime")]),
        };
        let (client, context) = (client.clone(), client.context());
        async move { client.iam().get_context_keys_for_principal_policy(&context, input).await }
    };
    let names = ask("arn:aws:iam::111122223333:user/a").await.unwrap().context_key_names.unwrap();
    assert_eq!(names, ["aws:username", "aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"]);
    let names = ask("arn:aws:iam::111122223333:group/g").await.unwrap().context_key_names.unwrap();
    assert_eq!(names, ["aws:username", "aws:EpochTime", "aws:TokenIssueTime"]);
    assert_eq!(
        refusal(ask("arn:aws:iam::111122223333:role/r").await),
        "NoSuchEntity: The role with name r cannot be found."
    );
    assert_eq!(
        refusal(ask("arn:aws:iam::111122223333:root").await),
        "InvalidInput: Invalid Entity Arn: arn:aws:iam::111122223333:root does not clearly define entity type and name."
    );
}
