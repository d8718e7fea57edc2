"""S3: a bucket that keeps versions, an object with tags in it, and an upload under way."""

from matrix.rows.row import row

BUCKET = {"Bucket": "<bucket>"}
OBJECT = BUCKET | {"Key": "k"}
VERSION = OBJECT | {"VersionId": "<version>"}
UPLOAD = OBJECT | {"UploadId": "<upload>"}
ABSENT = BUCKET | {"Key": "absent"}
TAGS = {"TagSet": [{"Key": "team", "Value": "keys"}]}
BLOCK = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
}
OWNERSHIP = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
AES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
ELSEWHERE = "arn:aws:s3:::elsewhere"
NAMED = BUCKET | {"Id": "absent"}

ROWS = [
    row("AbortMultipartUpload", **OBJECT, UploadId="absent"),
    row("CompleteMultipartUpload", **UPLOAD, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "absent"}]}),
    row("CopyObject", **BUCKET, Key="copy", CopySource="<copy-source>"),
    row("CreateBucket", **BUCKET),
    row("CreateMultipartUpload", **OBJECT),
    row("DeleteBucket", **BUCKET),
    row("DeleteBucketAnalyticsConfiguration", **NAMED),
    row("DeleteBucketCors", **BUCKET),
    row("DeleteBucketEncryption", **BUCKET),
    row("DeleteBucketIntelligentTieringConfiguration", **NAMED),
    row("DeleteBucketInventoryConfiguration", **NAMED),
    row("DeleteBucketLifecycle", **BUCKET),
    row("DeleteBucketMetricsConfiguration", **NAMED),
    row(
        "DeleteBucketOwnershipControls",
        undo=("PutBucketOwnershipControls", BUCKET | OWNERSHIP),
        **BUCKET,
    ),
    row("DeleteBucketPolicy", **BUCKET),
    row("DeleteBucketReplication", **BUCKET),
    row("DeleteBucketTagging", **BUCKET),
    row("DeleteBucketWebsite", **BUCKET),
    row("DeleteObject", **ABSENT),
    row("DeleteObject", "a version", **ABSENT, VersionId="0" * 32),
    row("DeleteObjectTagging", **ABSENT),
    row("DeleteObjects", **BUCKET, Delete={"Objects": [{"Key": "absent"}], "Quiet": True}),
    row("DeletePublicAccessBlock", undo=("PutPublicAccessBlock", BUCKET | BLOCK), **BUCKET),
    row("GetBucketAccelerateConfiguration", **BUCKET),
    row("GetBucketAcl", **BUCKET),
    row("GetBucketAnalyticsConfiguration", **NAMED),
    row("GetBucketCors", **BUCKET),
    row("GetBucketEncryption", **BUCKET),
    row("GetBucketIntelligentTieringConfiguration", **NAMED),
    row("GetBucketInventoryConfiguration", **NAMED),
    row("GetBucketLifecycleConfiguration", **BUCKET),
    row("GetBucketLocation", **BUCKET),
    row("GetBucketLogging", **BUCKET),
    row("GetBucketMetricsConfiguration", **NAMED),
    row("GetBucketNotificationConfiguration", **BUCKET),
    row("GetBucketOwnershipControls", **BUCKET),
    row("GetBucketPolicy", **BUCKET),
    row("GetBucketPolicyStatus", **BUCKET),
    row("GetBucketReplication", **BUCKET),
    row("GetBucketRequestPayment", **BUCKET),
    row("GetBucketTagging", **BUCKET),
    row("GetBucketVersioning", **BUCKET),
    row("GetBucketWebsite", **BUCKET),
    row("GetObject", **OBJECT),
    row("GetObject", "a version", **VERSION),
    row("GetObject", "that is not there", **ABSENT),
    row("GetObjectAcl", **OBJECT),
    row("GetObjectAttributes", **OBJECT, ObjectAttributes=["ETag"]),
    row("GetObjectLegalHold", **OBJECT),
    row("GetObjectLockConfiguration", **BUCKET),
    row("GetObjectRetention", **OBJECT),
    row("GetObjectTagging", **OBJECT),
    row("GetPublicAccessBlock", **BUCKET),
    row("HeadBucket", **BUCKET),
    row("HeadObject", **OBJECT),
    row("ListBucketAnalyticsConfigurations", **BUCKET),
    row("ListBucketIntelligentTieringConfigurations", **BUCKET),
    row("ListBucketInventoryConfigurations", **BUCKET),
    row("ListBucketMetricsConfigurations", **BUCKET),
    row("ListBuckets"),
    row("ListMultipartUploads", **BUCKET),
    row("ListObjectVersions", **BUCKET),
    row("ListObjects", **BUCKET),
    row("ListObjectsV2", **BUCKET),
    row("ListParts", **UPLOAD),
    row("PutBucketAccelerateConfiguration", **BUCKET, AccelerateConfiguration={"Status": "Enabled"}),
    row("PutBucketAcl", **BUCKET, ACL="bucket-owner-full-control"),
    row(
        "PutBucketAnalyticsConfiguration", **NAMED, AnalyticsConfiguration={"Id": "absent", "StorageClassAnalysis": {}}
    ),
    row(
        "PutBucketCors",
        **BUCKET,
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    ),
    row("PutBucketEncryption", **BUCKET, ServerSideEncryptionConfiguration=AES),
    row(
        "PutBucketIntelligentTieringConfiguration",
        **NAMED,
        IntelligentTieringConfiguration={
            "Id": "absent",
            "Status": "Enabled",
            "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
        },
    ),
    row(
        "PutBucketInventoryConfiguration",
        **NAMED,
        InventoryConfiguration={
            "Destination": {"S3BucketDestination": {"Bucket": ELSEWHERE, "Format": "CSV"}},
            "IsEnabled": True,
            "Id": "absent",
            "IncludedObjectVersions": "All",
            "Schedule": {"Frequency": "Daily"},
        },
    ),
    row("PutBucketLifecycleConfiguration", **BUCKET, LifecycleConfiguration={"Rules": [{"Status": "Disabled"}]}),
    row("PutBucketLogging", **BUCKET, BucketLoggingStatus={}),
    row("PutBucketMetricsConfiguration", **NAMED, MetricsConfiguration={"Id": "absent"}),
    row("PutBucketNotificationConfiguration", **BUCKET, NotificationConfiguration={}),
    row("PutBucketOwnershipControls", **BUCKET, **OWNERSHIP),
    row("PutBucketPolicy", "that is none", **BUCKET, Policy="{}"),
    row(
        "PutBucketReplication",
        **BUCKET,
        ReplicationConfiguration={
            "Role": "<bare-user>",
            "Rules": [{"Status": "Enabled", "Destination": {"Bucket": ELSEWHERE}}],
        },
    ),
    row("PutBucketRequestPayment", **BUCKET, RequestPaymentConfiguration={"Payer": "BucketOwner"}),
    row("PutBucketTagging", **BUCKET, Tagging=TAGS),
    row("PutBucketVersioning", **BUCKET, VersioningConfiguration={"Status": "Enabled"}),
    row("PutBucketWebsite", **BUCKET, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}),
    row("PutObject", **BUCKET, Key="put", Body=b"x"),
    row("PutObject", "with tags", **BUCKET, Key="put", Body=b"x", Tagging="team=keys"),
    row("PutObjectAcl", **OBJECT, ACL="bucket-owner-full-control"),
    row("PutObjectLegalHold", **OBJECT, LegalHold={"Status": "OFF"}),
    row("PutObjectLockConfiguration", **BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
    row("PutObjectRetention", **OBJECT, Retention={"Mode": "GOVERNANCE"}),
    row("PutObjectTagging", **OBJECT, Tagging=TAGS),
    row("PutPublicAccessBlock", **BUCKET, **BLOCK),
    row("UploadPart", **UPLOAD, PartNumber=1, Body=b"x"),
    row("UploadPartCopy", **UPLOAD, PartNumber=2, CopySource="<copy-source>"),
]
