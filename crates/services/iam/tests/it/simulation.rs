//! Simulations through the API.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, STRANGER, TRUST, client, refusal};

on_both_engines! {
    policies_of_a_request_are_simulated,
    a_denial_is_the_only_match,
    resources_are_decided_one_by_one,
    context_keys_that_are_not_stated_are_told,
    a_boundary_is_told,
    an_organization_limits,
    resource_policies_count,
    across_accounts_both_sides_count,
    users_have_their_own_and_their_groups_policies,
    policies_are_left_out,
    tags_and_names_of_the_principal_are_known,
    results_come_in_pages,
    an_answer_has_limited_room,
    an_action_with_too_many_results_is_refused,
    what_cannot_be_simulated_is_refused,
    who_may_simulate_is_asked,
}

/// A policy with one statement, as Python's `json` writes it.
fn policy(effect: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}", "Action": "{action}", "Resource": "{resource}"}}]}}"#
    )
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn asks(policies: &[String], actions: &[&str], resources: &[&str]) -> iam::SimulateCustomPolicyRequest {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    iam::SimulateCustomPolicyRequest {
        policy_input_list: policies.to_vec(),
        action_names: owned(actions),
        resource_arns: (!resources.is_empty()).then(|| owned(resources)),
        ..Default::default()
    }
}

async fn custom(
    client: &Client,
    input: iam::SimulateCustomPolicyRequest,
) -> Result<Vec<iam::EvaluationResult>, ApiError> {
    let answer = client.iam().simulate_custom_policy(&client.context(), input).await?;
    Ok(answer.evaluation_results.unwrap())
}

async fn principal(
    client: &Client,
    arn: &str,
    act: impl FnOnce(&mut iam::SimulatePrincipalPolicyRequest),
) -> Result<iam::EvaluationResult, ApiError> {
    let mut input = iam::SimulatePrincipalPolicyRequest {
        policy_source_arn: arn.to_owned(),
        action_names: vec!["kms:Encrypt".to_owned()],
        ..Default::default()
    };
    act(&mut input);
    let answer = client.iam().simulate_principal_policy(&client.context(), input).await?;
    Ok(answer.evaluation_results.unwrap().remove(0))
}

fn decision(result: &iam::EvaluationResult) -> &str {
    result.eval_decision.as_str()
}

/// The policies of the statements that matched, and on which columns.
fn matched(statements: Option<&Vec<iam::Statement>>) -> Vec<(String, String, i32, i32)> {
    let of = |statement: &iam::Statement| {
        let column = |position: &Option<iam::Position>| position.as_ref().unwrap().column.unwrap();
        (
            statement.source_policy_id.clone().unwrap(),
            statement.source_policy_type.as_ref().unwrap().as_str().to_owned(),
            column(&statement.start_position),
            column(&statement.end_position),
        )
    };
    statements.unwrap().iter().map(of).collect()
}

async fn policies_of_a_request_are_simulated(database: &TestDatabase) {
    let client = client(database).await;
    let policies = [policy("Allow", "kms:Decrypt", "*"), policy("Allow", "kms:*", KEY)];
    let results = custom(&client, asks(&policies, &["kms:Decrypt", "kms:Encrypt"], &[])).await.unwrap();
    assert_eq!(results.iter().map(decision).collect::<Vec<_>>(), ["allowed", "implicitDeny"]);
    let first = &results[0];
    assert_eq!(
        (first.eval_action_name.as_str(), first.eval_resource_name.as_deref()),
        ("kms:Decrypt", Some("*"))
    );
    // AWS's places: behind the bracket, and behind the brace.
    let expected = ("PolicyInputList.1".to_owned(), "IAM Policy".to_owned(), 41, 102);
    assert_eq!(matched(first.matched_statements.as_ref()), [expected]);
    assert_eq!(first.missing_context_values, Some(Vec::new()));
    assert!(first.eval_decision_details.is_none() && first.resource_specific_results.is_none());
    assert!(matched(results[1].matched_statements.as_ref()).is_empty());
}

