"""S3 with the clients that people have: the stock CLI's `aws s3` and `s3api`, and boto3."""

import base64
import hashlib
import json
import threading
import urllib.error
import uuid
from functools import partial

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ResponseStreamingError
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring

from rig.cli import Cli
from rig.node import HTTP, PATIENCE, wait_until
from rig.sdk import client, refused

MEBIBYTE = 1 << 20


@pytest.fixture
def s3(node):
    return client(node, "s3")


@pytest.fixture
def bucket(s3):
    name = f"e2e-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


def body(s3, bucket, key, **more) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_the_cli_copies_lists_syncs_and_removes(node, tmp_path):
    aws = Cli(node)
    name = f"e2e-{uuid.uuid4()}"

    def s3(*arguments) -> str:
        done = aws.run("s3", *arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    s3("mb", f"s3://{name}")
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"a few bytes")
    large.write_bytes(hashlib.shake_256(b"large").digest(20 * MEBIBYTE + 7))
    s3("cp", small, f"s3://{name}/a b/é+small.txt")
    s3("cp", large, f"s3://{name}/large")
    assert name in s3("ls")
    listed = s3("ls", f"s3://{name}")
    assert "PRE a b/" in listed
    assert "20971527 large" in listed
    assert "a b/é+small.txt" in s3("ls", f"s3://{name}", "--recursive")
    back = tmp_path / "back"
    s3("cp", f"s3://{name}/large", back)
    assert back.read_bytes() == large.read_bytes()
    s3("cp", f"s3://{name}/large", f"s3://{name}/copies/large")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    for number in range(3):
        (folder / "deep" / f"{number}").write_text(str(number))
    s3("sync", folder, f"s3://{name}/synced")
    (folder / "deep" / "0").unlink()
    assert "delete:" in s3("sync", folder, f"s3://{name}/synced", "--delete")
    again = tmp_path / "again"
    s3("sync", f"s3://{name}/synced", again)
    assert sorted(path.name for path in (again / "deep").iterdir()) == ["1", "2"]
    s3("mv", f"s3://{name}/a b/é+small.txt", f"s3://{name}/moved")
    # In us-east-1 this CLI presigns with version 2 of the signature, elsewhere with version 4.
    for region, signature in (("us-east-1", "&Signature="), ("eu-central-1", "&X-Amz-Signature=")):
        link = aws.with_(region=region).run("s3", "presign", f"s3://{name}/moved").stdout.strip()
        assert signature in link
        with HTTP.open(link, timeout=PATIENCE) as answer:
            assert answer.read() == b"a few bytes"
    with pytest.raises(urllib.error.HTTPError) as altered:
        HTTP.open(link.replace("moved", "large"), timeout=PATIENCE)
    assert altered.value.code == 403
    assert "BucketNotEmpty" in aws.run("s3", "rb", f"s3://{name}").stderr
    s3("rb", f"s3://{name}", "--force")
    assert name not in s3("ls")


def test_an_object_is_what_was_put(s3, bucket):
    put = s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="no-cache",
        Metadata={"Owner": "me"},
        Tagging="team=keys",
    )
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert put["ServerSideEncryption"] == "AES256"
    assert "VersionId" not in put
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["CacheControl"], got["ContentLength"]) == ("text/plain", "no-cache", 5)
    assert got["Metadata"] == {"owner": "me"}
    assert got["TagCount"] == 1
    assert got["ChecksumCRC32"]
    assert got["ChecksumType"] == "FULL_OBJECT"
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-3")
    assert (part["Body"].read(), part["ContentRange"]) == (b"ell", "bytes 1-3/5")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == 5
    assert head["ETag"] == put["ETag"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "team", "Value": "keys"}]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize"])
    assert attributes["ObjectSize"] == 5
    assert attributes["ETag"] == hashlib.md5(b"hello").hexdigest()
    s3.put_object(Bucket=bucket, Key="empty")
    assert body(s3, bucket, "empty") == b""


def test_reads_and_writes_have_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with refused("304") as kept:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert kept.status == 304
    with refused("PreconditionFailed"):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    with refused("PreconditionFailed") as there:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert there.message == "At least one of the pre-conditions you specified did not hold"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    with refused("InvalidRange") as outside:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=5-")
    assert outside.status == 416
    with refused("NoSuchKey") as missing:
        s3.put_object(Bucket=bucket, Key="other", Body=b"2", IfMatch=etag)
    assert missing.status == 404


