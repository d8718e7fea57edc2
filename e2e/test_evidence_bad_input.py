"""Bad days of what evidence goes to: buckets and keys that are taken away, hostile subscribers, floods.

Nothing is lost, and whoever is sound is served meanwhile.
"""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from rig import development, endpoint, sdk
from rig.node import PATIENCE, wait_until
from test_sns import subscribed
from test_trails import BUCKET, TRAIL, Evidence, bucket_policy

MIB = 1 << 20


@pytest.fixture
def evidence(fresh_node) -> Evidence:
    return Evidence(fresh_node).begin()


def delivery_error(evidence: Evidence) -> str | None:
    return evidence.trails.get_trail_status(Name=TRAIL).get("LatestDeliveryError")


def encrypt(evidence: Evidence):
    evidence.kms.encrypt(KeyId=evidence.key, Plaintext=b"attack at dawn")


def delivered(evidence: Evidence) -> int:
    """How many Encrypts are in the trail's files, each once."""
    ids = [record["eventID"] for record in evidence.records() if record["eventName"] == "Encrypt"]
    assert len(ids) == len(set(ids))
    return len(ids)


def test_a_trail_goes_on_when_its_bucket_lets_it_in_again(evidence):
    encrypt(evidence)
    development.advance(evidence.node, minutes=10)
    assert delivery_error(evidence) is None
    evidence.s3.delete_bucket_policy(Bucket=BUCKET)
    encrypt(evidence)
    development.advance(evidence.node, minutes=10)
    assert delivery_error(evidence) == "AccessDenied"
    assert delivered(evidence) == 1
    evidence.s3.put_bucket_policy(Bucket=BUCKET, Policy=bucket_policy())
    development.advance(evidence.node, hours=2)
    assert delivery_error(evidence) is None
    assert delivered(evidence) == 2
    status, said = evidence.validated()
    assert status == 0, said


def test_a_trail_goes_on_when_its_bucket_is_there_again(evidence):
    for key in evidence.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        evidence.s3.delete_object(Bucket=BUCKET, Key=key["Key"])
    evidence.s3.delete_bucket(Bucket=BUCKET)
    encrypt(evidence)
    development.advance(evidence.node, minutes=10)
    assert delivery_error(evidence) == "NoSuchBucket"
    evidence.s3.create_bucket(Bucket=BUCKET)
    evidence.s3.put_bucket_policy(Bucket=BUCKET, Policy=bucket_policy())
    encrypt(evidence)
    development.advance(evidence.node, hours=2)
    assert delivery_error(evidence) is None
    assert delivered(evidence) == 2


def test_a_trail_goes_on_when_its_key_is_enabled_again(evidence):
    encrypt(evidence)
    evidence.kms.disable_key(KeyId=evidence.key)
    development.advance(evidence.node, minutes=10)
    assert delivery_error(evidence) == "KMS.DisabledException"
    assert evidence.keys("CloudTrail") == []
    evidence.kms.enable_key(KeyId=evidence.key)
    development.advance(evidence.node, hours=2)
    assert delivery_error(evidence) is None
    assert delivered(evidence) == 1


@contextmanager
def hostile(behave):
    """An endpoint that reads each request and then behaves as it likes: `behave(connection, closing)`."""
    listener = socket.create_server(("127.0.0.1", 0))
    got, closing = endpoint.Endpoint(port=listener.getsockname()[1]), threading.Event()

    def serve(connection: socket.socket):
        # The server may have had enough of it, or ask for nothing over a connection that it has made.
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
            while len(body) < int(headers["content-length"]):
                piece = connection.recv(65536)
                if not piece:
                    return
                body += piece
            got.got.append(endpoint.Got(lines[0].split(" ")[1], headers, body.decode()))
            behave(connection, closing)

    def accept():
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def huge_answer(connection, closing):
    """A body without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n")
    while not closing.is_set():
        connection.sendall(b"\0" * 65536)


def huge_head(connection, closing):
    """A header without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
    while not closing.is_set():
        connection.sendall(b"a" * 65536)


def silent(_connection, closing):
    """Nothing, for as long as it is waited for."""
    closing.wait()


def dripping(connection, closing):
    """A head that comes letter by letter."""
    while not closing.wait(0.2):
        connection.sendall(b"H")


@pytest.mark.parametrize("behave", [huge_answer, huge_head, silent, dripping])
def test_a_hostile_subscriber_costs_little_and_keeps_nobody_from_his_message(fresh_node, behave):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    with hostile(behave) as enemy, endpoint.listening() as friend:
        subscribed(fresh_node, sns, topic, enemy)
        subscribed(fresh_node, sns, topic, friend)
        before = fresh_node.resident_bytes()
        for number in range(20):
            sns.publish(TopicArn=topic, Message=str(number))

        def heard() -> set[str]:
            # A request whose answer came late is made again.
            kind = "x-amz-sns-message-type"
            return {got.message["Message"] for got in list(friend.got) if got.headers[kind] == "Notification"}

        wait_until(lambda: heard() == {str(number) for number in range(20)}, "all messages at the sound subscriber")
        enemy.latest("Notification")
        assert fresh_node.resident_bytes() - before < 64 * MIB
        fresh_node.assert_sound()


def test_a_subscriber_sends_nobody_elsewhere(fresh_node):
    sns = sdk.client(fresh_node, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    with endpoint.listening() as target:

        def redirect(connection, _closing):
            location = f"location: {target.url}\r\ncontent-length: 0\r\n\r\n"
            connection.sendall(b"HTTP/1.1 307 Temporary Redirect\r\n" + location.encode())

        with hostile(redirect) as sender, endpoint.listening() as friend:
            subscribed(fresh_node, sns, topic, sender)
            subscribed(fresh_node, sns, topic, friend)
            sns.publish(TopicArn=topic, Message="hello")
            friend.latest("Notification")
            sender.latest("Notification")
            development.advance(fresh_node, hours=2)
        assert target.got == []


def test_a_flood_of_metrics_is_taken_in_bounded_memory(fresh_node):
    cloudwatch = sdk.client(fresh_node, "cloudwatch")

    def flood(first: int):
        for batch in range(first, first + 10):
            data = [
                {"MetricName": f"m{batch}-{number}", "Dimensions": [{"Name": "d", "Value": "v" * 200}], "Value": number}
                for number in range(1000)
            ]
            cloudwatch.put_metric_data(Namespace="Flood", MetricData=data)

    flood(0)
    before = fresh_node.resident_bytes()
    flood(10)
    flood(20)
    assert fresh_node.resident_bytes() - before < 128 * MIB
    listed = cloudwatch.list_metrics(Namespace="Flood", MetricName="m29-999")["Metrics"]
    assert [metric["Dimensions"][0]["Name"] for metric in listed] == ["d"]
    fresh_node.assert_sound()
