"""CloudWatch's metrics, with boto3 and the stock AWS CLI: what is put comes back, what is done is counted."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from rig import development, expected, sdk
from rig.cli import Cli
from rig.node import wait_until


@pytest.fixture
def cloudwatch(node, account):
    return sdk.client(node, "cloudwatch", access_key_id=account)


DAY = 86_400
"""In seconds."""

NOON = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
"""A moment that stays the same while tests run, with as many hours of its day before it as behind it."""


def minute(ago: int) -> datetime:
    """A minute before yesterday's noon."""
    return NOON - timedelta(minutes=ago)


def statistics(cloudwatch, name: str, namespace: str = "Shop", period: int = 60, **more) -> list[dict]:
    """What there is of a metric around yesterday's noon; in periods of a day, from then until now."""
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        StartTime=minute(30),
        EndTime=minute(-30) if period < DAY else datetime.now(UTC) + timedelta(minutes=2),
        Period=period,
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
        **more,
    )
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])


def put(cloudwatch, name: str, *data: dict, namespace: str = "Shop", **more):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": name, **each, **more} for each in data])


class ParserOf:
    """What reads all answers of a client."""

    def __init__(self, protocol: str):
        self.protocol = protocol

    def create_parser(self, _protocol: str):
        return create_parser(self.protocol)


def speaking(client, protocol: str):
    """A client that speaks another of the protocols that its model has."""
    client._serializer = create_serializer(protocol)
    client._response_parser = create_parser(protocol)
    client._endpoint._response_parser_factory = ParserOf(protocol)
    return client


def test_what_is_put_is_what_statistics_tell(cloudwatch):
    put(
        cloudwatch,
        "Orders",
        {"Value": 4, "Timestamp": minute(10)},
        {"Values": [1, 7], "Counts": [2, 1], "Timestamp": minute(10)},
        {"StatisticValues": {"SampleCount": 2, "Sum": 30, "Minimum": 10, "Maximum": 20}, "Timestamp": minute(9)},
        Unit="Count",
    )
    first, second = statistics(cloudwatch, "Orders")
    assert first["Timestamp"] == minute(10)
    assert (first["SampleCount"], first["Sum"], first["Minimum"], first["Maximum"]) == (4, 13, 1, 7)
    assert (second["SampleCount"], second["Sum"], second["Average"], second["Unit"]) == (2, 30, 15, "Count")
    (both,) = statistics(cloudwatch, "Orders", period=DAY)
    assert (both["SampleCount"], both["Sum"], both["Minimum"], both["Maximum"]) == (6, 43, 1, 20)
    assert statistics(cloudwatch, "Orders", Unit="Bytes") == []
    assert statistics(cloudwatch, "Orders", Dimensions=[{"Name": "Shop", "Value": "Bern"}]) == []


def test_all_three_protocols_speak_of_the_same_metrics(node, aws, account, cloudwatch):
    now = minute(5).isoformat()
    aws("cloudwatch", "put-metric-data", "--namespace", "Shop", "--metric-name", "Carts", "--value", "3",
        "--timestamp", now, "--unit", "Count", "--dimensions", "Shop=Bern")  # fmt: skip
    listed = aws("cloudwatch", "list-metrics", "--namespace", "Shop")["Metrics"]
    metric = {"Namespace": "Shop", "MetricName": "Carts", "Dimensions": [{"Name": "Shop", "Value": "Bern"}]}
    assert listed == [metric]
    assert cloudwatch.list_metrics(Namespace="Shop")["Metrics"] == [metric]
    spoken = {"smithy-rpc-v2-cbor", "json", "query"}
    for protocol in spoken:
        client = speaking(sdk.client(node, "cloudwatch", access_key_id=account), protocol)
        assert set(client.meta.service_model.metadata["protocols"]) == spoken
        assert client.list_metrics(Namespace="Shop")["Metrics"] == [metric], protocol
        with sdk.refused() as refused:
            client.get_metric_statistics(
                Namespace="Shop",
                MetricName="Carts",
                StartTime=minute(1),
                EndTime=minute(1),
                Period=60,
                Statistics=["Sum"],
            )
        assert refused.message == "The parameter StartTime must not equal parameter EndTime.", protocol


