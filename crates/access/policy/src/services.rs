//! What AWS services may do for the accounts that they work for: the permissions of their service-linked roles.
//!
//! AWS's CloudHSM makes security groups and network interfaces in the customer's VPC (CloudHSM User Guide,
//! "Configure IAM for AWS CloudHSM": the EC2 actions that a cluster needs). Ours does so under its own name. KMS
//! looks clusters up and makes a group and interfaces for each key store (KMS Developer Guide, "Authorizing AWS KMS
//! to manage AWS CloudHSM and Amazon EC2 resources"; what it makes it removes again).

use std::sync::{Arc, LazyLock};

use crate::Policy;

/// CloudHSM, as policies and records name it.
pub const CLOUDHSM: &str = "cloudhsm.amazonaws.com";

/// KMS where it looks after custom key stores, as policies and records name it.
pub const KEY_STORES: &str = "cks.kms.amazonaws.com";

/// CloudWatch Logs, as policies and records name it.
pub const LOGS: &str = "logs.amazonaws.com";

/// SNS, as policies and records name it.
pub const NOTIFICATIONS: &str = "sns.amazonaws.com";

/// Services that policies also know by their names in a Region.
const REGIONAL: &[&str] = &[LOGS];

/// What each service may do. A service that is not listed may do nothing.
const PERMISSIONS: &[(&str, &[&str])] = &[
    (
        CLOUDHSM,
        &[
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateNetworkInterface",
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeNetworkInterfaceAttribute",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "ec2:DetachNetworkInterface",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ],
    ),
    (
        KEY_STORES,
        &[
            "cloudhsm:DescribeClusters",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateNetworkInterface",
            "ec2:CreateSecurityGroup",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteSecurityGroup",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
        ],
    ),
    // What waits in an encrypted topic is decrypted when it is delivered; whoever published it had the data key made.
    (NOTIFICATIONS, &["kms:Decrypt"]),
];

/// A service's name in a Region, for example `logs.us-east-1.amazonaws.com` (CloudWatch Logs User Guide, "Encrypt log data in
/// CloudWatch Logs using AWS KMS"); most have none.
pub(crate) fn regional_name(service: &str, region: &str) -> Option<String> {
    let is_known = REGIONAL.contains(&service);
    let (name, domain) = service.split_once('.').filter(|_| is_known)?;
    Some(format!("{name}.{region}.{domain}"))
}

/// The policy of a service's role; `None` for a service that may do nothing.
pub(crate) fn policy(service: &str) -> Option<Arc<Policy>> {
    static POLICIES: LazyLock<Vec<(&str, Arc<Policy>)>> = LazyLock::new(|| {
        let policy = |(name, actions): &(&'static str, &[&str])| {
            (*name, Arc::new(Policy::allowing(format!("service role of {name}"), actions)))
        };
        PERMISSIONS.iter().map(policy).collect()
    });
    POLICIES.iter().find(|(name, _)| *name == service).map(|(_, policy)| policy.clone())
}
