"""What flows into CloudWatch Logs, and out of it: HSMs' audit logs, trails' events, metric filters, alarms on them."""

import json
import os
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from rig import development, sdk
from rig.cli import Cli
from rig.cluster import PATIENCE, Cluster
from rig.node import wait_until
from test_trails import bucket_policy

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role"
GROUP = "CloudTrail/Logs"
GROUP_ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}:*"
STREAM = f"{ACCOUNT}_CloudTrail_us-east-1"
BUCKET = "trail-with-logs"
TRAIL = "my-kms-trail"

ROUNDS = int(os.environ.get("STRONGROOM_DELIVERY_ROUNDS", "12"))
"""How often the server is killed in the middle of what flows."""


def put(logs, group: str, *messages: str, stream: str = "s", at: datetime | None = None):
    at = at or datetime.now(UTC)
    events = [{"timestamp": int(at.timestamp() * 1000), "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def make(logs, group: str, stream: str = "s"):
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)


def put_filter(logs, group: str, pattern: str, metric: str = "m", value: str = "1", **transformation):
    transformation = {"metricName": metric, "metricNamespace": "Shop", "metricValue": value, **transformation}
    logs.put_metric_filter(
        logGroupName=group, filterName=metric, filterPattern=pattern, metricTransformations=[transformation]
    )


def points(cloudwatch, name: str, namespace: str = "Shop", dimensions: dict | None = None) -> list[dict]:
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in (dimensions or {}).items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )
    return answer["Datapoints"]


def total(cloudwatch, name: str, statistic: str = "Sum", **more) -> float:
    return sum(point[statistic] for point in points(cloudwatch, name, **more))


def refused(call, **arguments) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


