"""CloudWatch Logs with the stock AWS CLI and boto3: groups, events, searches, retention, keys of KMS."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import development, policy, sdk
from rig.cli import Cli
from rig.sdk import refused

DAY = 86_400_000


@pytest.fixture
def logs(node, account):
    """boto3's client for Logs in the test's own account."""
    return sdk.client(node, "logs", access_key_id=account)


def now() -> int:
    return int(time.time() * 1000)


def make(logs, group: str, *streams: str):
    logs.create_log_group(logGroupName=group)
    for stream in streams:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def put(logs, group: str, stream: str, *events: tuple[int, str]) -> dict:
    events = [{"timestamp": at, "message": message} for at, message in events]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def texts(logs, group: str, stream: str) -> list[str]:
    answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in answer["events"]]


def log_key(node, account: str, *services: str) -> str:
    """A key whose policy lets the account's root user in, and these services for log groups of the account."""
    kms = sdk.client(node, "kms", access_key_id=account)
    arns = f"arn:aws:logs:us-east-1:{account}:*"
    actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    text = policy.document(
        policy.allow("kms:*", Principal=policy.root(account)),
        *(
            policy.allow(
                actions,
                Principal={"Service": service},
                Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns}},
            )
            for service in services
        ),
    )
    return kms.create_key(Policy=text)["KeyMetadata"]["Arn"]


def test_a_group_lives_with_the_cli(aws):
    def groups() -> list[dict]:
        return aws("logs", "describe-log-groups", "--log-group-name-prefix", "/app")["logGroups"]

    aws("logs", "create-log-group", "--log-group-name", "/app/web", "--tags", "team=keys")
    aws("logs", "put-retention-policy", "--log-group-name", "/app/web", "--retention-in-days", "7")
    (group,) = groups()
    arn = group["logGroupArn"]
    assert group["arn"] == f"{arn}:*"
    assert (group["retentionInDays"], group["logGroupClass"], group["storedBytes"]) == (7, "STANDARD", 0)
    assert aws("logs", "list-tags-for-resource", "--resource-arn", arn)["tags"] == {"team": "keys"}
    aws("logs", "create-log-stream", "--log-group-name", "/app/web", "--log-stream-name", "2026/11/28/[1]abc")
    place = ["--log-group-name", "/app/web", "--log-stream-name", "2026/11/28/[1]abc"]
    at = now()
    told = aws("logs", "put-log-events", *place, "--log-events", f"timestamp={at},message=Hello")
    assert told["nextSequenceToken"]
    (event,) = aws("logs", "get-log-events", *place)["events"]
    assert (event["timestamp"], event["message"]) == (at, "Hello")
    assert event["ingestionTime"] >= at
    found = aws("logs", "filter-log-events", "--log-group-name", "/app/web", "--filter-pattern", "Hello")
    assert [event["logStreamName"] for event in found["events"]] == ["2026/11/28/[1]abc"]
    (stream,) = aws("logs", "describe-log-streams", "--log-group-name", "/app/web")["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (at, at)
    aws("logs", "delete-log-stream", *place)
    aws("logs", "delete-log-group", "--log-group-name", "/app/web")
    assert groups() == []


def test_paginators_go_to_the_end(logs):
    make(logs, "paged", *(f"s-{number:03}" for number in range(120)))
    names = [
        stream["logStreamName"]
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName="paged")
        for stream in page["logStreams"]
    ]
    assert names == [f"s-{number:03}" for number in range(120)]
    at = now()
    for number in range(30):
        put(logs, "paged", f"s-{number:03}", *((at + event, f"{number} {event}") for event in range(50)))
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="paged", PaginationConfig={"PageSize": 400})
    found = [(event["timestamp"], event["message"]) for page in pages for event in page["events"]]
    assert len(found) == len(set(found)) == 1500
    assert [at for at, _ in found] == sorted(at for at, _ in found)


