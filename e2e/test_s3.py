"""S3 with the clients that people have, `aws s3` and boto3: objects, their lists, copies and versions."""

import hashlib
import urllib.error
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rig.cli import Cli
from rig.node import HTTP, PATIENCE
from rig.objects import MEBIBYTE, body
from rig.sdk import refused


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
