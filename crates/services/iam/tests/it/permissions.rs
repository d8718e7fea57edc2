//! Inline policies and attachments.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{POLICY, TRUST, client, decoded, refusal};

on_both_engines! {
    an_inline_policy_is_put_shown_and_deleted,
    inline_policies_have_room_together,
    whitespace_is_not_free_of_bounds,
    ten_managed_policies_are_all,
    who_has_a_policy_is_told,
    what_cannot_be_attached_is_refused,
}

async fn an_inline_policy_is_put_shown_and_deleted(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.put_user_policy("a", "p", "{}").await.unwrap_err();
    client.put_user_policy("a", "p", POLICY).await.unwrap();
    let other = POLICY.replace("kms:*", "kms:Encrypt");
    client.put_user_policy("a", "p", &other).await.unwrap();
    let get =
        |name: &str| iam::GetUserPolicyRequest { user_name: "a".to_owned(), policy_name: name.to_owned() };
    let shown = client.iam().get_user_policy(&client.context(), get("p")).await.unwrap();
    assert_eq!(decoded(&shown.policy_document), other);
    assert_eq!(
        refusal(client.iam().get_user_policy(&client.context(), get("q")).await),
        "NoSuchEntity: The user policy with name q cannot be found."
    );
    let input = iam::ListUserPoliciesRequest { user_name: "a".to_owned(), ..Default::default() };
    assert_eq!(client.iam().list_user_policies(&client.context(), input).await.unwrap().policy_names, ["p"]);
    client.delete_user_policy("a", "p").await.unwrap();
    client.delete_user_policy("a", "p").await.unwrap_err();

    let input = iam::PutGroupPolicyRequest {
        group_name: "g".to_owned(),
        policy_name: "p".to_owned(),
        policy_document: POLICY.to_owned(),
    };
    client.iam().put_group_policy(&client.changing(), input).await.unwrap();
    assert_eq!(
        refusal(client.delete_group("g").await),
        "DeleteConflict: Cannot delete entity, must delete policies first."
    );
}

async fn inline_policies_have_room_together(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let large = POLICY.replace("kms:*", &format!("kms:{}", "x".repeat(1000)));
    client.put_user_policy("a", "p", &large).await.unwrap();
    assert_eq!(
        refusal(client.put_user_policy("a", "q", &large).await),
        "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user a"
    );
    client.put_user_policy("a", "p", POLICY).await.unwrap();
    client.put_user_policy("a", "q", &large).await.unwrap();
}

/// Whitespace does not count, within reason: what is kept must be bounded.
async fn whitespace_is_not_free_of_bounds(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let blanks = " ".repeat(4 * 2048);
    for (policy, refused) in [
        (POLICY.replace('{', "{\n        "), None),
        (
            format!("{POLICY}{blanks}"),
            Some("LimitExceeded: Maximum policy size of 2048 bytes exceeded for user a"),
        ),
    ] {
        let put = client.put_user_policy("a", "p", &policy).await;
        assert_eq!(put.err().map(|error| refusal(Err::<(), _>(error))).as_deref(), refused);
    }
    let role = client.create_role("r", &format!("{TRUST}{blanks}")).await;
    assert_eq!(refusal(role), "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048");
    let managed = client.create_policy("p", &format!("{POLICY}{}", " ".repeat(4 * 6144))).await;
    assert_eq!(refusal(managed), "LimitExceeded: Cannot exceed quota for PolicySize: 6144");
}

async fn ten_managed_policies_are_all(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    for number in 0..11 {
        let arn = client.create_policy(&format!("p{number}"), POLICY).await.unwrap();
        let attached = client.attach_to_user("a", &arn).await;
        if number < 10 {
            attached.unwrap();
        } else {
            assert_eq!(refusal(attached), "LimitExceeded: Cannot exceed quota for PoliciesPerUser: 10");
        }
    }
    let input = iam::ListAttachedUserPoliciesRequest {
        user_name: "a".to_owned(),
        max_items: Some(6),
        ..Default::default()
    };
    let first = client.iam().list_attached_user_policies(&client.context(), input.clone()).await.unwrap();
    assert_eq!((first.attached_policies.unwrap().len(), first.is_truncated), (6, Some(true)));
    let input = iam::ListAttachedUserPoliciesRequest { marker: first.marker, ..input };
    let rest = client.iam().list_attached_user_policies(&client.context(), input).await.unwrap();
    let rest = rest.attached_policies.unwrap();
    assert_eq!(rest.len(), 4);
    assert_eq!(rest[3].policy_name.as_deref(), Some("p9"));
}