def test_inputs_are_checked_in_the_words_of_aws(logs):
    with refused("InvalidParameterException") as error:
        logs.create_log_group(logGroupName="with*star")
    assert error.message == (
        "1 validation error detected: Value 'with*star' at 'logGroupName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
    )
    with refused("ResourceNotFoundException") as error:
        put(logs, "nobody", "s", (now(), "x"))
    assert error.message == "The specified log group does not exist."
    make(logs, "twice")
    with refused("ResourceAlreadyExistsException") as error:
        logs.create_log_group(logGroupName="twice")
    assert error.message == "The specified log group already exists"
    with refused("NotImplementedException"):
        logs.start_query(logGroupName="twice", startTime=0, endTime=1, queryString="fields @message")


def test_as_much_comes_in_at_once_as_agents_send(logs):
    # AWS counts the bytes of the texts and 26 for each event; what JSON makes of them is longer.
    make(logs, "full", "many", "long", "more")
    at = now()
    text = '{"level":"info","path":"/keys","text":"' + "x" * 59 + '"}'
    many = [(at, text)] * 8_300
    assert sum(len(text) + 26 for _, text in many) in range(1_000_000, 1_048_577)
    assert "rejectedLogEventsInfo" not in put(logs, "full", "many", *many)
    put(logs, "full", "long", (at, "\x01" * (1_048_576 - 26)))
    put(logs, "full", "more", *([(at, "x")] * 10_000))
    answer = logs.filter_log_events(logGroupName="full", logStreamNames=["long"])
    assert len(answer["events"][0]["message"]) == 1_048_550
    with refused("InvalidParameterException") as error:
        put(logs, "full", "many", *([(at, text)] * 9_000))
    assert error.message.startswith("Upload too large: ")


def test_what_is_logged_is_in_no_record(node, account, logs):
    make(logs, "concealed", "s")
    put(logs, "concealed", "s", (now(), "a text that nobody else should see"))
    logs.test_metric_filter(filterPattern="text", logEventMessages=["a text that nobody else should see"])
    trail = sdk.client(node, "cloudtrail", access_key_id=account)
    events = trail.lookup_events(
        LookupAttributes=[{"AttributeKey": "EventSource", "AttributeValue": "logs.amazonaws.com"}]
    )
    shown = [json.loads(event["CloudTrailEvent"]) for event in events["Events"]]
    assert {event["eventName"] for event in shown} == {"CreateLogGroup", "CreateLogStream", "TestMetricFilter"}
    tried = next(event for event in shown if event["eventName"] == "TestMetricFilter")
    assert tried["requestParameters"] == {"filterPattern": "text"}
    made = next(event for event in shown if event["eventName"] == "CreateLogStream")
    assert made["requestParameters"] == {"logGroupName": "concealed", "logStreamName": "s"}


@pytest.mark.parametrize("service", ["logs.us-east-1.amazonaws.com", "logs.amazonaws.com"])
def test_a_key_policy_lets_logs_in(node, account, logs, service):
    key = log_key(node, account, service)
    group = f"sealed-{service.count('.')}"
    logs.create_log_group(logGroupName=group, kmsKeyId=key)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", (now(), "one"))
    assert texts(logs, group, "s") == ["one"]
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["kmsKeyId"] == key
    trail = sdk.client(node, "cloudtrail", access_key_id=account)
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}])
    event = json.loads(events["Events"][0]["CloudTrailEvent"])
    assert event["userIdentity"]["invokedBy"] == "logs.amazonaws.com"
    context = {"aws:logs:arn": f"arn:aws:logs:us-east-1:{account}:log-group:{group}"}
    assert event["requestParameters"]["encryptionContext"] == context


def test_a_key_policy_keeps_logs_out(node, account, logs):
    for services in [(), ("logs.eu-west-1.amazonaws.com",)]:
        key = log_key(node, account, *services)
        with refused("AccessDeniedException") as error:
            logs.create_log_group(logGroupName="out", kmsKeyId=key)
        arn = f"arn:aws:logs:us-east-1:{account}:log-group:out"
        assert error.message == f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    assert logs.describe_log_groups(logGroupNamePrefix="out")["logGroups"] == []


