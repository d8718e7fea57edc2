"""Trails: delivered into our own S3 under a KMS key, and validated by the stock AWS CLI."""

import gzip
import hashlib
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rig import development, sdk
from rig.cli import Cli
from rig.node import Node, run, wait_until

TRAIL = "my-kms-trail"
BUCKET = "evidence-of-everything"
ACCOUNT = "000000000000"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{TRAIL}"

EVERY = 300
"""Seconds of the server's time of which each has files of its own."""


def bucket_policy(bucket: str = BUCKET) -> str:
    """As the CloudTrail User Guide has it: "Amazon S3 bucket policy for CloudTrail"."""
    service = {"Service": "cloudtrail.amazonaws.com"}
    of_trail = {"aws:SourceArn": ARN}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AWSCloudTrailAclCheck20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:GetBucketAcl",
                    "Resource": f"arn:aws:s3:::{bucket}",
                    "Condition": {"StringEquals": of_trail},
                },
                {
                    "Sid": "AWSCloudTrailWrite20150319",
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}/*",
                    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **of_trail}},
                },
            ],
        }
    )


def key_policy() -> str:
    """As the CloudTrail User Guide has it: "Configure AWS KMS key policies for CloudTrail"."""
    service = {"Service": "cloudtrail.amazonaws.com"}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": service,
                    "Action": "kms:GenerateDataKey*",
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"aws:SourceArn": ARN},
                        "StringLike": {
                            "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
                        },
                    },
                },
                {"Effect": "Allow", "Principal": service, "Action": "kms:DescribeKey", "Resource": "*"},
            ],
        }
    )


class Evidence:
    """A trail that logs into a bucket of its own, encrypted under a KMS key."""

    def __init__(self, node: Node):
        self.node = node
        self.aws = Cli(node)
        self.s3, self.kms, self.trails = (sdk.client(node, name) for name in ("s3", "kms", "cloudtrail"))
        self.start = self.now()

    def now(self) -> datetime:
        """What the server takes for now."""
        ahead = development.advance(self.node)["offset_seconds"]
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def begin(self) -> "Evidence":
        # Right after files were due: what is logged between two moves of the clock is in one file then.
        development.advance(self.node, seconds=EVERY - int(self.now().timestamp() % EVERY))
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=bucket_policy())
        self.key = self.kms.create_key(Policy=key_policy())["KeyMetadata"]["Arn"]
        self.aws(
            "cloudtrail", "create-trail", "--name", TRAIL, "--s3-bucket-name", BUCKET, "--enable-log-file-validation"
        )
        # The command of everyone's notes.
        key_id = self.key.rpartition("/")[2]
        updated = self.aws("cloudtrail", "update-trail", "--name", TRAIL, "--kms-key-id", key_id)
        assert updated["KmsKeyId"] == self.key
        self.aws("cloudtrail", "start-logging", "--name", TRAIL)
        return self

    def hours(self, count: int) -> "Evidence":
        """Hours in each of which a key is used."""
        for hour in range(count):
            self.kms.encrypt(KeyId=self.key, Plaintext=b"attack at dawn", EncryptionContext={"hour": str(hour)})
            development.advance(self.node, hours=1)
        return self

    def keys(self, kind: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"AWSLogs/{ACCOUNT}/{kind}/")
        found = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return [key for key in found if key.endswith(".json.gz")]

    def text(self, key: str) -> bytes:
        return gzip.decompress(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def records(self) -> list[dict]:
        return [record for key in self.keys("CloudTrail") for record in json.loads(self.text(key))["Records"]]

    def validated(self, *options: object) -> tuple[int, str]:
        start = (self.start - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        end = (self.now() + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        times = ["--start-time", start, "--end-time", end]
        done = self.aws.run("cloudtrail", "validate-logs", "--trail-arn", ARN, *times, *options)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def evidence(fresh_node) -> Evidence:
    return Evidence(fresh_node).begin().hours(3)


def test_what_was_delivered_is_valid(evidence):
    status, said = evidence.validated("--verbose")
    assert status == 0, said
    assert "3/3 digest files valid" in said, said
    assert "3/3 log files valid" in said, said
    records = evidence.records()
    encrypted = [record for record in records if record["eventName"] == "Encrypt"]
    assert [record["requestParameters"]["encryptionContext"]["hour"] for record in encrypted] == ["0", "1", "2"]
    # Every call since logging began is there, once, and nothing that CloudTrail did to deliver.
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    assert not [one for one in records if one["userIdentity"].get("invokedBy") == "cloudtrail.amazonaws.com"]


def test_objects_are_as_cloudtrail_puts_them(evidence):
    head = evidence.s3.head_object(Bucket=BUCKET, Key=evidence.keys("CloudTrail")[0])
    assert (head["ContentType"], head["ContentEncoding"]) == ("application/json", "gzip")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", evidence.key)
    digest = evidence.keys("CloudTrail-Digest")[0]
    metadata = evidence.s3.head_object(Bucket=BUCKET, Key=digest)["Metadata"]
    assert (metadata["signature-algorithm"], len(metadata["signature"])) == ("SHA256withRSA", 512)
    said = json.loads(evidence.text(digest))
    assert (
        said["logFiles"][0]["hashValue"] == hashlib.sha256(evidence.text(said["logFiles"][0]["s3Object"])).hexdigest()
    )
    # KMS was asked by CloudTrail, for this trail.
    found = evidence.aws(
        "cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=GenerateDataKey"
    )
    asked = [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]
    assert {one["requestParameters"]["encryptionContext"]["aws:cloudtrail:arn"] for one in asked} == {ARN}
    assert {one["userIdentity"]["type"] for one in asked} == {"AWSService"}


def altered(evidence: Evidence, key: str, change) -> None:
    """Puts an object in place of one, as somebody would who has got hold of the bucket."""
    object_ = evidence.s3.get_object(Bucket=BUCKET, Key=key)
    body = gzip.compress(change(gzip.decompress(object_["Body"].read())))
    evidence.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=object_["Metadata"])


def test_a_file_that_was_altered_is_named(evidence):
    key = evidence.keys("CloudTrail")[1]
    altered(evidence, key, lambda text: text.replace(b"Encrypt", b"Decrypt"))
    status, said = evidence.validated()
    assert status == 1
    assert f"Log file\ts3://{BUCKET}/{key}\tINVALID: hash value doesn't match" in said, said
    assert "2/3 log files valid, 1/3 log files INVALID" in said, said


def test_a_file_that_is_gone_is_named(evidence):
    key = evidence.keys("CloudTrail")[1]
    evidence.s3.delete_object(Bucket=BUCKET, Key=key)
    status, said = evidence.validated()
    assert status == 1
    assert f"Log file\ts3://{BUCKET}/{key}\tINVALID: not found" in said, said


def test_a_digest_that_is_gone_is_named(evidence):
    key = evidence.keys("CloudTrail-Digest")[1]
    evidence.s3.delete_object(Bucket=BUCKET, Key=key)
    status, said = evidence.validated()
    assert status == 1
    assert f"Digest file\ts3://{BUCKET}/{key}\tINVALID: not found" in said, said


def test_a_digest_that_was_altered_is_named(evidence):
    key = evidence.keys("CloudTrail-Digest")[2]
    altered(evidence, key, lambda text: text.replace(b'"newestEventTime":"2', b'"newestEventTime":"1'))
    status, said = evidence.validated()
    assert status == 1
    assert f"Digest file\ts3://{BUCKET}/{key}\tINVALID: signature verification failed" in said, said


def test_digests_that_change_places_are_named(evidence):
    one, other = evidence.keys("CloudTrail-Digest")[1:]
    objects = [evidence.s3.get_object(Bucket=BUCKET, Key=key) for key in (one, other)]
    bodies = [object_["Body"].read() for object_ in objects]
    for key, body, object_ in zip((other, one), bodies, objects, strict=True):
        evidence.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=object_["Metadata"])
    status, said = evidence.validated()
    assert status == 1
    assert "INVALID: has been moved from its original location" in said, said


@pytest.fixture
def copied(evidence, tmp_path):
    """A stranger's: the bucket's objects in a folder, and the public keys."""
    return Copy(evidence, tmp_path / "copy", tmp_path / "keys.json")


class Copy:
    def __init__(self, evidence: Evidence, folder: Path, keys: Path):
        self.evidence, self.folder, self.keys = evidence, folder, keys
        done = evidence.aws.run("s3", "sync", "--quiet", f"s3://{BUCKET}", str(folder))
        assert done.returncode == 0, done.stderr
        day = evidence.start.strftime("%Y-%m-%d")
        keys.write_text(evidence.aws.run("cloudtrail", "list-public-keys", "--start-time", day).stdout)

    def of(self, kind: str) -> list[Path]:
        return sorted((self.folder / f"AWSLogs/{ACCOUNT}/{kind}").rglob("*.json.gz"))

    def newest(self) -> str:
        return str(self.of("CloudTrail-Digest")[-1].relative_to(self.folder))

    def verified(self, *options: str) -> tuple[int, str]:
        newest = self.evidence.s3.head_object(Bucket=BUCKET, Key=self.evidence.keys("CloudTrail-Digest")[-1])
        return self.verified_without_newest("--signature", newest["Metadata"]["signature"], *options)

    def verified_without_newest(self, *options: str) -> tuple[int, str]:
        given = ["--public-keys", str(self.keys), *options]
        done = run(self.evidence.node.program, "audit", "trail", str(self.folder), *given)
        assert "panicked" not in done.stderr
        return done.returncode, done.stdout + done.stderr


def test_a_stranger_verifies_a_copy(copied):
    status, said = copied.verified("--until", copied.evidence.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert status == 0, said
    assert "3 digests, 3 files" in said, said
    assert "as it was delivered" in said, said
    # A copy does not have what signs the newest digest.
    status, said = copied.verified_without_newest()
    assert status == 2, said
    assert f"nothing here signs this digest: {copied.newest()}" in said, said


def test_any_byte_of_a_copy_counts(copied):
    for path in [copied.of("CloudTrail")[0], *copied.of("CloudTrail-Digest")]:
        was = path.read_bytes()
        text = bytearray(gzip.decompress(was))
        text[len(text) // 2] ^= 1
        for changed in (gzip.compress(bytes(text)), was + was, was + b"x", was[:-9], b""):
            path.write_bytes(changed)
            status, said = copied.verified()
            assert status != 0, said
            assert path.name in said, said
        path.write_bytes(was)
    assert copied.verified()[0] == 0


def test_what_validate_logs_does_not_see_is_named(copied):
    newest = copied.of("CloudTrail-Digest")[-1]
    until = ("--until", (copied.evidence.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    added = copied.of("CloudTrail")[0].with_name(copied.of("CloudTrail")[0].name.replace("Z_", "Z_X"))
    added.write_bytes(gzip.compress(b'{"Records":[]}'))
    status, said = copied.verified()
    assert status == 1, said
    assert f"no digest names this log file: {added.relative_to(copied.folder)}" in said, said
    added.unlink()
    newest.unlink()
    status, said = copied.verified(*until)
    assert status == 1, said
    assert "the newest digests are missing" in said, said


def test_a_bucket_and_a_key_that_do_not_let_cloudtrail_in_are_refused(fresh_node):
    aws = Cli(fresh_node)
    create = ["cloudtrail", "create-trail", "--name", TRAIL, "--s3-bucket-name", BUCKET]
    assert aws.refused(*create).code == "S3BucketDoesNotExistException"
    aws("s3api", "create-bucket", "--bucket", BUCKET)
    refused = aws.refused(*create)
    assert refused.code == "InsufficientS3BucketPolicyException"
    assert refused.message.strip() == f"Incorrect S3 bucket policy is detected for bucket: {BUCKET}"
    aws("s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", bucket_policy())
    key = aws("kms", "create-key")["KeyMetadata"]["Arn"]
    refused = aws.refused(*create, "--kms-key-id", key)
    assert refused.code == "InsufficientEncryptionPolicyException"
    assert refused.message.strip() == f"Insufficient permissions to access S3 bucket {BUCKET} or KMS key {key}."
    aws(*create)
    assert aws.refused(*create).code == "TrailAlreadyExistsException"


def test_after_a_jump_of_the_clock_one_digest_covers_the_gap(evidence):
    development.advance(evidence.node, days=10)
    status, said = evidence.validated()
    assert status == 0, said
    assert len(evidence.keys("CloudTrail-Digest")) == 4


def test_a_topic_is_told_of_each_file(evidence):
    heard = []

    class Subscriber(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    sns = sdk.client(evidence.node, "sns")
    topic = sns.create_topic(Name="delivered")["TopicArn"]
    name_topic = ["cloudtrail", "update-trail", "--name", TRAIL, "--sns-topic-name", "delivered"]

    def let_in(trail: str):
        """As the CloudTrail User Guide has it: "Amazon SNS topic policy for CloudTrail"."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "SNS:Publish",
            "Resource": topic,
            "Condition": {"StringEquals": {"aws:SourceArn": trail}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    let_in(ARN + "s")
    assert evidence.aws.refused(*name_topic).code == "InsufficientSnsTopicPolicyException"
    let_in(ARN)
    with ThreadingHTTPServer(("127.0.0.1", 0), Subscriber) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/")
        wait_until(lambda: heard, "the message that asks for a confirmation")
        sns.confirm_subscription(TopicArn=topic, Token=heard[0]["Token"])
        assert evidence.aws(*name_topic)["SnsTopicARN"] == topic
        evidence.hours(1)

        def told():
            return [one["Message"] for one in heard if one["Type"] == "Notification" and "s3Bucket" in one["Message"]]

        wait_until(told, "a notice")
        server.shutdown()
    named = json.loads(told()[0])
    assert (named["s3Bucket"], named["s3ObjectKey"][0] in evidence.keys("CloudTrail")) == (BUCKET, True)


def test_trails_deliver_to_another_s3(made, node, account, tmp_path):
    elsewhere = sdk.client(node, "s3", access_key_id=account)
    elsewhere.create_bucket(Bucket="evidence-elsewhere")
    secret = tmp_path / "trails.secret"
    secret.write_text("test\n")
    secret.chmod(0o600)
    made.environment |= {
        "STRONGROOM_TRAILS_DELIVERY_SECONDS": "1",
        "STRONGROOM_TRAILS_S3_ENDPOINT": node.endpoint,
        "STRONGROOM_TRAILS_S3_ACCESS_KEY_ID": account,
        "STRONGROOM_TRAILS_S3_SECRET_ACCESS_KEY_FILE": str(secret),
    }
    aws = made.start().as_root()
    create = ["cloudtrail", "create-trail", "--name", TRAIL]
    assert aws.refused(*create, "--s3-bucket-name", "nobody-has-this").code == "S3BucketDoesNotExistException"
    create += ["--s3-bucket-name", "evidence-elsewhere", "--s3-key-prefix", "of/keys", "--enable-log-file-validation"]
    assert aws.refused(*create, "--kms-key-id", "alias/any").code == "NotImplementedException"
    aws(*create)
    aws("cloudtrail", "start-logging", "--name", TRAIL)
    aws("kms", "create-key")

    def records():
        listed = elsewhere.list_objects_v2(Bucket="evidence-elsewhere", Prefix="of/keys/AWSLogs/")
        found = [one["Key"] for one in listed.get("Contents", [])]
        keys = [key for key in found if key.endswith(".json.gz") and "-Digest/" not in key]
        bodies = [elsewhere.get_object(Bucket="evidence-elsewhere", Key=key)["Body"].read() for key in keys]
        return [record["eventName"] for body in bodies for record in json.loads(gzip.decompress(body))["Records"]]

    wait_until(lambda: "CreateKey" in records(), "the record of a call")
    assert made.stop() == 0


ROUNDS = int(os.environ.get("STRONGROOM_DELIVERY_ROUNDS", "20"))
"""Deliveries in the middle of which the server is killed."""


@pytest.mark.slow
def test_a_record_is_in_one_file_wherever_a_delivery_is_killed(evidence):
    made = 3
    for _ in range(ROUNDS):
        evidence.kms.encrypt(KeyId=evidence.key, Plaintext=b"attack at dawn")
        made += 1
        with ThreadPoolExecutor() as others:
            # Whatever becomes of it: the server goes meanwhile.
            others.submit(development.post, evidence.node, development.CLOCK, {"advance_seconds": 3600})
            time.sleep(random.uniform(0, 0.12))
            evidence.node.kill()
        evidence.node.start()
    development.advance(evidence.node, hours=2)
    status, said = evidence.validated()
    assert status == 0, said
    records = evidence.records()
    ids = [record["eventID"] for record in records]
    assert len(ids) == len(set(ids))
    assert len([one for one in records if one["eventName"] == "Encrypt"]) == made
    assert evidence.node.verify_audit().returncode == 0