async fn a_denial_is_the_only_match(database: &TestDatabase) {
    let client = client(database).await;
    let policies = [policy("Allow", "*", "*"), policy("Deny", "kms:*", "*")];
    let results = custom(&client, asks(&policies, &["kms:Decrypt"], &[])).await.unwrap();
    assert_eq!(decision(&results[0]), "explicitDeny");
    assert_eq!(matched(results[0].matched_statements.as_ref())[0].0, "PolicyInputList.2");
    assert_eq!(results[0].matched_statements.as_ref().unwrap().len(), 1);
}

async fn resources_are_decided_one_by_one(database: &TestDatabase) {
    let client = client(database).await;
    let other = KEY.replace("1234abcd", "4321abcd");
    let policies = [policy("Allow", "kms:*", KEY)];
    let input = asks(&policies, &["kms:Decrypt"], &[KEY, &other]);
    let results = custom(&client, input).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(decision(&results[0]), "implicitDeny");
    assert!(matched(results[0].matched_statements.as_ref()).is_empty());
    let specific = results[0].resource_specific_results.as_ref().unwrap();
    let decisions: Vec<_> = specific.iter().map(|one| one.eval_resource_decision.as_str()).collect();
    assert_eq!(decisions, ["allowed", "implicitDeny"]);
    assert_eq!(specific[1].eval_resource_name, other);
    assert_eq!(matched(specific[0].matched_statements.as_ref())[0].0, "PolicyInputList.1");
    // Within an account the details are there, and empty.
    assert_eq!(results[0].eval_decision_details.as_ref().unwrap().iter().count(), 0);
    assert!(specific[0].eval_decision_details.is_none());

    let results = custom(&client, asks(&policies, &["kms:Decrypt"], &[KEY])).await.unwrap();
    assert_eq!((decision(&results[0]), results[0].eval_resource_name.as_deref()), ("allowed", Some(KEY)));
}

