//! The effect of AWS's managed policies on the services that Strongroom has (AWS Managed Policy Reference Guide, the page
//! of each policy).

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, client, decoded, refusal};

on_both_engines! {
    they_have_the_effect_of_aws_policies,
    conditions_are_those_of_aws,
    those_of_service_linked_roles_are_for_them_only,
}

/// A policy, what it allows on every resource, and what it does not allow.
#[rustfmt::skip]
const EFFECTS: &[(&str, &[&str], &[&str])] = &[
    ("AdministratorAccess", &["kms:Decrypt", "iam:CreateUser", "organizations:LeaveOrganization"], &[]),
    (
        "PowerUserAccess",
        &["kms:Decrypt", "cloudhsm:DeleteCluster", "iam:ListRoles", "iam:CreateServiceLinkedRole"],
        &["iam:CreateUser", "iam:ListUsers", "iam:PassRole", "organizations:LeaveOrganization", "account:CloseAccount"],
    ),
    (
        "ReadOnlyAccess",
        &[
            "kms:DescribeKey", "kms:ListKeys", "kms:GetKeyPolicy", "kms:GetPublicKey", "cloudhsm:DescribeClusters",
            "cloudhsm:GetResourcePolicy", "cloudtrail:LookupEvents", "ec2:DescribeVpcs", "iam:GenerateCredentialReport",
            "iam:SimulatePrincipalPolicy", "sts:GetSessionToken", "s3:GetObject", "sns:ListTopics", "logs:FilterLogEvents",
        ],
        &[
            "kms:Encrypt", "kms:Decrypt", "kms:ScheduleKeyDeletion", "kms:GenerateDataKey", "kms:GenerateRandom",
            "kms:CreateKey", "cloudhsm:CreateCluster", "cloudhsm:TagResource", "iam:CreateUser", "sts:AssumeRole",
            "s3:PutObject", "sns:Publish", "logs:PutLogEvents",
        ],
    ),
    (
        "SecurityAudit",
        &[
            "kms:DescribeKey", "kms:ListGrants", "iam:GetAccountSummary", "iam:SimulateCustomPolicy", "ec2:DescribeVpcs",
            "cloudtrail:LookupEvents", "s3:GetBucketPolicy", "sts:GetAccessKeyInfo", "logs:DescribeLogGroups",
        ],
        &[
            "kms:Decrypt", "cloudhsm:DescribeClusters", "s3:GetObject", "logs:GetLogEvents", "iam:CreateUser",
            "sts:GetSessionToken",
        ],
    ),
    ("IAMFullAccess", &["iam:CreateUser", "iam:PassRole", "organizations:ListPolicies"], &["kms:Decrypt", "sts:AssumeRole"]),
    (
        "IAMReadOnlyAccess",
        &["iam:GetUser", "iam:ListUsers", "iam:SimulateCustomPolicy", "iam:GenerateCredentialReport"],
        &["iam:CreateUser", "iam:SimulateX", "kms:ListKeys"],
    ),
    ("AWSCloudShellFullAccess", &["cloudshell:CreateSession"], &["kms:ListKeys"]),
    ("AWSSupportAccess", &["support:CreateCase"], &["kms:ListKeys"]),
    ("IAMUserChangePassword", &["iam:GetAccountPasswordPolicy"], &["iam:ChangePassword", "iam:UpdateLoginProfile"]),
    (
        "AWSKeyManagementServicePowerUser",
        &[
            "kms:CreateKey", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants",
            "kms:TagResource", "kms:UntagResource", "kms:GenerateRandom", "iam:ListUsers", "iam:ListRoles",
            "iam:ListGroups",
        ],
        &["kms:Encrypt", "kms:Decrypt", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:UpdateAlias", "iam:GetUser"],
    ),
    ("AWSCloudHSMFullAccess", &["cloudhsm:DeleteHsm", "cloudhsm:DescribeClusters"], &["ec2:DescribeVpcs", "kms:ListKeys"]),
    (
        "AWSCloudHSMReadOnlyAccess",
        &["cloudhsm:DescribeClusters", "cloudhsm:ListTags", "cloudhsm:GetResourcePolicy"],
        &["cloudhsm:CreateHsm", "cloudhsm:TagResource"],
    ),
    (
        "aws-service-role/AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
        &["cloudhsm:DescribeClusters", "ec2:CreateNetworkInterface", "ec2:RevokeSecurityGroupEgress", "ec2:DescribeVpcs"],
        &["cloudhsm:CreateHsm", "ec2:CreateVpc", "kms:Decrypt"],
    ),
    (
        "aws-service-role/AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
        &["kms:SynchronizeMultiRegionKey"],
        &["kms:Decrypt"],
    ),
    ("aws-service-role/CloudHSMServiceRolePolicy", &[], &["logs:PutLogEvents", "ec2:CreateNetworkInterface"]),
    ("aws-service-role/CloudTrailServiceRolePolicy", &["cloudtrail:LookupEvents"], &["s3:PutObject", "kms:Decrypt"]),
    (
        "AWSCloudTrail_FullAccess",
        &["cloudtrail:CreateTrail", "kms:CreateKey", "kms:ListAliases", "iam:ListRoles", "s3:ListAllMyBuckets"],
        &["kms:Decrypt", "s3:CreateBucket", "iam:PassRole", "sns:CreateTopic"],
    ),
    ("AWSCloudTrail_ReadOnlyAccess", &["cloudtrail:LookupEvents", "cloudtrail:GetTrail"], &["cloudtrail:CreateTrail"]),
    (
        "CloudWatchFullAccess",
        &["cloudwatch:PutMetricData", "logs:PutLogEvents", "sns:Publish", "iam:GetRole"],
        &["iam:CreateServiceLinkedRole", "kms:Decrypt"],
    ),
    (
        "CloudWatchFullAccessV2",
        &["cloudwatch:PutMetricData", "logs:PutLogEvents", "sns:Subscribe"],
        &["sns:Publish", "sns:DeleteTopic", "iam:PassRole"],
    ),
    (
        "CloudWatchReadOnlyAccess",
        &["cloudwatch:GetMetricData", "logs:GetLogEvents", "logs:StartQuery", "sns:ListTopics"],
        &["cloudwatch:PutMetricData", "logs:PutLogEvents", "sns:Publish"],
    ),
    ("CloudWatchLogsFullAccess", &["logs:PutLogEvents", "logs:DeleteLogGroup"], &["cloudwatch:PutMetricData"]),
    ("CloudWatchLogsReadOnlyAccess", &["logs:FilterLogEvents", "logs:DescribeLogGroups"], &["logs:PutLogEvents"]),
    ("AmazonSNSFullAccess", &["sns:Publish"], &["sqs:SendMessage"]),
    ("AmazonSNSReadOnlyAccess", &["sns:ListTopics", "sns:GetTopicAttributes"], &["sns:Publish", "sns:Subscribe"]),
    ("AmazonS3FullAccess", &["s3:PutObject", "s3:DeleteBucket"], &["kms:Decrypt"]),
    ("AmazonS3ReadOnlyAccess", &["s3:GetObject", "s3:ListBucket"], &["s3:PutObject"]),
    (
        "AmazonVPCFullAccess",
        &["ec2:CreateVpc", "ec2:AuthorizeSecurityGroupIngress", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface"],
        &["ec2:RunInstances", "ec2:DescribeRegions"],
    ),
    (
        "AmazonVPCReadOnlyAccess",
        &["ec2:DescribeVpcs", "ec2:DescribeSecurityGroups"],
        &["ec2:CreateVpc", "ec2:DescribeAvailabilityZones"],
    ),
    (
        "AmazonEC2FullAccess",
        &["ec2:CreateVpc", "ec2:RunInstances", "cloudwatch:PutMetricData"],
        &["iam:CreateServiceLinkedRole", "kms:Decrypt"],
    ),
    ("AmazonEC2ReadOnlyAccess", &["ec2:DescribeVpcs", "cloudwatch:ListMetrics"], &["ec2:CreateVpc", "logs:GetLogEvents"]),
];

/// The document of a policy of AWS, as callers get it.
async fn document(client: &Client, name: &str) -> String {
    let policy_arn = format!("arn:aws:iam::aws:policy/{name}");
    let input = iam::GetPolicyRequest { policy_arn: policy_arn.clone() };
    let policy = client.iam().get_policy(&client.context(), input).await.unwrap().policy.unwrap();
    let version_id = policy.default_version_id.unwrap();
    let input = iam::GetPolicyVersionRequest { policy_arn, version_id };
    let version = client.iam().get_policy_version(&client.context(), input).await.unwrap();
    decoded(&version.policy_version.unwrap().document.unwrap())
}

/// What a document says of actions.
async fn decisions(
    client: &Client,
    text: &str,
    actions: &[&str],
    act: impl FnOnce(&mut iam::SimulateCustomPolicyRequest),
) -> Vec<(String, bool)> {
    let mut input = iam::SimulateCustomPolicyRequest {
        policy_input_list: vec![text.to_owned()],
        action_names: actions.iter().map(|action| (*action).to_owned()).collect(),
        ..Default::default()
    };
    act(&mut input);
    let answer = client.iam().simulate_custom_policy(&client.context(), input).await.unwrap();
    let results = answer.evaluation_results.unwrap().into_iter();
    results.map(|result| (result.eval_action_name, result.eval_decision.as_str() == "allowed")).collect()
}

async fn they_have_the_effect_of_aws_policies(database: &TestDatabase) {
    let client = client(database).await;
    let input = iam::ListPoliciesRequest { scope: Some("AWS".into()), ..Default::default() };
    let listed = client.iam().list_policies(&client.context(), input).await.unwrap().policies.unwrap();
    assert_eq!(listed.len(), EFFECTS.len());
    for (name, allowed, refused) in EFFECTS {
        let text = document(&client, name).await;
        for (actions, expected) in [(allowed, true), (refused, false)] {
            for (action, is_allowed) in decisions(&client, &text, actions, |_| {}).await {
                assert_eq!(is_allowed, expected, "{name} {action}");
            }
        }
    }
}

/// What is allowed on some resources or under conditions only.
async fn conditions_are_those_of_aws(database: &TestDatabase) {
    let client = client(database).await;
    let on = |arn: &str| {
        let resources = Some(vec![arn.to_owned()]);
        move |input: &mut iam::SimulateCustomPolicyRequest| input.resource_arns = resources
    };
    let own = "arn:aws:iam::111122223333:user/division/a";
    let password = document(&client, "IAMUserChangePassword").await;
    for (caller, expected) in [("user/division/a", true), ("user/division/b", false)] {
        let decided = decisions(&client, &password, &["iam:ChangePassword"], |input| {
            on(own)(input);
            input.caller_arn = Some(format!("arn:aws:iam::111122223333:{caller}"));
        });
        assert_eq!(decided.await[0].1, expected);
    }
    let logs = document(&client, "aws-service-role/CloudHSMServiceRolePolicy").await;
    let group = on("arn:aws:logs:us-east-1:111122223333:log-group:/aws/cloudhsm/cluster-1:log-stream:hsm-1");
    assert!(decisions(&client, &logs, &["logs:PutLogEvents"], group).await[0].1);
    let trail = document(&client, "AWSCloudTrail_FullAccess").await;
    for (bucket, expected) in [("aws-cloudtrail-logs-1", true), ("other", false)] {
        let decided = decisions(&client, &trail, &["s3:CreateBucket"], on(&format!("arn:aws:s3:::{bucket}")));
        assert_eq!(decided.await[0].1, expected);
    }
    for (service, expected) in [("cloudtrail.amazonaws.com", true), ("ec2.amazonaws.com", false)] {
        let decided = decisions(&client, &trail, &["iam:PassRole"], |input| {
            input.context_entries = Some(vec![iam::ContextEntry {
                context_key_name: Some("iam:PassedToService".to_owned()),
                context_key_values: Some(vec![service.to_owned()]),
                context_key_type: Some("string".into()),
            }]);
        });
        assert_eq!(decided.await[0].1, expected);
    }
}

async fn those_of_service_linked_roles_are_for_them_only(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let arn = "arn:aws:iam::aws:policy/aws-service-role/CloudHSMServiceRolePolicy";
    assert!(refusal(client.attach_to_user("a", arn).await).starts_with("PolicyNotAttachable: "));
    let input = iam::CreateServiceLinkedRoleRequest {
        aws_service_name: "cloudhsm.amazonaws.com".to_owned(),
        ..Default::default()
    };
    client.iam().create_service_linked_role(&client.changing(), input).await.unwrap();
    let input = iam::ListAttachedRolePoliciesRequest {
        role_name: "AWSServiceRoleForCloudHSM".to_owned(),
        ..Default::default()
    };
    let attached = client.iam().list_attached_role_policies(&client.context(), input).await.unwrap();
    assert_eq!(attached.attached_policies.unwrap()[0].policy_arn.as_deref(), Some(arn));
}