class TestMetricFilters:
    """On a server that tests share, in an account of the test's own."""

    @pytest.fixture
    def logs(self, node, account):
        return sdk.client(node, "logs", access_key_id=account)

    @pytest.fixture
    def cloudwatch(self, node, account):
        return sdk.client(node, "cloudwatch", access_key_id=account)

    def test_events_that_fit_are_counted(self, logs, cloudwatch):
        make(logs, "shop")
        put(logs, "shop", "ERROR before there was a filter")
        put_filter(logs, "shop", "ERROR", "errors", unit="Count")
        put_filter(logs, "shop", "{ $.latency = * }", "latency", "$.latency", unit="Milliseconds")
        put_filter(logs, "shop", "[host, ..., bytes]", "bytes", "$bytes", dimensions={"Host": "$host"})
        put(logs, "shop", "an ERROR", "fine", "ERROR again")
        put(logs, "shop", '{"latency": 20}', '{"latency": 22.5}', '{"latency": "slow"}')
        put(logs, "shop", "alpha x 7", "beta y 5", "alpha z 1")
        wait_until(lambda: total(cloudwatch, "bytes", dimensions={"Host": "alpha"}) == 8, "what is taken out of events")
        assert total(cloudwatch, "bytes", dimensions={"Host": "beta"}) == 5
        assert (total(cloudwatch, "errors"), total(cloudwatch, "errors", "SampleCount")) == (2, 2)
        assert (total(cloudwatch, "latency"), total(cloudwatch, "latency", "Maximum")) == (42.5, 22.5)
        of_group = {"namespace": "AWS/Logs", "dimensions": {"LogGroupName": "shop"}}
        assert total(cloudwatch, "IncomingLogEvents", **of_group) == 10
        assert total(cloudwatch, "IncomingBytes", **of_group) > 100

    def test_a_default_stands_for_minutes_without_a_match(self, logs, cloudwatch):
        make(logs, "shop")
        put_filter(logs, "shop", "ERROR", "errors", defaultValue=0.0)
        put(logs, "shop", "fine", at=datetime.now(UTC) - timedelta(minutes=3))
        put(logs, "shop", "ERROR", "fine")
        wait_until(lambda: total(cloudwatch, "errors") == 1, "the match")
        assert total(cloudwatch, "errors", "SampleCount") == 2

    def test_a_default_counts_once_for_a_minute(self, logs, cloudwatch):
        make(logs, "shop")
        put_filter(logs, "shop", "ERROR", "errors", defaultValue=0.0)
        earlier = datetime.now(UTC) - timedelta(minutes=3)
        for _ in range(5):
            put(logs, "shop", "fine", at=earlier)
        put(logs, "shop", "ERROR", at=earlier + timedelta(minutes=1))
        put(logs, "shop", "fine", at=earlier + timedelta(minutes=1))
        put(logs, "shop", "ERROR")
        wait_until(lambda: total(cloudwatch, "errors") == 2, "both matches")
        assert total(cloudwatch, "errors", "SampleCount") == 3

    def test_filters_are_shown_replaced_and_deleted(self, node, account, logs):
        aws = Cli(node, access_key_id=account)
        make(logs, "shop")
        logs.create_log_group(logGroupName="other")
        # fmt: off
        aws(
            "logs", "put-metric-filter", "--log-group-name", "shop", "--filter-name", "Errors",
            "--filter-pattern", "ERROR", "--metric-transformations",
            "metricName=errors,metricNamespace=Shop,metricValue=1,defaultValue=0",
        )
        # fmt: on
        put_filter(logs, "shop", "WARN", "warnings")
        put_filter(logs, "other", "x", "others")
        shown = aws("logs", "describe-metric-filters", "--log-group-name", "shop")["metricFilters"]
        assert [each["filterName"] for each in shown] == ["Errors", "warnings"]
        transformation = {"metricName": "errors", "metricNamespace": "Shop", "metricValue": "1", "defaultValue": 0.0}
        assert shown[0]["metricTransformations"] == [transformation]
        assert (shown[0]["filterPattern"], shown[0]["logGroupName"]) == ("ERROR", "shop")
        [group] = logs.describe_log_groups(logGroupNamePrefix="shop")["logGroups"]
        assert group["metricFilterCount"] == 2
        pages = logs.get_paginator("describe_metric_filters").paginate(PaginationConfig={"PageSize": 1})
        everything = [each["filterName"] for page in pages for each in page["metricFilters"]]
        assert everything == ["Errors", "others", "warnings"]
        by_metric = logs.describe_metric_filters(metricName="others", metricNamespace="Shop")["metricFilters"]
        assert [each["logGroupName"] for each in by_metric] == ["other"]
        put_filter(logs, "shop", "WARNING", "warnings")
        [found] = logs.describe_metric_filters(logGroupName="shop", filterNamePrefix="w")["metricFilters"]
        assert found["filterPattern"] == "WARNING"
        logs.delete_metric_filter(logGroupName="shop", filterName="warnings")
        gone = refused(logs.delete_metric_filter, logGroupName="shop", filterName="warnings")
        assert gone == ("ResourceNotFoundException", "The specified metric filter does not exist.")
        logs.delete_log_group(logGroupName="shop")
        [left] = logs.describe_metric_filters()["metricFilters"]
        assert left["filterName"] == "others"

    def test_a_pattern_is_tried_out(self, logs):
        answer = logs.test_metric_filter(
            filterPattern="[ip, ..., status = 4*, bytes]",
            logEventMessages=["10.0.0.1 - 404 12", "10.0.0.1 - 200 3", "10.0.0.2 x y 400 1"],
        )
        assert [match["eventNumber"] for match in answer["matches"]] == [1, 3]
        assert answer["matches"][0]["extractedValues"] == {
            "$ip": "10.0.0.1",
            "$2": "-",
            "$status": "404",
            "$bytes": "12",
        }

    @pytest.mark.parametrize(
        ("pattern", "transformation", "text"),
        [
            ("a.b", {}, "Invalid character(s) in term 'a.b'"),
            ("{ $.a = 1", {}, "If a filter pattern starts with '{' it must end with '}'"),
            ("{ $.a }", {}, "Invalid filter pattern"),
            ("ERROR", {"dimensions": {"A": "$.a"}}, "The specified filter pattern does not support dimensions"),
            (
                "ERROR",
                {"metricNamespace": "AWS/KMS"},
                "Invalid metric transformation: the namespace AWS/KMS is reserved for AWS",
            ),
            (
                "{ $.a = 1 }",
                {"dimensions": {"A": "$.a"}, "defaultValue": 0.0},
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties",
            ),
        ],
    )
    def test_what_can_be_no_filter_is_refused(self, logs, pattern, transformation, text):
        make(logs, "shop")
        told = refused(lambda: put_filter(logs, "shop", pattern, **transformation))
        assert told == ("InvalidParameterException", text)

    def test_a_group_has_a_hundred_filters_and_no_more(self, logs):
        make(logs, "shop")
        for number in range(100):
            put_filter(logs, "shop", "x", f"m{number}")
        assert refused(lambda: put_filter(logs, "shop", "x", "more"))[0] == "LimitExceededException"
        put_filter(logs, "shop", "y", "m7")
        assert refused(lambda: put_filter(logs, "missing", "x"))[0] == "ResourceNotFoundException"

    def test_a_flood_of_dimensions_ends_at_a_thousand(self, fresh_node):
        """Within an hour, which begins here."""
        now = datetime.fromisoformat(development.advance(fresh_node)["now"])
        development.advance(fresh_node, minutes=60 - now.minute)
        logs, cloudwatch = (sdk.client(fresh_node, name) for name in ("logs", "cloudwatch"))
        make(logs, "shop")
        put_filter(logs, "shop", "{ $.ip = * }", "hits", dimensions={"Ip": "$.ip"})
        for start in range(0, 1500, 500):
            put(logs, "shop", *(json.dumps({"ip": f"10.{n // 256}.{n % 256}.1"}) for n in range(start, start + 500)))
        put(logs, "shop", json.dumps({"ip": "10.0.0.1"}))
        wait_until(lambda: total(cloudwatch, "hits", dimensions={"Ip": "10.0.0.1"}) == 2, "the first one, twice")
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Shop", MetricName="hits")
        assert sum(len(page["Metrics"]) for page in pages) == 1000