async fn context_keys_that_are_not_stated_are_told(database: &TestDatabase) {
    let client = client(database).await;
    let text = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:*:*:alias/${aws:username}"},
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
         "Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}},
        {"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"}}}]}"#;
    let input = asks(&[text.to_owned()], &["kms:Decrypt"], &[]);
    let results = custom(&client, input.clone()).await.unwrap();
    assert_eq!(decision(&results[0]), "implicitDeny");
    let missing = results[0].missing_context_values.clone().unwrap();
    assert_eq!(missing, ["aws:username", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"]);

    let entry = |name: &str, value: &str, kind: &str| iam::ContextEntry {
        context_key_name: Some(name.to_owned()),
        context_key_values: Some(vec![value.to_owned()]),
        context_key_type: Some(kind.into()),
    };
    let stated = iam::SimulateCustomPolicyRequest {
        context_entries: Some(vec![
            entry("aws:multifactorauthpresent", "true", "boolean"),
            entry("aws:MultiFactorAuthAge", "299", "numeric"),
        ]),
        ..input
    };
    let results = custom(&client, stated).await.unwrap();
    assert_eq!(decision(&results[0]), "allowed");
    assert_eq!(results[0].missing_context_values.as_deref(), Some(&["aws:username".to_owned()][..]));
}

async fn a_boundary_is_told(database: &TestDatabase) {
    let client = client(database).await;
    let policies = [policy("Allow", "*", "*")];
    let bounded = |boundary: Vec<String>| iam::SimulateCustomPolicyRequest {
        permissions_boundary_policy_input_list: Some(boundary),
        ..asks(&policies, &["kms:Decrypt", "kms:Encrypt"], &[])
    };
    let boundary = policy("Allow", "kms:Decrypt", "*");
    let results = custom(&client, bounded(vec![boundary.clone()])).await.unwrap();
    let allows = |result: &iam::EvaluationResult| {
        result.permissions_boundary_decision_detail.as_ref().unwrap().allowed_by_permissions_boundary.unwrap()
    };
    assert_eq!((decision(&results[0]), allows(&results[0])), ("allowed", true));
    assert_eq!((decision(&results[1]), allows(&results[1])), ("implicitDeny", false));
    let denying = policy("Deny", "kms:*", "*");
    let results = custom(&client, bounded(vec![denying.clone()])).await.unwrap();
    assert_eq!((decision(&results[0]), allows(&results[0])), ("explicitDeny", false));
    assert_eq!(matched(results[0].matched_statements.as_ref())[0].0, "PermissionsBoundaryPolicyInputList.1");
    assert_eq!(
        refusal(custom(&client, bounded(vec![boundary, denying])).await),
        "InvalidInput: The list of Permissions Boundary policies cannot exceed 1 items."
    );
}

/// Organizations User Guide, "SCP evaluation": every level must allow.
async fn an_organization_limits(database: &TestDatabase) {
    let client = client(database).await;
    let organized = |levels: &[&[String]]| {
        let level = |texts: &&[String]| iam::OrderedOrganizationPolicyType {
            service_control_policy_input_list: Some(texts.to_vec()),
        };
        iam::SimulateCustomPolicyRequest {
            ordered_organization_policy_input_list: Some(levels.iter().map(level).collect()),
            ..asks(&[policy("Allow", "*", "*")], &["kms:Decrypt"], &[])
        }
    };
    let (all, keys) = (policy("Allow", "*", "*"), policy("Allow", "kms:*", "*"));
    let (buckets, never) = (policy("Allow", "s3:*", "*"), policy("Deny", "kms:Decrypt", "*"));
    for (levels, expected) in [
        (vec![vec![all.clone()], vec![buckets.clone(), keys.clone()]], "allowed"),
        (vec![vec![all.clone()], vec![buckets]], "implicitDeny"),
        (vec![vec![all.clone(), never], vec![keys]], "explicitDeny"),
    ] {
        let levels: Vec<_> = levels.iter().map(Vec::as_slice).collect();
        let results = custom(&client, organized(&levels)).await.unwrap();
        assert_eq!(decision(&results[0]), expected);
        let detail = results[0].organizations_decision_detail.as_ref().unwrap();
        assert_eq!(detail.allowed_by_organizations, Some(expected == "allowed"));
        assert_eq!(results[0].matched_statements.as_ref().unwrap().is_empty(), expected != "allowed");
    }
    assert_eq!(
        refusal(custom(&client, organized(&[&[]])).await),
        "InvalidInput: Organization policy at index 1 must contain at least one service control policy"
    );
}

async fn resource_policies_count(database: &TestDatabase) {
    let client = client(database).await;
    let bucket = "arn:aws:s3:::bucket/object";
    let policy_of = |principal: &str, effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"s3:GetObject","Resource":"{bucket}"}}]}}"#
        )
    };
    let caller = "arn:aws:iam::111122223333:user/a";
    let with = |resource_policy: String| iam::SimulateCustomPolicyRequest {
        resource_policy: Some(resource_policy),
        caller_arn: Some(caller.to_owned()),
        ..asks(&[policy("Allow", "kms:*", "*")], &["s3:GetObject"], &[bucket])
    };
    let results = custom(&client, with(policy_of(caller, "Allow"))).await.unwrap();
    assert_eq!(decision(&results[0]), "allowed");
    let (id, kind, start, _) = matched(results[0].matched_statements.as_ref()).remove(0);
    assert_eq!((id.as_str(), kind.as_str(), start), ("ResourcePolicy", "Resource Policy", 38));
    // The account's name adds nothing to what the caller's own policies allow.
    let results = custom(&client, with(policy_of("111122223333", "Allow"))).await.unwrap();
    assert_eq!(decision(&results[0]), "implicitDeny");
    let results = custom(&client, with(policy_of(caller, "Deny"))).await.unwrap();
    assert_eq!(decision(&results[0]), "explicitDeny");
    let nobody = iam::SimulateCustomPolicyRequest { caller_arn: None, ..with(policy_of(caller, "Allow")) };
    assert_eq!(
        refusal(custom(&client, nobody).await),
        "InvalidInput: Invalid caller - Caller cannot be null or empty."
    );
}

