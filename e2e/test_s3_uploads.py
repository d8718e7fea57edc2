"""What is sent to S3: checksums, bodies in chunks, uploads in parts."""

import base64
import hashlib
import zlib
from functools import partial

import pytest

from rig.objects import MEBIBYTE, body
from rig.sdk import client, refused


def crc(polynomial: int, width: int, data: bytes) -> str:
    """A reflected CRC that begins and ends inverted, in base64: what boto3 leaves to a package of its own."""
    mask = value = (1 << width) - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return base64.b64encode((value ^ mask).to_bytes(width // 8, "big")).decode()


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


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


def test_signatures_in_chunks_with_trailers_are_taken(node, bucket):
    trailing = client(node, "s3", s3={"payload_signing_enabled": True}, request_checksum_calculation="when_supported")
    trailing.put_object(Bucket=bucket, Key="k", Body=b"x" * 300_000, ChecksumAlgorithm="SHA256")
    assert len(body(trailing, bucket, "k")) == 300_000


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


def test_a_completion_that_is_sent_again_is_answered_the_same(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    part = {"PartNumber": 1, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]}
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload, "MultipartUpload": {"Parts": [part]}}
    first, again = (s3.complete_multipart_upload(**named) for _ in range(2))
    assert (again["ETag"], again["ChecksumSHA256"]) == (first["ETag"], first["ChecksumSHA256"])
    head = s3.head_object(Bucket=bucket, Key="k", PartNumber=1, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == sent["ChecksumSHA256"]


@pytest.mark.parametrize("scope", ["FULL_OBJECT", "COMPOSITE"])
def test_a_completion_states_the_sum_of_the_object(s3, bucket, scope):
    bodies = [b"a" * 5 * MEBIBYTE, b"end"]
    named = {"Bucket": bucket, "Key": "k"}
    made = s3.create_multipart_upload(**named, ChecksumAlgorithm="CRC32", ChecksumType=scope)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == ("CRC32", scope)
    named["UploadId"] = made["UploadId"]
    parts = []
    for number, part in enumerate(bodies, 1):
        sent = s3.upload_part(**named, PartNumber=number, Body=part, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]})
    sums = {
        "FULL_OBJECT": crc32(b"".join(bodies)),
        "COMPOSITE": crc32(b"".join(base64.b64decode(part["ChecksumCRC32"]) for part in parts)) + "-2",
    }
    complete = partial(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": parts}, ChecksumType=scope)
    with refused("BadDigest"):
        complete(ChecksumCRC32=crc32(b"another object"))
    done = complete(ChecksumCRC32=sums[scope])
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (sums[scope], scope)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (sums[scope], scope)