def test_metrics_are_listed_by_what_they_are(cloudwatch):
    for shop in "abc":
        dimensions = [{"Name": "Shop", "Value": shop}, {"Name": "Floor", "Value": "1"}]
        put(cloudwatch, "Visits", {"Value": 1}, Dimensions=dimensions)
        put(cloudwatch, "Visits", {"Value": 1}, namespace="Other", Dimensions=dimensions)

    def listed(**wanted) -> int:
        return len(cloudwatch.list_metrics(**wanted)["Metrics"])

    assert listed(Namespace="Shop") == 3
    assert listed(MetricName="Visits", Dimensions=[{"Name": "Shop", "Value": "a"}]) == 2
    assert listed(Namespace="Other", Dimensions=[{"Name": "Floor"}]) == 3
    assert listed(Namespace="Nowhere") == 0
    assert listed(Namespace="Shop", RecentlyActive="PT3H") == 3


@pytest.mark.parametrize(
    ("datum", "code", "message"),
    [
        (
            {"Value": 1, "Timestamp": minute(15 * 24 * 60)},
            "InvalidParameterValue",
            "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks.",
        ),
        (
            {"Value": 1, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive "
            "and you have specified both.",
        ),
        ({}, "MissingParameter", "The parameter MetricData.member.1.Value is required."),
    ],
)
def test_what_is_no_datum(cloudwatch, datum, code, message):
    with sdk.refused(code) as refused:
        put(cloudwatch, "Wrong", datum)
    assert (refused.status, refused.message) == (400, message)


def test_metrics_of_aws_services_are_nobody_elses(cloudwatch):
    with sdk.refused("InvalidParameterValue") as refused:
        put(cloudwatch, "KeyUsageCount", {"Value": 100}, namespace="AWS/KMS")
    assert refused.message == "The value AWS/ for parameter Namespace is invalid."


def test_a_thousand_data_are_taken_and_no_more(cloudwatch):
    put(cloudwatch, "Many", *({"Value": number} for number in range(1000)))
    with sdk.refused("InvalidParameterValue") as refused:
        put(cloudwatch, "Many", *({"Value": number} for number in range(1001)))
    assert refused.message == "The collection MetricData must not have a size greater than 1000."
    (point,) = statistics(cloudwatch, "Many", period=DAY)
    assert (point["SampleCount"], point["Sum"]) == (1000, 499_500)


def test_metric_data_with_math(cloudwatch):
    for ago, value in [(10, 2), (9, 4), (7, 8)]:
        put(cloudwatch, "Errors", {"Value": value, "Timestamp": minute(ago)})
        put(cloudwatch, "Requests", {"Value": 10 * value, "Timestamp": minute(ago)})

    def stat(identifier: str, name: str, **more) -> dict:
        metric = {"Namespace": "Shop", "MetricName": name}
        return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, **more}

    queries = [
        stat("e", "Errors", Label="all ${LABEL}: ${SUM}"),
        stat("r", "Requests", ReturnData=False),
        {"Id": "rate", "Expression": "100 * e / r", "Label": "percent"},
        {"Id": "filled", "Expression": "FILL(e, 0)"},
        {"Id": "both", "Expression": "SUM(METRICS())"},
    ]
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=minute(11), EndTime=minute(6), ScanBy="TimestampAscending"
    )
    results = {each["Id"]: each for each in answer["MetricDataResults"]}
    assert set(results) == {"e", "rate", "filled", "both"}
    assert results["e"]["Values"] == [2, 4, 8]
    assert results["e"]["Timestamps"] == [minute(10), minute(9), minute(7)]
    assert results["e"]["Label"] == "all Errors: 14"
    assert results["rate"]["Values"] == [10, 10, 10]
    assert results["filled"]["Values"] == [0, 2, 4, 0, 8]
    assert results["both"]["Values"] == [22, 44, 88]
    assert {each["StatusCode"] for each in results.values()} == {"Complete"}

    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries[:1], StartTime=minute(11), EndTime=minute(6), MaxDatapoints=2
    )
    values = [page["MetricDataResults"][0]["Values"] for page in pages]
    assert values == [[8, 4], [2]], "newest first"

    with sdk.refused("ValidationError") as refused:
        cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "x", "Expression": "y + 1"}], StartTime=minute(5), EndTime=minute(1)
        )
    assert "y" in refused.message