/// IAM User Guide, "Cross-account policy evaluation logic".
async fn across_accounts_both_sides_count(database: &TestDatabase) {
    let client = client(database).await;
    let caller = "arn:aws:iam::444455556666:user/a";
    let of_key = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{caller}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
    );
    let with = |resource_policy: Option<String>, own: &str| iam::SimulateCustomPolicyRequest {
        resource_policy,
        caller_arn: Some(caller.to_owned()),
        ..asks(&[policy("Allow", own, "*")], &["kms:Decrypt"], &[KEY])
    };
    for (of_resource, own, expected, layers) in [
        (Some(of_key.clone()), "kms:*", "allowed", ["allowed", "allowed"]),
        (Some(of_key), "s3:*", "implicitDeny", ["implicitDeny", "allowed"]),
        (None, "kms:*", "implicitDeny", ["allowed", "implicitDeny"]),
    ] {
        let results = custom(&client, with(of_resource, own)).await.unwrap();
        assert_eq!(decision(&results[0]), expected);
        let details = results[0].eval_decision_details.as_ref().unwrap();
        let details: Vec<_> =
            details.iter().map(|(kind, decision)| (kind.to_owned(), decision.as_str())).collect();
        let expected = [("IAM Policy".to_owned(), layers[0]), ("Resource Policy".to_owned(), layers[1])];
        assert_eq!(details, expected);
    }
}

async fn users_have_their_own_and_their_groups_policies(database: &TestDatabase) {
    let client = client(database).await;
    let arn = client.create_user("a").await.unwrap().arn;
    let result = principal(&client, &arn, |_| {}).await.unwrap();
    assert_eq!(decision(&result), "implicitDeny");
    client.put_user_policy("a", "p", &policy("Allow", "kms:*", "*")).await.unwrap();
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    let managed = client.create_policy("q", &policy("Allow", "kms:Enc*", "*")).await.unwrap();
    let input = iam::AttachGroupPolicyRequest { group_name: "g".to_owned(), policy_arn: managed };
    client.iam().attach_group_policy(&client.changing(), input).await.unwrap();
    let result = principal(&client, &arn, |_| {}).await.unwrap();
    assert_eq!(decision(&result), "allowed");
    let ids: Vec<_> = matched(result.matched_statements.as_ref()).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["user_a_p", "q"]);

    let group = "arn:aws:iam::111122223333:group/g";
    assert_eq!(decision(&principal(&client, group, |_| {}).await.unwrap()), "allowed");
    let role = client.create_role("r", TRUST).await.unwrap().arn;
    let result = principal(&client, &role, |input| {
        input.policy_input_list = Some(vec![policy("Allow", "kms:Encrypt", "*")]);
    });
    assert_eq!(matched(result.await.unwrap().matched_statements.as_ref())[0].0, "PolicyInputList.1");
}

async fn policies_are_left_out(database: &TestDatabase) {
    let client = client(database).await;
    let arn = client.create_user("a").await.unwrap().arn;
    client.put_user_policy("a", "p", &policy("Deny", "kms:*", "*")).await.unwrap();
    client.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    let without = |identifier: iam::PolicyIdentifier| {
        principal(&client, &arn, |input| input.policy_exclusion_list = Some(vec![identifier]))
    };
    let inline = iam::InlinePolicyIdentifierType {
        policy_name: "p".to_owned(),
        attachment_type: "user".into(),
        attachment_name: "*".to_owned(),
    };
    for (identifier, expected) in [
        (iam::PolicyIdentifier { policy_type: Some("inline".into()), ..Default::default() }, "allowed"),
        (iam::PolicyIdentifier { inline_policy_identifier: Some(inline), ..Default::default() }, "allowed"),
        (
            iam::PolicyIdentifier { policy_type: Some("user-managed".into()), ..Default::default() },
            "explicitDeny",
        ),
        (
            iam::PolicyIdentifier {
                policy_arn: Some("arn:aws:iam::aws:policy/Admin*".to_owned()),
                ..Default::default()
            },
            "explicitDeny",
        ),
    ] {
        assert_eq!(decision(&without(identifier).await.unwrap()), expected);
    }
    assert!(refusal(without(iam::PolicyIdentifier::default()).await).starts_with("InvalidInput: "));
}

