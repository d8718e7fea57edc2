"""S3's way through the front door: how requests are signed, how bodies travel, and what is said to strangers."""

import hashlib
import http.client
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from rig.cli import Cli
from rig.node import HTTP, PATIENCE
from rig.objects import MEBIBYTE
from rig.production import Production
from rig.sdk import client


def get(link: str | urllib.request.Request) -> tuple[int, bytes]:
    """What a client without credentials reads behind a link."""
    try:
        with HTTP.open(link, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def code(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], re.search(rb"<Code>(.*?)</Code>", answer[1])[1].decode()


@pytest.mark.parametrize("version", [2, 4])
def test_links_are_good_for_whom_they_are_given_to(node, bucket, version):
    # In us-east-1, version 2 is what an SDK makes that was told nothing.
    s3 = client(node, "s3", **({"signature_version": "s3v4"} if version == 4 else {}))
    s3.put_object(Bucket=bucket, Key="a b/é", Body=b"shared")
    named = {"Bucket": bucket, "Key": "a b/é"}
    link = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=3600)
    assert ("AWSAccessKeyId=" in link) == (version == 2)
    assert get(link) == (200, b"shared")
    assert code(get(link.replace("%C3%A9", "other"))) == (403, "SignatureDoesNotMatch")
    over = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=-60)
    assert get(over)[0] in (400, 403)
    put = s3.generate_presigned_url("put_object", Params=named, ExpiresIn=3600)
    changed = urllib.request.Request(put, b"changed", {"Content-Type": ""}, method="PUT")
    with HTTP.open(changed, timeout=PATIENCE) as answer:
        assert answer.status == 200
    assert get(link) == (200, b"changed")


def test_a_link_carries_metadata(node, bucket):
    """Version 2 has them among its parameters: whoever uses the link need not know of them."""
    s3 = client(node, "s3")
    named = {"Bucket": bucket, "Key": "k"}
    link = s3.generate_presigned_url("put_object", Params=named | {"Metadata": {"team": "a b"}}, ExpiresIn=3600)
    assert "x-amz-meta-team=a%20b" in link
    with HTTP.open(urllib.request.Request(link, b"x", {"Content-Type": ""}, method="PUT"), timeout=PATIENCE) as answer:
        assert answer.status == 200
    assert s3.head_object(**named)["Metadata"] == {"team": "a b"}
    changed = urllib.request.Request(link.replace("a%20b", "other"), b"x", {"Content-Type": ""}, method="PUT")
    assert code(get(changed)) == (403, "SignatureDoesNotMatch")


def test_the_stock_cli_presigns_in_its_usual_region(node, bucket):
    client(node, "s3").put_object(Bucket=bucket, Key="k", Body=b"shared")
    link = Cli(node).run("s3", "presign", f"s3://{bucket}/k", "--expires-in", "3600").stdout.strip()
    assert get(link) == (200, b"shared")
    assert code(get(re.sub(r"Expires=\d+", "Expires=1", link))) == (403, "AccessDenied")