async fn who_has_a_policy_is_told(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    client.create_role("r", TRUST).await.unwrap();
    let arn = client.create_policy("p", POLICY).await.unwrap();
    client.attach_to_user("a", &arn).await.unwrap();
    let input = iam::AttachGroupPolicyRequest { group_name: "g".to_owned(), policy_arn: arn.clone() };
    client.iam().attach_group_policy(&client.changing(), input).await.unwrap();
    let input = iam::PutRolePermissionsBoundaryRequest {
        role_name: "r".to_owned(),
        permissions_boundary: arn.clone(),
    };
    client.iam().put_role_permissions_boundary(&client.changing(), input).await.unwrap();

    let all = iam::ListEntitiesForPolicyRequest { policy_arn: arn.clone(), ..Default::default() };
    let counts = async |input: iam::ListEntitiesForPolicyRequest| {
        let listed = client.iam().list_entities_for_policy(&client.context(), input).await.unwrap();
        [
            listed.policy_users.unwrap().len(),
            listed.policy_groups.unwrap().len(),
            listed.policy_roles.unwrap().len(),
        ]
    };
    assert_eq!(counts(all.clone()).await, [1, 1, 1]);
    let as_boundary = iam::ListEntitiesForPolicyRequest {
        policy_usage_filter: Some(iam::PolicyUsageType::PermissionsBoundary),
        ..all.clone()
    };
    assert_eq!(counts(as_boundary).await, [0, 0, 1]);
    let groups =
        iam::ListEntitiesForPolicyRequest { entity_filter: Some(iam::EntityType::Group), ..all.clone() };
    assert_eq!(counts(groups).await, [0, 1, 0]);
    // Listed too, but only where it counts.
    let input = iam::ListPoliciesRequest { only_attached: Some(true), ..Default::default() };
    let listed = client.iam().list_policies(&client.context(), input).await.unwrap().policies.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].permissions_boundary_usage_count, Some(1));
}

/// Texts: public issue threads that quote AWS.
async fn what_cannot_be_attached_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let own = "arn:aws:iam::111122223333:policy/p";
    let of_service = "arn:aws:iam::aws:policy/aws-service-role/CloudHSMServiceRolePolicy";
    for (arn, wanted) in [
        (POLICY, format!("InvalidInput: ARN {POLICY} is not valid.")),
        (
            "arn:aws:iam::111122223333:user/a",
            "InvalidInput: ARN arn:aws:iam::111122223333:user/a is not valid.".into(),
        ),
        ("arn:aws-cn:iam::aws:policy/AdministratorAccess", "ValidationError: Invalid ARN partition".into()),
        (own, format!("NoSuchEntity: Policy {own} does not exist or is not attachable.")),
        (of_service, "PolicyNotAttachable: Cannot attach a Service Role Policy to a Customer Role.".into()),
    ] {
        assert_eq!(refusal(client.attach_to_user("a", arn).await), wanted);
    }
    let bound = async |arn: &str| {
        let input = iam::PutUserPermissionsBoundaryRequest {
            user_name: "a".to_owned(),
            permissions_boundary: arn.to_owned(),
        };
        client.iam().put_user_permissions_boundary(&client.changing(), input).await
    };
    for arn in [own, of_service] {
        let wanted = format!("NoSuchEntity: Scope ARN: {arn} does not exist or is not attachable.");
        assert_eq!(refusal(bound(arn).await.map(drop)), wanted);
    }
    assert_eq!(
        refusal(client.detach_from_user("a", "no arn at all, this").await),
        "InvalidInput: ARN no arn at all, this is not valid."
    );
}