def test_an_hsms_audit_log_rings(fresh_node, own_aws, tmp_path):
    """The log of an HSM, an alarm on log-ins that fail, and a minute."""
    cluster = Cluster(own_aws, tmp_path / "cluster")
    tool = cluster.first_use("us-east-1a")
    group = f"/aws/cloudhsm/{cluster.cluster_id}"
    [hsm] = cluster.hsms()
    logs = sdk.client(fresh_node, "logs")

    def lines() -> list[str]:
        try:
            events = logs.get_log_events(logGroupName=group, logStreamName=hsm["HsmId"], startFromHead=True)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    def opcodes() -> list[str]:
        return [re.search(r"^Opcode : (\w+)", line, re.M)[1] for line in lines()]

    wait_until(lambda: "CN_CREATE_USER" in opcodes(), "the user that was made")
    assert opcodes()[:4] == ["CN_INIT_TOKEN", "CN_GEN_PSWD_ENC_KEY", "CN_CREATE_APPLIANCE_USER", "CN_INIT_DONE"]
    numbers = [int(re.search(r"^Sequence No : (\w+)", line, re.M)[1], 16) for line in lines()]
    assert numbers == list(range(len(numbers)))
    [made] = [line for line in lines() if "CN_CREATE_USER" in line]
    assert re.fullmatch(
        r"Time: \d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}, usecs:\d+\n"
        r"Sequence No : 0x[0-9a-f]+\nReboot counter : 0x[0-9a-f]+\nCommand Type\(hex\) : CN_MGMT_CMD \(0x0\)\n"
        r"Opcode : CN_CREATE_USER \(0x3\)\nSession Handle : 0x[0-9a-f]+\nResponse : 0:HSM Return: SUCCESS\n"
        r"Log type : MGMT_USER_DETAILS_LOG \(2\)\nUser Name : alice\nUser Type : CN_CRYPTO_USER \(1\)",
        made,
    )
    # fmt: off
    own_aws(
        "logs", "put-metric-filter", "--log-group-name", group, "--filter-name", "failed-logins",
        "--filter-pattern", "CN_LOGIN -SUCCESS", "--metric-transformations",
        # Without a default: a line of the next minute would say that all is well, before the alarm is looked at.
        "metricName=FailedLogins,metricNamespace=HSM,metricValue=1",
    )
    own_aws(
        "cloudwatch", "put-metric-alarm", "--alarm-name", "hsm-logins", "--metric-name", "FailedLogins",
        "--namespace", "HSM", "--statistic", "Sum", "--period", "60", "--threshold", "1",
        "--comparison-operator", "GreaterThanOrEqualToThreshold", "--evaluation-periods", "1",
        "--treat-missing-data", "notBreaching",
    )
    # fmt: on

    def state() -> str:
        return own_aws("cloudwatch", "describe-alarms", "--alarm-names", "hsm-logins")["MetricAlarms"][0]["StateValue"]

    development.advance(fresh_node, minutes=1)
    assert state() == "OK"
    count = len(lines())
    tool.as_crypto_user("alice", "wrong-password").refused("key", "list")
    # The session that the log-in opens is a line too, which may come before the log-in's own.
    wait_until(lambda: any("RET_USER_LOGIN_FAILURE" in line for line in lines()[count:]), "the log-in that failed")
    wait_until(lambda: total(sdk.client(fresh_node, "cloudwatch"), "FailedLogins", namespace="HSM") == 1, "its count")
    development.advance(fresh_node, minutes=1)
    development.advance(fresh_node, minutes=1)
    history = own_aws("cloudwatch", "describe-alarm-history", "--alarm-name", "hsm-logins")["AlarmHistoryItems"]
    assert "Alarm updated from OK to ALARM" in [item["HistorySummary"] for item in history]


