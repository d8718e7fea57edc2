//! What callers ask permission for. S3's actions are named after what is protected, not after the operations (Service
//! Authorization Reference, "Actions, resources, and condition keys for Amazon S3").

use strongroom_identity::Action;

macro_rules! actions {
    ($($name:ident = $text:literal,)+) => {$(
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Action for $name {
            const NAME: &'static str = $text;
        }
    )+};
}

actions! {
    AbortMultipartUpload = "s3:AbortMultipartUpload",
    CreateBucket = "s3:CreateBucket",
    DeleteBucket = "s3:DeleteBucket",
    DeleteBucketPolicy = "s3:DeleteBucketPolicy",
    DeleteObject = "s3:DeleteObject",
    DeleteObjectTagging = "s3:DeleteObjectTagging",
    DeleteObjectVersion = "s3:DeleteObjectVersion",
    DeleteObjectVersionTagging = "s3:DeleteObjectVersionTagging",
    GetAccelerateConfiguration = "s3:GetAccelerateConfiguration",
    GetAnalyticsConfiguration = "s3:GetAnalyticsConfiguration",
    GetBucketAcl = "s3:GetBucketAcl",
    GetBucketCors = "s3:GetBucketCORS",
    GetBucketLocation = "s3:GetBucketLocation",
    GetBucketLogging = "s3:GetBucketLogging",
    GetBucketNotification = "s3:GetBucketNotification",
    GetBucketObjectLockConfiguration = "s3:GetBucketObjectLockConfiguration",
    GetBucketOwnershipControls = "s3:GetBucketOwnershipControls",
    GetBucketPolicy = "s3:GetBucketPolicy",
    GetBucketPolicyStatus = "s3:GetBucketPolicyStatus",
    GetBucketPublicAccessBlock = "s3:GetBucketPublicAccessBlock",
    GetBucketRequestPayment = "s3:GetBucketRequestPayment",
    GetBucketTagging = "s3:GetBucketTagging",
    GetBucketVersioning = "s3:GetBucketVersioning",
    GetBucketWebsite = "s3:GetBucketWebsite",
    GetEncryptionConfiguration = "s3:GetEncryptionConfiguration",
    GetIntelligentTieringConfiguration = "s3:GetIntelligentTieringConfiguration",
    GetInventoryConfiguration = "s3:GetInventoryConfiguration",
    GetLifecycleConfiguration = "s3:GetLifecycleConfiguration",
    GetMetricsConfiguration = "s3:GetMetricsConfiguration",
    GetObject = "s3:GetObject",
    GetObjectAcl = "s3:GetObjectAcl",
    GetObjectAttributes = "s3:GetObjectAttributes",
    GetObjectLegalHold = "s3:GetObjectLegalHold",
    GetObjectRetention = "s3:GetObjectRetention",
    GetObjectTagging = "s3:GetObjectTagging",
    GetObjectVersion = "s3:GetObjectVersion",
    GetObjectVersionAcl = "s3:GetObjectVersionAcl",
    GetObjectVersionAttributes = "s3:GetObjectVersionAttributes",
    GetObjectVersionTagging = "s3:GetObjectVersionTagging",
    GetReplicationConfiguration = "s3:GetReplicationConfiguration",
    ListAllMyBuckets = "s3:ListAllMyBuckets",
    ListBucket = "s3:ListBucket",
    ListBucketMultipartUploads = "s3:ListBucketMultipartUploads",
    ListBucketVersions = "s3:ListBucketVersions",
    ListMultipartUploadParts = "s3:ListMultipartUploadParts",
    PutBucketAcl = "s3:PutBucketAcl",
    PutBucketOwnershipControls = "s3:PutBucketOwnershipControls",
    PutBucketPolicy = "s3:PutBucketPolicy",
    PutBucketPublicAccessBlock = "s3:PutBucketPublicAccessBlock",
    PutBucketTagging = "s3:PutBucketTagging",
    PutBucketVersioning = "s3:PutBucketVersioning",
    PutEncryptionConfiguration = "s3:PutEncryptionConfiguration",
    PutObject = "s3:PutObject",
    PutObjectAcl = "s3:PutObjectAcl",
    PutObjectTagging = "s3:PutObjectTagging",
    PutObjectVersionAcl = "s3:PutObjectVersionAcl",
    PutObjectVersionTagging = "s3:PutObjectVersionTagging",
}
