//! The policies, in the order of their names in lower case.
//!
//! Effects are those of AWS's policies on the services that Strongroom has, or will have (AWS Managed Policy Reference
//! Guide, which also states when each was created and its version); the documents are ours, and name few services
//! else. Ids are AWS's, where it has shown them: those of the policies since 2017 are not known, and ours.

use super::AwsPolicy;

/// A policy whose document is in the file of its name.
macro_rules! policy {
    ($name:literal, $id:literal, $path:expr, v $version:literal, created $created_ms:literal, $description:literal) => {
        AwsPolicy {
            id: $id,
            path: $path,
            name: $name,
            description: $description,
            version: $version,
            created_ms: $created_ms,
            text: include_str!(concat!("documents/", $name, ".json")),
        }
    };
}

/// The path of most.
const ROOT: &str = "/";

/// The path of those that service-linked roles have.
const LINKED: &str = "/aws-service-role/";

/// All of them.
#[rustfmt::skip]
pub(crate) static POLICIES: &[AwsPolicy] = &[
    policy!("AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK", ROOT, v 1, created 1_423_247_986_000, "Everything, in every service."),
    policy!("AmazonEC2FullAccess", "ANPAI3VAJF5ZCRZ7MCQE6", ROOT, v 5, created 1_423_248_015_000, "Everything in Amazon EC2."),
    policy!("AmazonEC2ReadOnlyAccess", "ANPAIGDT4SV4GSETWTBZK", ROOT, v 5, created 1_423_248_017_000, "Looking at everything in Amazon EC2."),
    policy!("AmazonS3FullAccess", "ANPAIFIR6V6BVTRAHWINE", ROOT, v 2, created 1_423_248_058_000, "Everything in all buckets."),
    policy!("AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M", ROOT, v 3, created 1_423_248_059_000, "Looking at and reading from all buckets."),
    policy!("AmazonSNSFullAccess", "ANPAJWEKLCXXUNT2SOLSG", ROOT, v 2, created 1_423_248_065_000, "Everything in Amazon SNS."),
    policy!("AmazonSNSReadOnlyAccess", "ANPAIZGQCQTFOFPMHSB6W", ROOT, v 2, created 1_423_248_066_000, "Looking at everything in Amazon SNS."),
    policy!("AmazonVPCFullAccess", "ANPAJBWPGNOVKZD3JI2P2", ROOT, v 13, created 1_423_248_076_000, "Everything about networks in Amazon EC2."),
    policy!("AmazonVPCReadOnlyAccess", "ANPAIICZJNOJN36GTG6CM", ROOT, v 12, created 1_423_248_077_000, "Looking at networks in Amazon EC2."),
    policy!("AWSCloudHSMFullAccess", "ANPAIMBQYQZM7F63DA2UU", ROOT, v 1, created 1_423_247_991_000, "Everything in AWS CloudHSM."),
    policy!("AWSCloudHSMReadOnlyAccess", "ANPAISVCBSY7YDBOT67KE", ROOT, v 1, created 1_423_247_992_000, "Looking at everything in AWS CloudHSM."),
    policy!("AWSCloudShellFullAccess", "ANPAZKAPJZG42RT7KVQ5M", ROOT, v 1, created 1_608_055_620_000, "Everything in AWS CloudShell."),
    policy!("AWSCloudTrail_FullAccess", "ANPAZKAPJZG4VT36APCM5", ROOT, v 3, created 1_602_200_460_000, "Everything in AWS CloudTrail, and what its trails deliver to."),
    policy!("AWSCloudTrail_ReadOnlyAccess", "ANPAZKAPJZG44EVT3LKYY", ROOT, v 1, created 1_655_228_460_000, "Looking at everything in AWS CloudTrail."),
    policy!("AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy", "ANPAZKAPJZG4PUO6VFTFB", LINKED, v 2, created 1_542_226_200_000, "What AWS KMS does for custom key stores."),
    policy!("AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy", "ANPAZKAPJZG4SQ5NPDIMW", LINKED, v 2, created 1_623_857_820_000, "What AWS KMS does for multi-Region keys."),
    policy!("AWSKeyManagementServicePowerUser", "ANPAJNPP7PPPPMJRV2SA4", ROOT, v 2, created 1_423_248_040_000, "Making keys and looking at them, without using or deleting any."),
    policy!("AWSSupportAccess", "ANPAJSNKQX2OW67GF4S7E", ROOT, v 1, created 1_423_248_071_000, "Everything in AWS Support."),
    policy!("CloudHSMServiceRolePolicy", "ANPAZKAPJZG4TVNSKIBIP", LINKED, v 1, created 1_509_995_520_000, "What AWS CloudHSM does with the logs of HSMs."),
    policy!("CloudTrailServiceRolePolicy", "ANPAZKAPJZG4SMRRGOMET", LINKED, v 3, created 1_540_416_104_000, "What AWS CloudTrail does for trails."),
    policy!("CloudWatchFullAccess", "ANPAIKEABORKUXN6DEAZU", ROOT, v 4, created 1_423_248_000_000, "Everything in CloudWatch, CloudWatch Logs and Amazon SNS."),
    policy!("CloudWatchFullAccessV2", "ANPAZKAPJZG44ZWO4Q4EK", ROOT, v 17, created 1_690_889_520_000, "Everything in CloudWatch and CloudWatch Logs, and topics for alarms."),
    policy!("CloudWatchLogsFullAccess", "ANPAJ3ZGNWK2R5HW5BQFO", ROOT, v 8, created 1_423_248_002_000, "Everything in CloudWatch Logs."),
    policy!("CloudWatchLogsReadOnlyAccess", "ANPAJ2YIYDYSNNEHK3VKW", ROOT, v 12, created 1_423_248_003_000, "Reading from CloudWatch Logs."),
    policy!("CloudWatchReadOnlyAccess", "ANPAJN23PDQP7SZQAE3QE", ROOT, v 25, created 1_423_248_001_000, "Reading from CloudWatch and CloudWatch Logs, and looking at topics."),
    policy!("IAMFullAccess", "ANPAI7XKCFMBPM3QQRRVQ", ROOT, v 2, created 1_423_248_038_000, "Everything in IAM."),
    policy!("IAMReadOnlyAccess", "ANPAJKSO7NDY4T57MWDSQ", ROOT, v 4, created 1_423_248_039_000, "Looking at everything in IAM, and simulating policies."),
    policy!("IAMUserChangePassword", "ANPAJ4L4MM2A7QIEB56MS", ROOT, v 5, created 1_479_169_516_000, "A user's own password."),
    policy!("PowerUserAccess", "ANPAJYRXTHIB4FOVS3ZXS", ROOT, v 12, created 1_423_247_987_000, "Everything but the administration of users, groups, roles and policies."),
    policy!("ReadOnlyAccess", "ANPAILL3HVNFSB6DCOWYQ", ROOT, v 186, created 1_423_247_988_000, "Looking at everything in every service."),
    policy!("SecurityAudit", "ANPAIX2T3QCXHR2OGGCTO", ROOT, v 93, created 1_423_248_061_000, "Looking at how everything is configured, without what is kept in it."),
];