def crc(polynomial: int, width: int, data: bytes) -> str:
    """A reflected CRC that begins and ends inverted, in base64: what boto3 leaves to a package of its own."""
    mask = value = (1 << width) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return base64.b64encode((value ^ mask).to_bytes(width // 8, "big")).decode()


CRC32C = partial(crc, 0x82F63B78, 32)
CRC64NVME = partial(crc, 0x9A6C9329AC4BC9B5, 64)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("CRC32", {"ChecksumAlgorithm": "CRC32"}),
        ("CRC32C", {"ChecksumCRC32C": CRC32C(b"hello")}),
        ("CRC64NVME", {"ChecksumCRC64NVME": CRC64NVME(b"hello")}),
        ("SHA1", {"ChecksumAlgorithm": "SHA1"}),
        ("SHA256", {"ChecksumAlgorithm": "SHA256"}),
    ],
)
def test_checksums_of_all_five_kinds_are_compared_and_kept(s3, bucket, kind, said):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", **said)
    assert said.get(f"Checksum{kind}") in (None, put[f"Checksum{kind}"])
    if "ChecksumAlgorithm" not in said:
        with refused("BadDigest"):
            s3.put_object(Bucket=bucket, Key="k", Body=b"other", **said)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{kind}"] == put[f"Checksum{kind}"]
    assert body(s3, bucket, "k", ChecksumMode="ENABLED") == b"hello"
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == [kind]


def test_a_body_that_is_not_what_was_said_is_refused(s3, bucket):
    with refused("BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumSHA1="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    with refused("BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    with refused("InvalidDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentMD5="no digest")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_an_upload_in_parts_becomes_one_object(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    bodies = [b"a" * 5 * MEBIBYTE, b"b" * 5 * MEBIBYTE, b"c"]
    etags = [
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=at, Body=part)["ETag"]
        for at, part in enumerate(bodies, 1)
    ]
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    copied = s3.upload_part_copy(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        PartNumber=3,
        CopySource=f"{bucket}/source",
        CopySourceRange="bytes=2-4",
    )
    etags[2] = copied["CopyPartResult"]["ETag"]
    assert [part["Size"] for part in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]] == [
        5 * MEBIBYTE,
        5 * MEBIBYTE,
        3,
    ]
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload
    parts = [{"PartNumber": at, "ETag": etag} for at, etag in enumerate(etags, 1)]
    with refused("InvalidPartOrder"):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts[::-1]})
    with refused("InvalidPart"):
        wrong = [{**parts[0], "ETag": '"00000000000000000000000000000000"'}, *parts[1:]]
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": wrong})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    digests = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    whole = bodies[0] + bodies[1] + b"234"
    assert body(s3, bucket, "k") == whole
    edge = 5 * MEBIBYTE
    assert body(s3, bucket, "k", Range=f"bytes={edge - 2}-{edge + 1}") == b"aabb"
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second["PartsCount"] == 3
    assert second["Body"].read() == bodies[1]
    with refused("NoSuchUpload"):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


def test_parts_have_a_least_size_and_uploads_end(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = [
        {
            "PartNumber": at,
            "ETag": s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=at, Body=b"x")["ETag"],
        }
        for at in (1, 2)
    ]
    with refused("EntityTooSmall") as small:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert small.message == "Your proposed upload is smaller than the minimum allowed size"
    with refused("InvalidArgument"):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=10_001, Body=b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with refused("NoSuchUpload"):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)