async fn tags_and_names_of_the_principal_are_known(database: &TestDatabase) {
    let client = client(database).await;
    let arn = client.create_user("a").await.unwrap().arn;
    let tag = iam::Tag { key: "team".to_owned(), value: "blue".to_owned() };
    let input = iam::TagUserRequest { user_name: "a".to_owned(), tags: vec![tag] };
    client.iam().tag_user(&client.changing(), input).await.unwrap();
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/Team":"blue","aws:username":"a"}}}]}"#;
    client.put_user_policy("a", "p", text).await.unwrap();
    assert_eq!(decision(&principal(&client, &arn, |_| {}).await.unwrap()), "allowed");
    // What is said outweighs what is known.
    let entry = iam::ContextEntry {
        context_key_name: Some("aws:PrincipalTag/team".to_owned()),
        context_key_values: Some(vec!["red".to_owned()]),
        context_key_type: Some("string".into()),
    };
    let result = principal(&client, &arn, |input| input.context_entries = Some(vec![entry])).await.unwrap();
    assert_eq!(decision(&result), "implicitDeny");
}

async fn results_come_in_pages(database: &TestDatabase) {
    let client = client(database).await;
    let actions = ["kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:Sign", "kms:Verify"];
    let mut input = asks(&[policy("Allow", "kms:*", "*")], &actions, &[]);
    input.max_items = Some(2);
    let mut found = Vec::new();
    loop {
        let answer = client.iam().simulate_custom_policy(&client.context(), input.clone()).await.unwrap();
        assert_eq!(answer.is_truncated, Some(answer.marker.is_some()));
        found.extend(answer.evaluation_results.unwrap().into_iter().map(|result| result.eval_action_name));
        if answer.marker.is_none() {
            break;
        }
        input.marker = answer.marker;
    }
    assert_eq!(found, actions);
}

async fn an_answer_has_limited_room(database: &TestDatabase) {
    let client = client(database).await;
    let actions: Vec<_> = (0..40).map(|number| format!("kms:Action{number}")).collect();
    let name = "a".repeat(400);
    let resources: Vec<_> =
        (0..256).map(|number| format!("arn:aws:kms:us-east-1:111122223333:alias/{number}{name}")).collect();
    let mut input = iam::SimulateCustomPolicyRequest {
        action_names: actions.clone(),
        resource_arns: Some(resources),
        ..asks(&[policy("Allow", "kms:*", "*")], &[], &[])
    };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let answer = client.iam().simulate_custom_policy(&client.context(), input.clone()).await.unwrap();
        let results = answer.evaluation_results.unwrap();
        let named = |result: &iam::EvaluationResult| {
            let of_resources = result.resource_specific_results.iter().flatten();
            of_resources.map(|result| result.eval_resource_name.len()).sum::<usize>()
        };
        let bytes: usize = results.iter().map(named).sum();
        assert!(bytes < 4 << 20, "{bytes}");
        for result in results {
            let resources = result.resource_specific_results.as_ref().unwrap().len();
            assert_eq!((decision(&result), resources), ("allowed", 256));
            found.push(result.eval_action_name);
        }
        pages += 1;
        match answer.marker {
            Some(marker) => input.marker = Some(marker),
            None => break,
        }
    }
    assert_eq!(found, actions);
    assert!(pages > 1);
}