def test_uses_of_keys_and_calls_are_counted(kms, cloudwatch):
    keys = [kms.create_key()["KeyMetadata"] for _ in range(2)]
    blob = kms.encrypt(KeyId=keys[0]["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for _ in range(3):
        kms.decrypt(CiphertextBlob=blob)
    kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=keys[1]["KeyId"])
    kms.generate_random(NumberOfBytes=8)
    with sdk.refused():
        kms.decrypt(CiphertextBlob=blob[:-1])

    def total(name: str, namespace: str = "AWS/KMS", **dimensions: str) -> float:
        given = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        points = statistics(cloudwatch, name, namespace, DAY, Dimensions=given)
        return sum(point["Sum"] for point in points)

    first, second = (key["KeyId"] for key in keys)
    usage = {"Service": "KMS", "Type": "API", "Class": "None"}
    refused_too = 4
    wait_until(
        lambda: total("CallCount", "AWS/Usage", Resource="Decrypt", **usage) == refused_too, "the calls to be counted"
    )
    wait_until(lambda: total("KeyUsageCount") == 5, "the uses to be counted")
    assert total("KeyUsageCount", KeyId=first) == 5
    assert total("KeyUsageCount", KeyId=second) == 1
    assert total("KeyUsageCount", KeyId=first, Operation="Decrypt") == 3
    assert total("KeyUsageCount", KeyId=second, Operation="ReEncrypt") == 1
    assert total("SuccessfulRequest", KeyArn=keys[0]["Arn"], Operation="Decrypt") == 3
    both = {"SourceKeyArn": keys[0]["Arn"], "DestinationKeyArn": keys[1]["Arn"], "Operation": "ReEncrypt"}
    assert total("SuccessfulRequest", **both) == 1
    assert total("CallCount", "AWS/Usage", Resource="GenerateRandom", **usage) == 1
    named = cloudwatch.list_metrics(Namespace="AWS/KMS", MetricName="KeyUsageCount")["Metrics"]
    assert {"Namespace": "AWS/KMS", "MetricName": "KeyUsageCount", "Dimensions": []} in named


def test_what_is_counted_survives_a_kill_and_is_counted_once(fresh_node):
    kms = sdk.client(fresh_node, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(4):
        for _ in range(5):
            kms.encrypt(KeyId=key, Plaintext=b"x")
        fresh_node.kill()
        fresh_node.start()
        kms = sdk.client(fresh_node, "kms")
    cloudwatch = sdk.client(fresh_node, "cloudwatch")
    given = [{"Name": "KeyId", "Value": key}]

    def total() -> float:
        points = statistics(cloudwatch, "KeyUsageCount", "AWS/KMS", DAY, Dimensions=given)
        return sum(point["Sum"] for point in points)

    wait_until(lambda: total() == 20, "the uses to be counted")
    kms.encrypt(KeyId=key, Plaintext=b"x")
    wait_until(lambda: total() == 21, "the use to be counted")


def test_points_are_kept_for_as_long_as_aws_keeps_them(fresh_node):
    cloudwatch = sdk.client(fresh_node, "cloudwatch")
    put(cloudwatch, "Old", {"Value": 1, "StorageResolution": 1})

    def kept(period: int, days: int) -> int:
        now = datetime.now(UTC) + timedelta(days=days)
        start = (datetime.now(UTC) - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {"Namespace": "Shop", "MetricName": "Old"},
                        "Period": period,
                        "Stat": "Sum",
                    },
                }
            ],
            StartTime=start,
            EndTime=min(now, start + timedelta(hours=4)),
        )
        return len(answer["MetricDataResults"][0]["Values"])

    assert [kept(period, 0) for period in (1, 60, 300, 3600)] == [1, 1, 1, 1]
    for days, expected_kept in [(1, [0, 1, 1, 1]), (16, [0, 0, 1, 1]), (64, [0, 0, 0, 1]), (456, [0, 0, 0, 0])]:
        development.advance(fresh_node, days=days)
        assert [kept(period, days) for period in (1, 60, 300, 3600)] == expected_kept, days


def test_percentiles_are_said_to_be_missing(cloudwatch):
    status, code = expected.NOT_IMPLEMENTED
    with sdk.refused() as refused:
        cloudwatch.get_metric_statistics(
            Namespace="Shop",
            MetricName="m",
            StartTime=minute(5),
            EndTime=minute(1),
            Period=60,
            ExtendedStatistics=["p99"],
        )
    assert (refused.status, refused.code) in {(status, code), (status, "NotImplemented")}


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "json", "query"])
def test_what_only_aws_has_is_said_to_be_missing_in_any_protocol(cloudwatch, protocol):
    # Clients show the query protocol's code in the others too.
    with sdk.refused("NotImplemented") as refused:
        speaking(cloudwatch, protocol).list_dashboards()
    assert refused.status == expected.NOT_IMPLEMENTED[0]
    assert "cloudwatch:ListDashboards" in refused.message


def test_metrics_of_accounts_are_apart(node, cloudwatch, account):
    put(cloudwatch, "Mine", {"Value": 1})
    other = sdk.client(node, "cloudwatch", access_key_id=account[::-1])
    assert other.list_metrics(Namespace="Shop")["Metrics"] == []
    assert statistics(other, "Mine", period=DAY) == []
    assert Cli(node, access_key_id=account, region="eu-west-1")("cloudwatch", "list-metrics")["Metrics"] == []
