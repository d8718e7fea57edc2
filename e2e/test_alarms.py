"""Alarms on key use, as the journey has them: from the hundredth use to the topic's subscriber."""

import json
import queue
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rig import development, sdk
from rig.cli import Cli
from rig.node import HTTP, PATIENCE, wait_until

ALARM = "kms-key-usage"


@pytest.fixture
def aws(fresh_node) -> Cli:
    """`aws`, on a server whose clock may be moved."""
    return Cli(fresh_node)


@pytest.fixture
def topic(aws) -> str:
    return aws("sns", "create-topic", "--name", "alarms")["TopicArn"]


@pytest.fixture
def subscriber():
    """Somebody on this machine who is told: the messages, as they come, and the address."""
    came: queue.Queue = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            came.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield came, f"http://127.0.0.1:{server.server_port}/alarms"
    server.shutdown()
    server.server_close()


def put(aws, topic: str):
    """The command of the mission, unchanged."""
    # fmt: off
    aws(
        "cloudwatch", "put-metric-alarm", "--alarm-name", ALARM, "--metric-name", "KeyUsageCount",
        "--namespace", "AWS/KMS", "--statistic", "Sum", "--period", "300", "--threshold", "100",
        "--comparison-operator", "GreaterThanOrEqualToThreshold", "--evaluation-periods", "1",
        "--alarm-actions", topic,
    )
    # fmt: on


def state(aws) -> str:
    return aws("cloudwatch", "describe-alarms", "--alarm-names", ALARM)["MetricAlarms"][0]["StateValue"]


def history(aws, *more: str) -> list[str]:
    items = aws("cloudwatch", "describe-alarm-history", "--alarm-name", ALARM, "--scan-by", "TimestampAscending", *more)
    return [item["HistorySummary"] for item in items["AlarmHistoryItems"]]


def wait_until_counted(node, uses: int):
    """Waits until so many uses of keys are counted, and no more. An alarm is judged by what is counted when its minute
    comes, also where counting lags behind."""
    cloudwatch, metric = sdk.client(node, "cloudwatch"), {"Namespace": "AWS/KMS", "MetricName": "KeyUsageCount"}
    wait_until(lambda: cloudwatch.list_metrics(**metric)["Metrics"], "the first key to be seen")

    def counted() -> float:
        now = datetime.now(UTC)
        around = {"StartTime": now - timedelta(hours=6), "EndTime": now + timedelta(hours=6), "Period": 60}
        points = cloudwatch.get_metric_statistics(**metric, **around, Statistics=["Sum"])["Datapoints"]
        return sum(point["Sum"] for point in points)

    wait_until(lambda: counted() >= uses, "the uses to be counted")
    assert counted() == uses


