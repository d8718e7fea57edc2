"""Buckets of S3: what is set of them, who owns them, and their policies."""

import json
import uuid

import pytest

from rig.objects import body
from rig.sdk import client, refused


def test_a_bucket_has_what_new_buckets_have_and_says_what_it_has_not(s3, bucket):
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"] == {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"}
    for call, code in (
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
    ):
        with refused(code) as missing:
            call(Bucket=bucket)
        assert missing.status == 404
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    with refused("AccessControlListNotSupported"):
        s3.put_object(Bucket=bucket, Key="k", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 1
    with refused("NotImplemented") as later:
        s3.put_bucket_cors(
            Bucket=bucket,
            CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
        )
    assert later.status == 501


def test_buckets_have_names_regions_and_owners(node, s3, bucket):
    with refused("NoSuchBucket") as missing:
        s3.list_objects_v2(Bucket="no-such-bucket-anywhere")
    assert missing.message == "The specified bucket does not exist"
    s3.create_bucket(Bucket=bucket)
    far = client(node, "s3", region="eu-central-1")
    name = f"e2e-{uuid.uuid4()}"
    with refused("IllegalLocationConstraintException"):
        far.create_bucket(Bucket=name)
    far.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
    with refused("BucketAlreadyOwnedByYou"):
        far.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    stranger = client(node, "s3", access_key_id="111122223333")
    with refused("BucketAlreadyExists"):
        stranger.create_bucket(Bucket=bucket)
    with refused("AccessDenied") as foreign:
        stranger.list_objects_v2(Bucket=bucket)
    assert foreign.message == "Access Denied"
    assert bucket not in [found["Name"] for found in stranger.list_buckets()["Buckets"]]
    with refused("InvalidBucketName"):
        s3.create_bucket(Bucket="Not-a-name")
    with refused("AccessDenied"):
        s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner="111122223333")


def statement(**more) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **more}]})


def test_a_bucket_policy_lets_others_in_and_keeps_out(node, s3, bucket):
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"x")
    stranger = client(node, "s3", access_key_id="111122223333")
    resource = f"arn:aws:s3:::{bucket}/open/*"
    allowed = statement(Principal={"AWS": "111122223333"}, Action="s3:GetObject", Resource=resource)
    s3.put_bucket_policy(Bucket=bucket, Policy=allowed)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(allowed)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    assert body(stranger, bucket, "open/k") == b"x"
    with refused("AccessDenied"):
        stranger.put_object(Bucket=bucket, Key="open/k", Body=b"y")
    with refused("AccessDenied"):
        stranger.get_object(Bucket=bucket, Key="open/missing")
    everybody = statement(Principal="*", Action="s3:GetObject", Resource=resource)
    with refused("AccessDenied") as public:
        s3.put_bucket_policy(Bucket=bucket, Policy=everybody)
    assert "BlockPublicPolicy" in public.message
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False})
    s3.put_bucket_policy(Bucket=bucket, Policy=everybody)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert body(stranger, bucket, "open/k") == b"x"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    with refused("AccessDenied"):
        stranger.get_object(Bucket=bucket, Key="open/k")
    denied = json.loads(allowed)
    denied["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(denied))
    with refused("AccessDenied") as explicit:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert f'on resource: "arn:aws:s3:::{bucket}/k" with an explicit deny' in explicit.message
    shut = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [shut]}))
    with refused("AccessDenied"):
        s3.get_bucket_versioning(Bucket=bucket)
    # The root user is never locked out.
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Resource": "arn:aws:s3:::elsewhere/*"}, "Policy has invalid resource"),
        ({"Action": "kms:Decrypt"}, "Policy has invalid action"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Principal": {"AWS": "arn:aws:iam::000000000000:user/nobody"}}, "Invalid principal in policy"),
    ],
)
def test_a_policy_that_is_none_is_refused(s3, bucket, change, text):
    sound = {"Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    with refused("MalformedPolicy") as malformed:
        s3.put_bucket_policy(Bucket=bucket, Policy=statement(**{**sound, **change}))
    assert malformed.message == text
