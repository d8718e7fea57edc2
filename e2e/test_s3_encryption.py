"""Objects of S3 under keys: of KMS, of their clients, and of the server, whose files outlive it."""

import hashlib
import itertools
import json
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ResponseStreamingError
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring

from rig.node import wait_until
from rig.objects import body
from rig.sdk import client, refused


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


def test_every_object_that_was_acknowledged_is_there_after_kill_9(fresh_node):
    """Objects are put and put anew, and the server is cut off in the middle."""
    client(fresh_node, "s3").create_bucket(Bucket="crash")
    acknowledged: dict[str, bytes] = {}
    sent: dict[str, bytes] = {}
    answers: list[str] = []
    for round_ in range(3):
        s3 = client(fresh_node, "s3")

        def work(worker: int, s3=s3, round_=round_):
            try:
                for number in itertools.count():
                    key, text = f"{worker}/{number % 7}", f"{round_} {worker} {number} ".encode() * 3000
                    sent[key] = text
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
            # What was under way may be there too, whole; from then on it is what must be there.
            found = body(s3, "crash", key)
            assert found in (text, sent[key]), key
            acknowledged[key] = found
