//! What is checked, how much it matters, and what to do about it.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Worth a look.
    Low,
    /// To be mended in time.
    Medium,
    /// To be mended now.
    High,
}

impl Severity {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One question that the report asks of everything of a kind.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Its name, which stays the same from version to version.
    pub(super) name: &'static str,
    /// What is as it should be when nothing is found.
    pub(super) title: &'static str,
    pub(super) severity: Severity,
    /// What to do about a finding.
    pub(super) advice: &'static str,
}

/// Makes a constant of each check, and the list of all.
macro_rules! checks {
    ($($constant:ident: $severity:ident, $name:literal, $title:literal, $advice:literal;)+) => {
        $(pub(super) const $constant: &Check =
            &Check { name: $name, title: $title, severity: Severity::$severity, advice: $advice };)+
        /// All checks, in the order of the report.
        pub(super) const ALL: &[&Check] = &[$($constant),+];
    };
}

checks! {
    ROOT_MFA: High, "root-mfa", "The root user has a second factor",
        "Give the root user an MFA device.";
    ROOT_KEY: Medium, "root-access-key", "The root user has no access key",
        "Work with users and roles, and delete the root user's access keys.";
    ROOT_USE: Medium, "root-use", "The root user was not used lately",
        "Find out who it was (aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root), and work with users and roles.";
    USER_MFA: High, "user-mfa", "Users with a password have a second factor",
        "Give the user an MFA device, or delete the password.";
    KEY_UNUSED: Medium, "access-key-unused", "Access keys are in use",
        "Deactivate the access key, and delete it when nobody misses it.";
    KEY_OLD: Medium, "access-key-old", "Access keys are not old",
        "Make a new access key, switch to it, and delete the old one.";
    IDENTITY_WIDE: Medium, "identity-policy-wide", "No policy of users, groups or roles allows everything, or all of KMS on every key",
        "Name the actions and the resources that are needed.";
    ROTATION: Medium, "key-rotation", "Keys rotate by themselves",
        "aws kms enable-key-rotation --key-id KEY";
    KEY_POLICY_PUBLIC: High, "key-policy-public", "No key policy allows everybody something",
        "Name principals, or add a condition on the account or the organization (kms:CallerAccount, aws:PrincipalOrgID).";
    KEY_POLICY_WIDE: Medium, "key-policy-wide", "No key policy gives a principal all of KMS",
        "Separate who manages the key from who uses it, and name the actions.";
    KEY_IDLE: Low, "key-unused", "Keys are in use",
        "Disable the key; delete it when nobody misses it.";
    KEY_DELETION: Low, "key-pending-deletion", "No key waits for its deletion",
        "If it is still needed: aws kms cancel-key-deletion --key-id KEY";
    STORE_CONNECTED: Medium, "key-store-connected", "Custom key stores are connected",
        "aws kms connect-custom-key-store --custom-key-store-id STORE";
    TRAIL_ON: High, "trail-on", "A trail logs the management events of the Region",
        "Create a trail, or start it: aws cloudtrail start-logging --name TRAIL";
    TRAIL_DELIVERS: High, "trail-delivers", "Trails deliver without an error",
        "Look at aws cloudtrail get-trail-status, and at the policies of bucket and key.";
    TRAIL_KMS: Medium, "trail-encrypted", "Trails are encrypted with a KMS key",
        "aws cloudtrail update-trail --name TRAIL --kms-key-id KEY";
    TRAIL_DIGESTS: Medium, "trail-validated", "Trails write digests",
        "aws cloudtrail update-trail --name TRAIL --enable-log-file-validation";
    TRAIL_SEES_KMS: Medium, "trail-includes-kms", "Trails do not leave out KMS",
        "Take kms.amazonaws.com out of the trail's ExcludeManagementEventSources.";
    BUCKET_PRIVATE: High, "trail-bucket-private", "Nobody else reads the buckets of trails",
        "aws s3api put-public-access-block with all four blocks on, and name principals in the bucket's policy.";
    BUCKET_VERSIONED: Medium, "trail-bucket-versioned", "Buckets of trails keep what is overwritten or deleted",
        "aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled";
    BUCKET_ENCRYPTED: Medium, "trail-bucket-encrypted", "Buckets of trails encrypt by default",
        "aws s3api put-bucket-encryption";
    ALARM_KMS: Medium, "alarm-key-use", "An alarm watches the use of keys",
        "aws cloudwatch put-metric-alarm on KeyUsageCount in AWS/KMS.";
    ALARM_HSM: Low, "alarm-hsm", "An alarm watches the HSMs of clusters",
        "aws cloudwatch put-metric-alarm on HsmUnhealthy in AWS/CloudHSM.";
    ALARM_ACTS: Medium, "alarm-acts", "Alarms tell somebody",
        "Enable the alarm's actions, and name a topic in AlarmActions.";
    CLUSTER_ZONES: High, "cluster-zones", "Clusters have HSMs in two zones",
        "Create an HSM in another zone: aws cloudhsmv2 create-hsm";
    CLUSTER_BACKUP: High, "cluster-backup", "Clusters were backed up lately",
        "Find out why: aws cloudhsmv2 describe-backups, and the server's log.";
    CLUSTER_DAILY: High, "cluster-daily-backups", "Clusters are backed up every day",
        "Create an HSM: there are no backups without one. Where the server was told to pause them: daily_backups = true in [clusters].";
    CLUSTER_OPEN: High, "cluster-open", "No security group lets everybody reach HSMs",
        "Replace 0.0.0.0/0 and ::/0 by the networks of your applications.";
    HSM_QUORUM: Medium, "hsm-quorum", "Administrators of HSMs act in numbers",
        "cloudhsm-cli quorum token-sign set-quorum-value --service user --value 2, and --service quorum.";
    HSM_MFA: Medium, "hsm-admin-mfa", "Administrators of HSMs have a second factor",
        "cloudhsm-cli user change-mfa token-sign";
    HSM_TRUSTED: Low, "hsm-trusted-keys", "No crypto user may use trusted keys",
        "Keys that may leave only under trusted keys leave by them: see that each of these users is meant to, or unshare the key.";
}
