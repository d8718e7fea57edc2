//! Roles, trust policies and service-linked roles.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, STRANGER, TRUST, client, decoded, refusal};

on_both_engines! {
    a_role_is_made_changed_and_deleted,
    trust_policies_are_read,
    who_is_trusted_is_bound_by_id,
    however_he_is_written_and_there_alone,
    those_of_other_accounts_must_be_there,
    unique_ids_are_of_somebody_who_is_there,
    a_service_has_its_role,
}

fn trusting(arn: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

async fn trust(client: &Client, role: &str) -> String {
    decoded(&client.role(role).await.unwrap().assume_role_policy_document.unwrap())
}

async fn a_role_is_made_changed_and_deleted(database: &TestDatabase) {
    let client = client(database).await;
    let role = client.create_role("r", TRUST).await.unwrap();
    assert!(role.role_id.starts_with("AROA"));
    assert_eq!(role.arn, "arn:aws:iam::111122223333:role/r");
    assert_eq!(role.max_session_duration, Some(3600));
    assert_eq!(trust(&client, "r").await, TRUST);
    assert_eq!(
        refusal(client.create_role("R", TRUST).await),
        "EntityAlreadyExists: Role with name R already exists."
    );
    let input = iam::UpdateRoleRequest {
        role_name: "r".to_owned(),
        description: Some("for tests".to_owned()),
        max_session_duration: Some(7200),
    };
    client.iam().update_role(&client.changing(), input).await.unwrap();
    let role = client.role("r").await.unwrap();
    assert_eq!((role.description.as_deref(), role.max_session_duration), (Some("for tests"), Some(7200)));
    client.delete_role("r").await.unwrap();
    assert_eq!(refusal(client.role("r").await), "NoSuchEntity: The role with name r cannot be found.");
}

async fn trust_policies_are_read(database: &TestDatabase) {
    let client = client(database).await;
    let missing = "arn:aws:iam::111122223333:user/nobody";
    for (text, message) in [
        ("{", "MalformedPolicyDocument: Syntax errors in policy.".to_owned()),
        (
            &*trusting(missing),
            format!("MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"{missing}\""),
        ),
        (
            &*TRUST.replace(r#""AWS":"111122223333""#, r#""Service":"ec2""#),
            "MalformedPolicyDocument: Invalid principal in policy: \"SERVICE\":\"ec2\"".to_owned(),
        ),
        (
            &*TRUST.replace(r#""AWS":"111122223333""#, r#""Service":["ec2.amazonaws.com","amazonaws.com"]"#),
            "MalformedPolicyDocument: Invalid principal in policy: \"SERVICE\":\"amazonaws.com\"".to_owned(),
        ),
        (
            &*TRUST.replace(r#""AWS":"111122223333""#, r#""Federated":"""#),
            "MalformedPolicyDocument: Federated principals must be valid domain names or SAML metadata ARNs"
                .to_owned(),
        ),
        (
            &*TRUST.replace("sts:AssumeRole", "kms:Decrypt"),
            "MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.".to_owned(),
        ),
        (
            &*TRUST.replace("Statement\":[", &format!("Id\":\"{}\",\"Statement\":[", "x".repeat(2048))),
            "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048".to_owned(),
        ),
    ] {
        assert_eq!(refusal(client.create_role("r", text).await), message);
    }
    // Whitespace does not count.
    let wide = TRUST.replace("\"Statement\"", &format!("{}\"Statement\"", " ".repeat(4000)));
    client.create_role("r", &wide).await.unwrap();
    let input =
        iam::UpdateAssumeRolePolicyRequest { role_name: "r".to_owned(), policy_document: TRUST.to_owned() };
    client.iam().update_assume_role_policy(&client.changing(), input).await.unwrap();
    assert_eq!(trust(&client, "r").await, TRUST);
}

async fn who_is_trusted_is_bound_by_id(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    client.create_role("r", &trusting(&user.arn)).await.unwrap();
    assert_eq!(trust(&client, "r").await, trusting(&user.arn));
    // A namesake is another user.
    client.delete_user("a").await.unwrap();
    assert_eq!(trust(&client, "r").await, trusting(&user.user_id));
    client.create_user("a").await.unwrap();
    assert_eq!(trust(&client, "r").await, trusting(&user.user_id));
}

/// A name can be written with escapes, and a condition's value is text that stays as it is.
async fn however_he_is_written_and_there_alone(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let policy = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":["111122223333",{principal}]}},"Action":"sts:AssumeRole","Condition":{{"ArnNotEquals":{{"aws:PrincipalArn":"{}"}}}}}}}}"#,
            user.arn
        )
    };
    let escaped = policy(r#""arn:aws:iam::111122223333:user\/\u0061""#);
    client.create_role("r", &escaped).await.unwrap();
    assert_eq!(trust(&client, "r").await, escaped);
    client.delete_user("a").await.unwrap();
    client.create_user("a").await.unwrap();
    assert_eq!(trust(&client, "r").await, policy(&format!("\"{}\"", user.user_id)));
}

async fn those_of_other_accounts_must_be_there(database: &TestDatabase) {
    let client = client(database).await;
    let stranger = client.as_of(STRANGER);
    let arn = format!("arn:aws:iam::{STRANGER}:user/a");
    let none = format!("MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"{arn}\"");
    assert_eq!(refusal(client.create_role("r", &trusting(&arn)).await), none);
    stranger.create_user("a").await.unwrap();
    client.create_role("r", &trusting(&arn)).await.unwrap();
    assert_eq!(trust(&client, "r").await, trusting(&arn));
    stranger.delete_user("a").await.unwrap();
    let input =
        iam::UpdateAssumeRolePolicyRequest { role_name: "r".to_owned(), policy_document: trusting(&arn) };
    assert_eq!(refusal(client.iam().update_assume_role_policy(&client.changing(), input).await), none);
}

async fn unique_ids_are_of_somebody_who_is_there(database: &TestDatabase) {
    let client = client(database).await;
    let own = client.create_user("a").await.unwrap();
    let foreign = client.as_of(STRANGER).create_user("a").await.unwrap();
    client.create_role("own", &trusting(&own.user_id)).await.unwrap();
    client.create_role("foreign", &trusting(&foreign.user_id)).await.unwrap();
    client.delete_user("a").await.unwrap();
    // What is shown of who is gone cannot be written again.
    let shown = trust(&client, "own").await;
    assert_eq!(shown, trusting(&own.user_id));
    assert_eq!(
        refusal(client.create_role("again", &shown).await),
        format!("MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"{}\"", own.user_id)
    );
    let group = client.create_group("g").await.unwrap().group_id;
    assert!(
        refusal(client.create_role("g", &trusting(&group)).await).starts_with("MalformedPolicyDocument: ")
    );
}

async fn a_service_has_its_role(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::CreateServiceLinkedRoleRequest {
        aws_service_name: "cloudhsm.amazonaws.com".to_owned(),
        ..Default::default()
    };
    let made = client.iam().create_service_linked_role(&client.changing(), input.clone()).await.unwrap();
    let role = made.role.unwrap();
    let name = "AWSServiceRoleForCloudHSM";
    assert_eq!(
        role.arn,
        format!("arn:aws:iam::111122223333:role/aws-service-role/cloudhsm.amazonaws.com/{name}")
    );
    let again = client.iam().create_service_linked_role(&client.changing(), input).await;
    assert_eq!(
        refusal(again),
        format!(
            "InvalidInput: Service role name {name} has been taken in this account, please try a different suffix."
        )
    );
    let protected = format!(
        "UnmodifiableEntity: Cannot perform the operation on the protected role '{name}' - this role is only \
         modifiable by AWS"
    );
    assert_eq!(refusal(client.delete_role(name).await), protected);
    let input = iam::PutRolePolicyRequest {
        role_name: name.to_owned(),
        policy_name: "p".to_owned(),
        policy_document: crate::fixture::iam::POLICY.to_owned(),
    };
    assert_eq!(refusal(client.iam().put_role_policy(&client.changing(), input).await), protected);
    let input = iam::UpdateRoleDescriptionRequest { role_name: name.to_owned(), description: "d".to_owned() };
    client.iam().update_role_description(&client.changing(), input).await.unwrap();

    let input = iam::DeleteServiceLinkedRoleRequest { role_name: name.to_owned() };
    let task = client.iam().delete_service_linked_role(&client.changing(), input).await.unwrap();
    let input =
        iam::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: task.deletion_task_id.clone() };
    let status =
        client.iam().get_service_linked_role_deletion_status(&client.context(), input).await.unwrap();
    assert_eq!(status.status, iam::DeletionTaskStatusType::Succeeded);
    let unknown =
        task.deletion_task_id.replace("/AWSServiceRoleForCloudHSM/", "/AWSServiceRoleForCloudTrail/");
    let input = iam::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: unknown };
    let status = client.iam().get_service_linked_role_deletion_status(&client.context(), input).await;
    assert!(refusal(status).starts_with("NoSuchEntity: "));
    client.role(name).await.unwrap_err();
}