def test_versions_are_kept_and_deletions_hide(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert body(s3, bucket, "k") == b"2"
    assert body(s3, bucket, "k", VersionId=first) == b"1"
    assert body(s3, bucket, "k", VersionId="null") == b"before"
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True
    with refused("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("MethodNotAllowed"):
        s3.get_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    listed = s3.list_object_versions(Bucket=bucket)
    assert [version["VersionId"] for version in listed["Versions"]] == [second, first, "null"]
    assert [marker["IsLatest"] for marker in listed["DeleteMarkers"]] == [True]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    paged = [v["VersionId"] for page in pages for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert paged == [gone["VersionId"], second, first, "null"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert body(s3, bucket, "k") == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert body(s3, bucket, "k") == b"1"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"null")["VersionId"] == "null"
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [version["VersionId"] for version in listed] == ["null", first]
    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)


def test_keys_are_listed_page_by_page_and_rolled_up(s3, bucket):
    keys = sorted(["a", "b/1", "b/2", "b/c/3", "b0", "é/ü", "z z", "z+z"], key=lambda key: key.encode())
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in rolled["CommonPrefixes"]] == ["b/", "é/"]
    assert [entry["Key"] for entry in rolled["Contents"]] == ["a", "b0", "z z", "z+z"]
    assert rolled["KeyCount"] == 6
    for delimiter, expected in (("", keys), ("/", ["a", "b/", "b0", "z z", "z+z", "é/"])):
        found, marker = [], ""
        while True:
            page = s3.list_objects(Bucket=bucket, Marker=marker, MaxKeys=1, Delimiter=delimiter)
            found += [e["Key"] for e in page.get("Contents", [])]
            found += [e["Prefix"] for e in page.get("CommonPrefixes", [])]
            if not page["IsTruncated"]:
                break
            marker = page.get("NextMarker") or found[-1]
        assert found == expected
    within = s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert [entry["Key"] for entry in within["Contents"]] == ["b/1", "b/2"]
    assert s3.list_objects_v2(Bucket=bucket, StartAfter="b/2", MaxKeys=1)["Contents"][0]["Key"] == "b/c/3"
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(gone["Deleted"]) == len(keys)
    s3.delete_bucket(Bucket=bucket)


def test_copies_take_or_replace_what_the_source_says(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a ?é", Body=b"x", ContentType="text/a", Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a ?é"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
    copied = s3.head_object(Bucket=bucket, Key="b")
    assert (copied["ContentType"], copied["Metadata"]) == ("text/a", {"m": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(
        Bucket=bucket,
        Key="b",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
        ContentType="text/b",
    )
    replaced = s3.head_object(Bucket=bucket, Key="b")
    assert (replaced["ContentType"], replaced["Metadata"]) == ("text/b", {"n": "2"})
    with refused("InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/b")
    with refused("PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch='"x"')


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


def test_objects_are_encrypted_under_keys_of_kms(node, s3, bucket):
    kms = client(node, "kms")
    key = kms.create_key()["KeyMetadata"]
    put = s3.put_object(
        Bucket=bucket, Key="k", Body=b"secret" * 50_000, ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"]
    )
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    assert put["ETag"] != f'"{hashlib.md5(b"secret" * 50_000).hexdigest()}"'
    assert body(s3, bucket, "k") == b"secret" * 50_000
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.put_object(Bucket=bucket, Key="by default", Body=b"x")["BucketKeyEnabled"] is True
    managed = s3.put_object(Bucket=bucket, Key="managed", Body=b"x", ServerSideEncryption="AES256")
    assert managed["ServerSideEncryption"] == "AES256"
    kms.disable_key(KeyId=key["KeyId"])
    for name in ("k", "by default"):
        with refused("KMS.DisabledException") as disabled:
            s3.get_object(Bucket=bucket, Key=name)
        assert disabled.status == 400
    assert body(s3, bucket, "managed") == b"x"
    kms.enable_key(KeyId=key["KeyId"])
    assert body(s3, bucket, "by default") == b"x"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert body(s3, bucket, "parts") == b"part"
    with refused("KMS.NotFoundException"):
        s3.put_object(
            Bucket=bucket, Key="x", ServerSideEncryption="aws:kms", SSEKMSKeyId="00000000-0000-0000-0000-000000000000"
        )
    own = s3.put_object(Bucket=f"{bucket}", Key="own", Body=b"x", ServerSideEncryption="aws:kms")
    assert own["SSEKMSKeyId"] == key["Arn"], "the bucket's default"


def test_the_s3_encryption_client_works_with_its_kms_keyring(node, s3, bucket):
    key = client(node, "kms").create_key()["KeyMetadata"]["Arn"]
    config = S3EncryptionClientConfig(keyring=KmsKeyring(client(node, "kms"), key))
    encrypting = S3EncryptionClient(client(node, "s3"), config)
    text = b"only the client knows" * 1000
    encrypting.put_object(Bucket=bucket, Key="k", Body=text, EncryptionContext={"purpose": "test"})
    sealed = s3.get_object(Bucket=bucket, Key="k")
    assert text[:21] not in sealed["Body"].read()
    assert sealed["Metadata"]
    got = encrypting.get_object(Bucket=bucket, Key="k", EncryptionContext={"purpose": "test"})
    assert got["Body"].read() == text
    client(node, "kms").disable_key(KeyId=key)
    with pytest.raises(Exception, match="disabled|DisabledException"):
        encrypting.get_object(Bucket=bucket, Key="k", EncryptionContext={"purpose": "test"})


def test_the_key_that_s3_keeps_is_used_where_no_other_is_named(node, s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    kms = client(node, "kms")
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] == put["SSEKMSKeyId"]
    assert body(s3, bucket, "k") == b"x"


def test_calls_on_objects_are_data_events_and_kms_sees_who_asks(node, s3, bucket):
    key = client(node, "kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    trail = client(node, "cloudtrail")

    def events(name: str) -> list[dict]:
        found = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
        return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]

    made = [e for e in events("CreateBucket") if e["requestParameters"]["bucketName"] == bucket]
    assert made
    assert made[0]["eventSource"] == "s3.amazonaws.com"
    assert made[0]["eventCategory"] == "Management"
    assert {"type": "AWS::S3::Bucket", "accountId": "000000000000", "ARN": f"arn:aws:s3:::{bucket}"} in made[0][
        "resources"
    ]
    assert events("PutObject") == []
    used = [e for e in events("GenerateDataKey") if (e.get("resources") or [{}])[0].get("ARN") == key]
    assert used[0]["userIdentity"]["type"] == "Root"
    assert used[0]["userIdentity"]["invokedBy"] == "s3.amazonaws.com"
    assert used[0]["requestParameters"]["encryptionContext"] == {"aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}


def test_objects_outlive_kill_9_and_nothing_of_them_is_in_the_clear(fresh_node, tmp_path):
    s3 = client(fresh_node, "s3")
    s3.create_bucket(Bucket="kept")
    secret = b"the secret of an object " * 4096
    s3.put_object(Bucket="kept", Key="k", Body=secret)
    fresh_node.kill()
    fresh_node.start()
    s3 = client(fresh_node, "s3")
    assert body(s3, "kept", "k") == secret
    files = list((tmp_path / "data" / "objects").glob("??/*"))
    assert len(files) == 1
    assert b"secret of an object" not in files[0].read_bytes()
    assert files[0].stat().st_mode & 0o077 == 0
    damaged = bytearray(files[0].read_bytes())
    damaged[100] ^= 1
    files[0].write_bytes(damaged)
    with pytest.raises((ClientError, HTTPClientError, ResponseStreamingError)):
        body(client(fresh_node, "s3"), "kept", "k")


def test_signatures_in_chunks_with_trailers_are_taken(node, bucket):
    trailing = client(node, "s3", s3={"payload_signing_enabled": True}, request_checksum_calculation="when_supported")
    trailing.put_object(Bucket=bucket, Key="k", Body=b"x" * 300_000, ChecksumAlgorithm="SHA256")
    assert len(body(trailing, bucket, "k")) == 300_000


def test_every_object_that_was_acknowledged_is_there_after_kill_9(fresh_node):
    """Puts, overwritten and deleted objects and uploads in parts, cut off in their middle."""
    client(fresh_node, "s3").create_bucket(Bucket="crash")
    acknowledged: dict[str, bytes] = {}
    answers: list[str] = []
    for round_ in range(3):
        s3 = client(fresh_node, "s3")

        def work(worker: int, s3=s3, round_=round_):
            try:
                for number in range(1000):
                    key, text = f"{worker}/{number % 7}", f"{round_} {worker} {number} ".encode() * 3000
                    s3.put_object(Bucket="crash", Key=key, Body=text)
                    acknowledged[key] = text
                    answers.append(key)
            except (BotoCoreError, ClientError):
                return  # the server is killed in the middle

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        wanted = len(answers) + 25
        wait_until(lambda wanted=wanted: len(answers) >= wanted, "some answers")
        fresh_node.kill()
        for worker in workers:
            worker.join()
        fresh_node.start()
        s3 = client(fresh_node, "s3")
        for key, text in acknowledged.items():
            found = body(s3, "crash", key)
            # What was under way may be there too, whole.
            assert found == text or found.split()[1] == text.split()[1], key
            assert found == found[: len(found) // 3000] * 3000, key


def test_the_resource_api_empties_a_bucket_with_versions(node, s3, bucket):
    """Each page begins behind a version that the page before has deleted."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(5):
        s3.put_object(Bucket=bucket, Key="k", Body=str(number).encode())
    s3.delete_object(Bucket=bucket, Key="k")
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    once = Config(retries={"total_max_attempts": 1}, proxies={})
    found = session.resource("s3", endpoint_url=node.endpoint, config=once).Bucket(bucket)
    found.object_versions.page_size(2).delete()
    found.delete()
    found.wait_until_not_exists()


def test_deletions_have_conditions_and_markers_no_content(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    with refused("PreconditionFailed"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=old["ETag"])
    wanted = [{"Key": "k", "ETag": old["ETag"]}, {"Key": "missing", "ETag": "*"}]
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})["Errors"]
    assert [error["Code"] for error in errors] == ["PreconditionFailed", "NoSuchKey"]
    marker = s3.delete_object(Bucket=bucket, Key="k", IfMatch=new["ETag"])["VersionId"]
    with pytest.raises(ClientError) as none:
        s3.head_object(Bucket=bucket, Key="k", VersionId=marker)
    answer = none.value.response["ResponseMetadata"]
    assert answer["HTTPStatusCode"] == 405
    assert answer["HTTPHeaders"]["allow"] == "DELETE"
    assert answer["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k", "VersionId": marker})
    with refused("InvalidArgument") as bogus:
        s3.get_object(Bucket=bucket, Key="k", VersionId="bogus")
    assert bogus.message == "Invalid version id specified"


def test_a_completion_that_is_sent_again_is_answered_the_same(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    part = {"PartNumber": 1, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]}
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [part]}}
    first, again = (s3.complete_multipart_upload(**named) for _ in range(2))
    assert (again["ETag"], again["ChecksumSHA256"]) == (first["ETag"], first["ChecksumSHA256"])
    head = s3.head_object(Bucket=bucket, Key="k", PartNumber=1, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == sent["ChecksumSHA256"]