def test_a_disabled_key_hides_what_is_under_it(node, account, logs):
    key = log_key(node, account, "logs.us-east-1.amazonaws.com")
    make(logs, "hidden", "s")
    put(logs, "hidden", "s", (now() - 10, "open"))
    logs.associate_kms_key(logGroupName="hidden", kmsKeyId=key)
    put(logs, "hidden", "s", (now(), "under the key"))
    kms = sdk.client(node, "kms", access_key_id=account)
    kms.disable_key(KeyId=key)
    with refused("InvalidParameterException"):
        texts(logs, "hidden", "s")
    kms.enable_key(KeyId=key)
    assert texts(logs, "hidden", "s") == ["open", "under the key"]
    logs.disassociate_kms_key(logGroupName="hidden")
    kms.disable_key(KeyId=key)
    put(logs, "hidden", "s", (now() + 10, "open again"))
    with refused("InvalidParameterException"):
        texts(logs, "hidden", "s")


def test_events_go_when_their_time_has_passed(fresh_node):
    logs = sdk.client(fresh_node, "logs")
    make(logs, "kept", "s")
    logs.put_retention_policy(logGroupName="kept", retentionInDays=1)
    put(logs, "kept", "s", (now(), "today"))
    development.advance(fresh_node, days=2)
    assert texts(logs, "kept", "s") == []
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["storedBytes"] == 0


def test_events_outlive_the_server(fresh_node):
    logs = sdk.client(fresh_node, "logs")
    make(logs, "durable", "s")
    for number in range(20):
        put(logs, "durable", "s", (now(), str(number)))
    fresh_node.kill()
    fresh_node.start()
    logs = sdk.client(fresh_node, "logs")
    assert texts(logs, "durable", "s") == [str(number) for number in range(20)]
    development.reset(fresh_node)
    assert logs.describe_log_groups()["logGroups"] == []
    make(logs, "durable", "s")
    assert texts(logs, "durable", "s") == []


def test_many_write_into_one_stream(node, account, logs):
    make(logs, "crowded", "s")
    at = now()

    def write(writer: int):
        own = sdk.client(node, "logs", access_key_id=account)
        for number in range(20):
            put(own, "crowded", "s", (at, f"{writer} {number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    found = texts(logs, "crowded", "s")
    assert len(found) == len(set(found)) == 160
    for writer in range(8):
        own = [text for text in found if text.startswith(f"{writer} ")]
        assert own == [f"{writer} {number}" for number in range(20)], "each one's events are in his order"


def test_nothing_that_is_logged_is_on_the_disk(fresh_node, tmp_path):
    logs = sdk.client(fresh_node, "logs")
    make(logs, "sealed", "s")
    put(logs, "sealed", "s", (now(), "a-text-to-look-for"))
    fresh_node.stop()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert b"a-text-to-look-for" not in file.read_bytes(), file


def test_users_may_do_what_their_policies_say(node, account, logs):
    make(logs, "shared", "in", "out")
    iam = sdk.client(node, "iam", access_key_id=account)
    iam.create_user(UserName="writer")
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:shared:log-stream:in"
    text = policy.document(policy.allow(["logs:PutLogEvents", "logs:GetLogEvents"], arn))
    iam.put_user_policy(UserName="writer", PolicyName="p", PolicyDocument=text)
    key = iam.create_access_key(UserName="writer")["AccessKey"]
    writer = Cli(node).as_(key)
    place = ["--log-group-name", "shared", "--log-stream-name"]
    writer("logs", "put-log-events", *place, "in", "--log-events", f"timestamp={now()},message=x")
    refusal = writer.refused("logs", "put-log-events", *place, "out", "--log-events", f"timestamp={now()},message=x")
    assert refusal.code == "AccessDeniedException"
    assert refusal.message.endswith(
        f"is not authorized to perform: logs:PutLogEvents on resource: {arn[:-2]}out because no identity-based policy "
        "allows the logs:PutLogEvents action"
    )
