//! Keys that AWS services keep for an account (KMS Developer Guide, "AWS managed keys").
//!
//! Such a key comes into being when its alias is first used. It is looked after by the service: the account
//! sees it, and uses it through the service only.

use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::{Guard, Policy, Resource, Values};

use super::access;
use super::identifier::{Home, RESERVED_ALIAS_PREFIX};
use super::policy::Bound;

/// The services that keep a key: their names in the keys' aliases, and what the keys protect.
const SERVICES: &[(&str, &str)] = &[
    ("acm", "ACM private keys"),
    ("backup", "Backup data"),
    ("codeartifact", "CodeArtifact data"),
    ("codecommit", "CodeCommit repositories"),
    ("connect", "Connect data"),
    ("dms", "DMS data"),
    ("dynamodb", "DynamoDB data"),
    ("ebs", "EBS volumes"),
    ("elasticfilesystem", "EFS filesystems"),
    ("es", "Elasticsearch data"),
    ("fsx", "FSx resources"),
    ("glue", "Glue data"),
    ("kafka", "MSK data"),
    ("kinesis", "Kinesis data"),
    ("kinesisvideo", "Kinesis Video Streams data"),
    ("lambda", "Lambda functions"),
    ("lightsail", "Lightsail data"),
    ("mq", "MQ data"),
    ("rds", "RDS database volumes"),
    ("redshift", "Redshift clusters"),
    ("s3", "S3 objects"),
    ("secretsmanager", "Secrets Manager data"),
    ("ses", "SES data"),
    ("sns", "SNS data"),
    ("sqs", "SQS data"),
    ("ssm", "SSM parameters"),
    ("workmail", "WorkMail data"),
    ("workspaces", "WorkSpaces data"),
    ("xray", "X-Ray data"),
];

/// The aliases that show before there is a key behind them (KMS API Reference, ListAliases: aliases without
/// `TargetKeyId`), in order.
const PREDEFINED: &[&str] = &["alias/aws/ebs", "alias/aws/rds", "alias/aws/redshift", "alias/aws/s3"];

/// The service whose key has that alias.
pub(crate) fn service_of(alias: &str) -> Option<&'static str> {
    let name = alias.strip_prefix(RESERVED_ALIAS_PREFIX)?;
    SERVICES.iter().map(|(service, _)| *service).find(|service| *service == name)
}

/// The alias of a service's key.
pub(crate) fn alias_of(service: &str) -> String {
    format!("{RESERVED_ALIAS_PREFIX}{service}")
}

/// Aliases that show although they have no key yet, those after `after`.
pub(crate) fn predefined_after(after: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    PREDEFINED.iter().copied().filter(move |alias| *alias > after)
}

/// What AWS says of such a key.
pub(crate) fn description(service: &str) -> String {
    let found = SERVICES.iter().find(|(name, _)| *name == service);
    let protects = found.map_or("data", |(_, protects)| *protects);
    format!("Default key that protects my {protects} when no other key is defined")
}

/// The alias of a key that a service will keep, as policies see it before there is a key.
pub(crate) struct ManagedAlias {
    home: Home,
    service: &'static str,
    policy: Policy,
}

impl ManagedAlias {
    pub(crate) fn new(home: Home, service: &'static str) -> Self {
        let policy = access::compile(&policy(service, &home), &Bound::default());
        Self { home, service, policy }
    }
}

impl Resource for ManagedAlias {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.home.arn(&alias_of(self.service))
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.policy)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        access::of_caller(key, context)
    }
}

/// The key's policy.
pub(crate) fn policy(service: &str, home: &Home) -> String {
    let Home { account, region } = home;
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{service}-2",
  "Statement" : [ {{
    "Sid" : "Allow access through {service} for all principals in the account that are authorized to use {service}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{service}.{region}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}