@pytest.mark.slow
def test_hsms_lines_come_once_through_kill_9(fresh_node, own_aws, tmp_path):
    """What HSMs have logged, beside the server and without it, is in their streams once, without a gap."""
    cluster = Cluster(own_aws, tmp_path / "cluster")
    tool = cluster.first_use("us-east-1a", "us-east-1b")
    group = f"/aws/cloudhsm/{cluster.cluster_id}"
    logs = sdk.client(fresh_node, "logs")

    def lines(hsm: dict) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNames=[hsm["HsmId"]])
        return [event["message"] for page in pages for event in page["events"]]

    served, stop = [], threading.Event()

    def log_in():
        alice = tool.as_crypto_user("alice")
        while not stop.is_set():
            if alice.told("key", "list").error_code == 0:
                served.append("log-in")

    users = [threading.Thread(target=log_in) for _ in range(2)]
    for user in users:
        user.start()
    try:
        for _ in range(ROUNDS):
            before = sum(len(lines(hsm)) for hsm in cluster.hsms())
            wait_until(lambda before=before: sum(len(lines(hsm)) for hsm in cluster.hsms()) > before, "new lines")
            fresh_node.kill()
            # HSMs serve on, and log.
            seen = len(served)
            wait_until(lambda seen=seen: len(served) > seen + 2, "log-ins without the server", PATIENCE)
            fresh_node.start()
            wait_until(lambda: len(cluster.hsms()) == 2, "both HSMs", PATIENCE)
    finally:
        stop.set()
        for user in users:
            user.join()
    log_ins = 0
    for hsm in cluster.hsms():
        # Nobody else has failed to log in.
        cluster.tool(hsm["EniIp"]).as_crypto_user("alice", "wrong-password").refused("key", "list")
        wait_until(lambda hsm=hsm: any("RET_USER_LOGIN_FAILURE" in line for line in lines(hsm)), "the last line")
        numbers = [int(re.search(r"^Sequence No : (\w+)", line, re.M)[1], 16) for line in lines(hsm)]
        assert sorted(numbers) == list(range(len(numbers)))
        log_ins += sum("CN_LOGIN" in line and "SUCCESS" in line for line in lines(hsm))
    assert log_ins >= len(served)