def test_the_alarm_of_the_journey_rings_and_falls_silent(fresh_node, aws, topic):
    put(aws, topic)
    assert state(aws) == "INSUFFICIENT_DATA"
    kms = sdk.client(fresh_node, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    wait_until_counted(fresh_node, 0)
    development.advance(fresh_node, minutes=1)
    assert state(aws) == "OK"
    for _ in range(99):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    wait_until_counted(fresh_node, 99)
    development.advance(fresh_node, minutes=1)
    assert state(aws) == "OK", "ninety-nine are not a hundred"
    kms.encrypt(KeyId=key, Plaintext=b"x")
    wait_until_counted(fresh_node, 100)
    development.advance(fresh_node, minutes=1)
    assert state(aws) == "ALARM"
    development.advance(fresh_node, minutes=6)
    assert state(aws) == "OK"
    assert history(aws) == [
        f'Alarm "{ALARM}" created',
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        f"Successfully executed action {topic}",
        "Alarm updated from ALARM to OK",
    ]


def test_the_subscriber_hears_of_it(aws, topic, subscriber):
    came, address = subscriber
    aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", address)
    asked = came.get(timeout=PATIENCE)
    assert asked["Type"] == "SubscriptionConfirmation"
    HTTP.open(asked["SubscribeURL"], timeout=PATIENCE).close()
    put(aws, topic)
    aws("cloudwatch", "set-alarm-state", "--alarm-name", ALARM, "--state-value", "ALARM", "--state-reason", "rehearsal")
    # An endpoint that was slow to answer may be asked twice.
    while (told := came.get(timeout=PATIENCE))["Type"] == "SubscriptionConfirmation":
        pass
    assert (told["Type"], told["TopicArn"]) == ("Notification", topic)
    assert told["Subject"] == f'ALARM: "{ALARM}" in US East (N. Virginia)'
    message = json.loads(told["Message"])
    assert (message["AlarmName"], message["NewStateValue"], message["NewStateReason"]) == (ALARM, "ALARM", "rehearsal")
    assert message["Trigger"]["MetricName"] == "KeyUsageCount"


@pytest.mark.slow
def test_it_rings_by_itself_within_a_minute(fresh_node, aws, topic):
    """No clock is moved: the minute is a minute."""
    put(aws, topic)
    kms = sdk.client(fresh_node, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(100):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    # A minute, and what looking takes on a machine that does other things too.
    wait_until(lambda: state(aws) == "ALARM", "the alarm to ring", 60 + PATIENCE)


def test_an_alarm_survives_a_kill(fresh_node, aws, topic):
    put(aws, topic)
    kms = sdk.client(fresh_node, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(100):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    fresh_node.kill()
    fresh_node.start()
    wait_until_counted(fresh_node, 100)
    development.advance(fresh_node, minutes=1)
    assert state(aws) == "ALARM"
    fresh_node.kill()
    fresh_node.start()
    assert state(aws) == "ALARM"
    assert history(aws).count(f"Successfully executed action {topic}") == 1


def test_a_topic_that_does_not_let_alarms_in_is_told_in_the_history(fresh_node, aws, topic):
    put(aws, topic)
    closed = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}],
    }
    aws("sns", "set-topic-attributes", "--topic-arn", topic, "--attribute-name", "Policy",
        "--attribute-value", json.dumps(closed))  # fmt: skip
    aws("cloudwatch", "set-alarm-state", "--alarm-name", ALARM, "--state-value", "ALARM", "--state-reason", "rehearsal")
    # The alarm's minute may come meanwhile: it is without data then, and the action is taken by whoever comes first.
    actions = wait_until(lambda: history(aws, "--history-item-type", "Action"), "the action")
    assert actions == [
        f'Failed to execute action {topic}. Received error: "CloudWatch Alarms is not authorized to perform: '
        f'SNS:Publish on resource: {topic}"'
    ]


def test_what_is_refused_and_in_which_words(aws, topic):
    refused = aws.refused(
        "cloudwatch", "put-metric-alarm", "--alarm-name", "a", "--metric-name", "m", "--namespace", "n",
        "--statistic", "Sum", "--period", "60", "--threshold", "1", "--comparison-operator", "GreaterThanThreshold",
        "--evaluation-periods", "1", "--datapoints-to-alarm", "2",
    )  # fmt: skip
    assert refused.code == "ValidationError"
    assert refused.message == "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
    arguments = ("cloudwatch", "set-alarm-state", "--alarm-name", "none", "--state-value", "OK", "--state-reason", "r")
    assert aws.refused(*arguments).code == "ResourceNotFound"


def test_a_cluster_measures_itself(cluster):
    """HSMs' own metrics come every minute, from what HSMs report."""
    node = cluster.aws.node
    cloudwatch = sdk.client(node, "cloudwatch")

    def listed() -> set[str]:
        return {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="AWS/CloudHSM")["Metrics"]}

    def measured() -> bool:
        # The next minute's turn it is where an HSM had not reported yet.
        development.advance(node, minutes=1)
        return "HsmUsersAvailable" in listed()

    wait_until(measured, "the HSMs to be measured")
    assert listed() >= {
        "HsmUnhealthy",
        "HsmKeysSessionOccupied",
        "HsmKeysTokenOccupied",
        "HsmSessionCount",
        "HsmUsersAvailable",
    }
    # Tests before this one may have had other HSMs, and other clusters.
    own = [{"Name": "ClusterId", "Value": cluster.cluster_id}, {"Name": "HsmId"}]
    metrics = cloudwatch.list_metrics(Namespace="AWS/CloudHSM", MetricName="HsmUnhealthy", Dimensions=own)["Metrics"]
    measured = {pair["Value"] for metric in metrics for pair in metric["Dimensions"] if pair["Name"] == "HsmId"}
    hsms = {hsm["HsmId"] for hsm in cluster.hsms()}
    assert len(hsms) == 2
    assert measured >= hsms