/// What statements and condition keys say of themselves counts as well as names of resources.
async fn an_action_with_too_many_results_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    let conditions: Vec<_> = (0..300).map(|number| format!(r#""s3:key{number}":"a""#)).collect();
    let statement = |more: &str| format!(r#"{{"Effect":"Allow","Action":"kms:*","Resource":"*"{more}}}"#);
    let text = |statements: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let resources: Vec<_> = (0..256).map(|number| format!("{KEY}{number}")).collect();
    let resources: Vec<_> = resources.iter().map(String::as_str).collect();
    let conditional = format!(r#","Condition":{{"StringEquals":{{{}}}}}"#, conditions.join(","));
    for policy in [text(&[statement("").as_str(); 40].join(",")), text(&statement(&conditional))] {
        let refused =
            refusal(custom(&client, asks(std::slice::from_ref(&policy), &["kms:Decrypt"], &resources)).await);
        let expected = "InvalidInput: The results of kms:Decrypt alone are more than an answer takes.";
        assert!(refused.starts_with(expected), "{refused}");
        custom(&client, asks(&[policy], &["kms:Decrypt"], &resources[..20])).await.unwrap();
    }
}

async fn what_cannot_be_simulated_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    let allowing = [policy("Allow", "*", "*")];
    for (input, expected) in [
        (asks(&allowing, &["kms:*"], &[]), "InvalidInput: ActionNames are not in a valid format: kms:*."),
        (
            asks(&allowing, &["kms:Decrypt"], &["key"]),
            "InvalidInput: ResourceNames are not in a valid ARN format: key.",
        ),
        (
            asks(&["{}".to_owned()], &["kms:Decrypt"], &[]),
            "InvalidInput: PolicyInputList.1: Syntax errors in policy.",
        ),
        (
            iam::SimulateCustomPolicyRequest {
                caller_arn: Some("arn:aws:sts::111122223333:assumed-role/r/s".to_owned()),
                ..asks(&allowing, &["kms:Decrypt"], &[])
            },
            "InvalidInput: Invalid caller - Caller must be an IAM user, role or group in this context.",
        ),
        (
            iam::SimulateCustomPolicyRequest {
                resource_owner: Some("me".to_owned()),
                ..asks(&allowing, &["kms:Decrypt"], &[])
            },
            "InvalidInput: Invalid Resource Owner.",
        ),
    ] {
        let refused = refusal(custom(&client, input).await);
        assert!(refused.starts_with(expected), "{refused}");
    }
    let session = "arn:aws:sts::111122223333:assumed-role/r/s";
    assert_eq!(
        refusal(principal(&client, session, |_| {}).await),
        format!("InvalidInput: Invalid Entity Arn: {session} does not clearly define entity type and name.")
    );
    for foreign in ["111122223333", STRANGER] {
        assert_eq!(
            refusal(principal(&client, &format!("arn:aws:iam::{foreign}:user/nobody"), |_| {}).await),
            "NoSuchEntity: The user with name nobody cannot be found."
        );
    }
}

async fn who_may_simulate_is_asked(database: &TestDatabase) {
    let root = client(database).await;
    let arn = root.create_user("a").await.unwrap().arn;
    let key = root.create_access_key("a").await.unwrap();
    root.put_user_policy("a", "p", &policy("Allow", "iam:SimulateCustomPolicy", "*")).await.unwrap();
    let user = root.as_user(&key).await;
    custom(&user, asks(&[policy("Allow", "*", "*")], &["kms:Decrypt"], &[])).await.unwrap();
    assert_eq!(
        refusal(principal(&user, &arn, |_| {}).await),
        format!(
            "AccessDenied: User: {arn} is not authorized to perform: iam:SimulatePrincipalPolicy on resource: {arn} \
             because no identity-based policy allows the iam:SimulatePrincipalPolicy action"
        )
    );
}