class TestTrail:
    """A trail that sends its events to a log group, as the CloudTrail User Guide sets it up."""

    @pytest.fixture
    def clients(self, fresh_node):
        names = ("logs", "iam", "s3", "cloudtrail", "kms", "cloudwatch")
        return {name: sdk.client(fresh_node, name) for name in names}

    def prepare(self, clients, trusts: str = "cloudtrail.amazonaws.com", action: str = "logs:PutLogEvents"):
        clients["s3"].create_bucket(Bucket=BUCKET)
        clients["s3"].put_bucket_policy(Bucket=BUCKET, Policy=bucket_policy(BUCKET))
        clients["logs"].create_log_group(logGroupName=GROUP)
        trust = {"Effect": "Allow", "Principal": {"Service": trusts}, "Action": "sts:AssumeRole"}
        clients["iam"].create_role(
            RoleName=ROLE.rpartition("/")[2],
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        self.let(clients, action)

    def let(self, clients, action: str):
        """The policy of the guide: "Using a role policy document for CloudTrail"."""
        resource = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}:log-stream:{ACCOUNT}_CloudTrail_us-east-1*"
        statements = [
            {"Effect": "Allow", "Action": each, "Resource": resource} for each in ("logs:CreateLogStream", action)
        ]
        clients["iam"].put_role_policy(
            RoleName=ROLE.rpartition("/")[2],
            PolicyName="logs",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )

    def create(self, fresh_node, group: str = GROUP_ARN):
        # fmt: off
        return Cli(fresh_node)(
            "cloudtrail", "create-trail", "--name", TRAIL, "--s3-bucket-name", BUCKET,
            "--cloud-watch-logs-log-group-arn", group, "--cloud-watch-logs-role-arn", ROLE,
        )
        # fmt: on

    def messages(self, clients) -> list[dict]:
        pages = clients["logs"].get_paginator("filter_log_events").paginate(logGroupName=GROUP)
        return [json.loads(event["message"]) for page in pages for event in page["events"]]

    def test_events_reach_the_group_and_an_alarm_on_them_rings(self, fresh_node, clients):
        self.prepare(clients)
        assert self.create(fresh_node)["CloudWatchLogsLogGroupArn"] == GROUP_ARN
        [stream] = clients["logs"].describe_log_streams(logGroupName=GROUP)["logStreams"]
        assert stream["logStreamName"] == STREAM
        clients["cloudtrail"].start_logging(Name=TRAIL)
        names = "($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion)"
        pattern = f"{{ ($.eventSource = kms.amazonaws.com) && ({names}) }}"
        clients["logs"].put_metric_filter(
            logGroupName=GROUP,
            filterName="KeysDisabled",
            filterPattern=pattern,
            metricTransformations=[{"metricName": "KeysDisabled", "metricNamespace": "CIS", "metricValue": "1"}],
        )
        clients["cloudwatch"].put_metric_alarm(
            AlarmName="keys",
            MetricName="KeysDisabled",
            Namespace="CIS",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
        )
        key = clients["kms"].create_key()["KeyMetadata"]["KeyId"]
        clients["kms"].disable_key(KeyId=key)
        wait_until(lambda: "DisableKey" in [each["eventName"] for each in self.messages(clients)], "the event")
        wait_until(lambda: total(clients["cloudwatch"], "KeysDisabled", namespace="CIS") == 1, "the count")
        development.advance(fresh_node, minutes=1)
        [alarm] = clients["cloudwatch"].describe_alarms(AlarmNames=["keys"])["MetricAlarms"]
        assert alarm["StateValue"] == "ALARM"
        [event] = [each for each in self.messages(clients) if each["eventName"] == "DisableKey"]
        assert event["userIdentity"]["type"] == "Root"
        assert key in event["resources"][0]["ARN"]
        names = {each["eventName"] for each in self.messages(clients)}
        assert not names & {"AssumeRole", "CreateLogStream"}, "what deliveries do is not delivered"
        ids = [each["eventID"] for each in self.messages(clients)]
        assert len(ids) == len(set(ids))

        def status() -> dict:
            return clients["cloudtrail"].get_trail_status(Name=TRAIL)

        # A delivery is noted after it was made.
        wait_until(lambda: "LatestCloudWatchLogsDeliveryTime" in status(), "the delivery noted")
        assert "LatestCloudWatchLogsDeliveryError" not in status()

    def test_what_the_role_may_not_do_is_told(self, fresh_node, clients):
        self.prepare(clients)
        self.create(fresh_node)
        clients["cloudtrail"].start_logging(Name=TRAIL)
        self.let(clients, "logs:DescribeLogStreams")
        clients["kms"].create_key()

        def error():
            return clients["cloudtrail"].get_trail_status(Name=TRAIL).get("LatestCloudWatchLogsDeliveryError")

        wait_until(error, "the delivery that was refused")
        assert error() == "AccessDenied"
        self.let(clients, "logs:PutLogEvents")
        development.advance(fresh_node, minutes=6)
        wait_until(lambda: error() is None, "the delivery that is not")
        assert "CreateKey" in [each["eventName"] for each in self.messages(clients)]

    def test_a_role_that_is_made_anew_is_assumed_anew(self, fresh_node, clients):
        self.prepare(clients)
        self.create(fresh_node)
        clients["cloudtrail"].start_logging(Name=TRAIL)
        clients["cloudtrail"].stop_logging(Name=TRAIL)
        wait_until(lambda: "StopLogging" in [each["eventName"] for each in self.messages(clients)], "the last event")
        name = ROLE.rpartition("/")[2]
        trust = clients["iam"].get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        clients["iam"].delete_role_policy(RoleName=name, PolicyName="logs")
        clients["iam"].delete_role(RoleName=name)
        clients["iam"].create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        self.let(clients, "logs:PutLogEvents")
        clients["cloudtrail"].start_logging(Name=TRAIL)
        clients["kms"].create_key()
        wait_until(lambda: "CreateKey" in [each["eventName"] for each in self.messages(clients)], "the next event")

    @pytest.mark.slow
    def test_events_come_once_through_kill_9(self, fresh_node, clients):
        """Each event of the account is in the group once, whatever a kill cuts off."""
        self.prepare(clients)
        self.create(fresh_node)
        clients["cloudtrail"].start_logging(Name=TRAIL)
        acknowledged: list[str] = []

        def call():
            kms = sdk.client(fresh_node, "kms")
            try:
                while True:
                    acknowledged.append(kms.list_aliases()["ResponseMetadata"]["RequestId"])
            except BotoCoreError:
                return  # the server is killed

        for _ in range(ROUNDS):
            callers = [threading.Thread(target=call) for _ in range(2)]
            before, told = len(acknowledged), len(self.ids_of(clients, "ListAliases"))
            for caller in callers:
                caller.start()
            # In the middle of what comes and of what goes on.
            wait_until(lambda before=before: len(acknowledged) >= before + 20, "calls that were answered")
            wait_until(lambda told=told: len(self.ids_of(clients, "ListAliases")) > told, "events that were delivered")
            fresh_node.kill()
            for caller in callers:
                caller.join()
            fresh_node.start()
            # What a kill cut off is tried again as often as files are delivered.
            development.advance(fresh_node, minutes=6)
        history = (
            clients["cloudtrail"]
            .get_paginator("lookup_events")
            .paginate(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListAliases"}])
        )
        records = [json.loads(event["CloudTrailEvent"]) for page in history for event in page["Events"]]
        assert set(acknowledged) <= {record["requestID"] for record in records}
        recorded = sorted(record["eventID"] for record in records)
        wait_until(lambda: len(self.ids_of(clients, "ListAliases")) >= len(recorded), "all events")
        assert sorted(self.ids_of(clients, "ListAliases")) == recorded

    def ids_of(self, clients, name: str) -> list[str]:
        """The ids of delivered events of that name."""
        return [each["eventID"] for each in self.messages(clients) if each["eventName"] == name]

    @pytest.mark.parametrize(
        ("trusts", "action", "group", "code", "text"),
        [
            (
                "ec2.amazonaws.com",
                "logs:PutLogEvents",
                GROUP_ARN,
                "InvalidCloudWatchLogsRoleArnException",
                "Access denied. Check the trust relationships for your role.",
            ),
            (
                "cloudtrail.amazonaws.com",
                "logs:GetLogEvents",
                GROUP_ARN,
                "InvalidCloudWatchLogsLogGroupArnException",
                "Access denied. Check the permissions for your role.",
            ),
            (
                "cloudtrail.amazonaws.com",
                "logs:PutLogEvents",
                GROUP_ARN.replace(":*", ""),
                "InvalidCloudWatchLogsLogGroupArnException",
                "Check the log group ARN: CloudTrail can't validate it.",
            ),
        ],
    )
    def test_a_trail_that_could_not_deliver_is_refused(self, clients, trusts, action, group, code, text):
        self.prepare(clients, trusts, action)
        told = refused(
            clients["cloudtrail"].create_trail,
            Name=TRAIL,
            S3BucketName=BUCKET,
            CloudWatchLogsLogGroupArn=group,
            CloudWatchLogsRoleArn=ROLE,
        )
        assert told == (code, text)


@pytest.mark.slow
def test_what_events_say_is_counted_once_through_kill_9(fresh_node):
    """Each event that was acknowledged is there and is counted, and nothing is counted that is not there."""
    logs, cloudwatch = (sdk.client(fresh_node, name) for name in ("logs", "cloudwatch"))
    make(logs, "shop")
    put_filter(logs, "shop", "ERROR", "errors")
    acknowledged, written = [], iter(range(1_000_000))
    for _ in range(12):
        dead = threading.Event()

        def write(dead: threading.Event = dead):
            own = sdk.client(fresh_node, "logs")
            while not dead.is_set():
                message = f"ERROR {next(written)}"
                try:
                    put(own, "shop", message)
                except Exception:  # whatever it is, the server is gone
                    return
                acknowledged.append(message)

        writers = [threading.Thread(target=write) for _ in range(2)]
        before = len(acknowledged)
        for writer in writers:
            writer.start()
        wait_until(lambda: len(acknowledged) >= before + 20, "events that were taken")  # noqa: B023
        fresh_node.kill()
        dead.set()
        for writer in writers:
            writer.join()
        fresh_node.start()
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="shop")
    there = [event["message"] for page in pages for event in page["events"]]
    assert len(there) == len(set(there))
    assert set(acknowledged) <= set(there)
    wait_until(lambda: total(cloudwatch, "errors") >= len(there), "the counts")
    assert total(cloudwatch, "errors") == len(there)