def deny(s3, bucket, action, operator, key, value):
    condition = {operator: {key: value}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


@pytest.mark.parametrize(
    ("version", "operator", "key", "value"),
    [
        ("s3", "StringEquals", "s3:signatureversion", "AWS"),
        ("s3", "StringNotEquals", "s3:signatureversion", "AWS4-HMAC-SHA256"),
        ("s3v4", "StringEquals", "s3:signatureversion", "AWS4-HMAC-SHA256"),
        ("s3", "StringEquals", "s3:authType", "REST-QUERY-STRING"),
        ("s3v4", "StringEquals", "s3:authType", "REST-QUERY-STRING"),
        ("s3v4", "NumericGreaterThan", "s3:signatureAge", "-1"),
        ("s3v4", "StringEquals", "s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    ],
)
def test_policies_keep_links_out_by_how_they_are_signed(node, bucket, version, operator, key, value):
    s3 = client(node, "s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"guarded")
    links = client(node, "s3", signature_version=version)
    link = links.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=3600)
    assert get(link) == (200, b"guarded")
    deny(s3, bucket, "s3:GetObject", operator, key, value)
    assert code(get(link)) == (403, "AccessDenied")


def test_policies_let_in_by_how_requests_are_signed(node, bucket):
    s3 = client(node, "s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"open")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=3600)
    for operator, key, value in [
        ("StringNotEquals", "s3:authType", "REST-HEADER"),
        ("NumericGreaterThan", "s3:signatureAge", "600000"),
        ("StringEquals", "s3:signatureversion", "AWS"),
        ("StringEquals", "s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        # Nothing is said of TLS where there is none.
        ("Null", "s3:TlsVersion", "false"),
    ]:
        deny(s3, bucket, "s3:GetObject", operator, key, value)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"open", key
    assert get(link) == (200, b"open")


def test_strangers_read_s3s_words(node, bucket):
    assert code(get(f"{node.endpoint}/{bucket}/k")) == (403, "AccessDenied")
    assert code(get(f"{node.endpoint}/{bucket}?torrent")) == (501, "NotImplemented")
    assert get(f"{node.endpoint}/_strongroom/health")[0] == 200


def test_over_tls_uploads_come_in_chunks_with_trailers(program, tmp_path):
    server = Production(program, tmp_path).init().start()
    try:
        key = server.root["access_key_id"], server.root["secret_access_key"]
        s3 = client(server, "s3", access_key_id=key[0], secret_access_key=key[1])
        sent = []
        s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(dict(request.headers)))
        s3.create_bucket(Bucket="chunks")
        # Old TLS is kept out, and this is none.
        deny(s3, "chunks", "s3:*", "NumericLessThan", "s3:TlsVersion", "1.2")
        body = hashlib.shake_256(b"tls").digest(3 * MEBIBYTE + 5)
        s3.put_object(Bucket="chunks", Key="k", Body=body)
        payload = sent[0]["X-Amz-Content-SHA256"]
        assert payload in ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        got = s3.get_object(Bucket="chunks", Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        assert "ContentEncoding" not in got
        assert got["ChecksumCRC32"]
        file = tmp_path / "large"
        file.write_bytes(body * 4)
        aws = server.as_root()
        assert aws.run("s3", "cp", file, "s3://chunks/large").returncode == 0
        assert s3.head_object(Bucket="chunks", Key="large")["ContentLength"] == 4 * len(body)
        deny(s3, "chunks", "s3:GetObject", "NumericLessThan", "s3:TlsVersion", "1.4")
        with pytest.raises(ClientError, match="403|AccessDenied"):
            s3.get_object(Bucket="chunks", Key="k")
    finally:
        server.ensure_gone()
    assert "panicked" not in server.said()


def take_policies(iam, user, key_id):
    iam.delete_user_policy(UserName=user, PolicyName="all")


def take_the_key(iam, user, key_id):
    iam.update_access_key(UserName=user, AccessKeyId=key_id, Status="Inactive")


def said_first(connection: socket.socket) -> bytes:
    """The first head of an answer, and nothing behind it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        head += byte
    return head


@pytest.mark.parametrize("take_away", [take_policies, take_the_key, None])
def test_what_is_taken_away_while_a_body_comes_counts_at_its_end(node, bucket, take_away):
    iam, user = client(node, "iam"), f"sender-{uuid.uuid4()}"
    iam.create_user(UserName=user)
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    owner = client(node, "s3")
    owner.put_object(Bucket=bucket, Key="k", Body=b"before")
    credentials = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    sender = client(node, "s3", signature_version="s3v4", **credentials)
    link = sender.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=3600)
    parts = urllib.parse.urlsplit(link)
    calls = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    calls.putrequest("PUT", f"{parts.path}?{parts.query}")
    calls.putheader("Content-Length", str(2 * MEBIBYTE))
    calls.putheader("Expect", "100-continue")
    calls.endheaders()
    # Now the sender may, and the server waits for the body.
    assert said_first(calls.sock).startswith(b"HTTP/1.1 100 ")
    calls.send(b"a" * MEBIBYTE)
    if take_away:
        take_away(iam, user, key["AccessKeyId"])
    calls.send(b"b" * MEBIBYTE)
    answer = calls.getresponse()
    there = owner.get_object(Bucket=bucket, Key="k")["Body"].read()
    if take_away:
        assert (answer.status, there) == (403, b"before")
        assert b"AccessDenied" in answer.read()
    else:
        assert (answer.status, len(there)) == (200, 2 * MEBIBYTE)


def test_large_bodies_are_not_held(node, bucket, tmp_path):
    s3 = client(node, "s3", read_timeout=300)
    file = tmp_path / "large"
    size = 256 * MEBIBYTE
    with file.open("wb") as large:
        large.truncate(size)
    before = node.resident_bytes()
    with file.open("rb") as large:
        s3.put_object(Bucket=bucket, Key="large", Body=large)
    assert node.resident_bytes() - before < size // 4
    read = sum(len(part) for part in s3.get_object(Bucket=bucket, Key="large")["Body"].iter_chunks(MEBIBYTE))
    assert read == size
    assert node.resident_bytes() - before < size // 4
