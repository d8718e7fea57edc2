"""Records of the services of evidence show what CloudTrail's show, member by member.

What is expected is what AWS publishes: "Logging Amazon SNS API calls using CloudTrail" (SNS Developer Guide), "Logging
Amazon CloudWatch API calls with AWS CloudTrail" (CloudWatch User Guide), "Amazon S3 CloudTrail events" (S3 User Guide),
and where no guide has an entry, records of real calls that Stratus Red Team and others publish. Where ours differ,
docs/compatibility.md says so.
"""

import gzip
import json
import re

import pytest

from rig import development, sdk
from rig.node import run
from rig.records import changed, read, shown

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def resource_of(history, kind: str, arn: str) -> dict:
    return {"resources": [history.resource(kind, arn)]}


@pytest.fixture
def s3(history):
    return history.as_root("s3")


@pytest.fixture
def bucket(history, s3) -> str:
    name = f"records-of-{history.account}"
    s3.create_bucket(Bucket=name)
    return name


def shown_of_s3(history, record: dict) -> dict:
    """Without what every record of S3 has, which is checked."""
    record = shown(record)
    more = record.pop("additionalEventData")
    assert list(more) == [
        "SignatureVersion",
        "bytesTransferredIn",
        "AuthenticationMethod",
        "x-amz-id-2",
        "bytesTransferredOut",
    ], "over TLS there is a CipherSuite, too"
    assert (more["SignatureVersion"], more["AuthenticationMethod"]) == ("SigV4", "AuthHeader")
    assert record["requestParameters"].pop("Host") == f"127.0.0.1:{history.node.port}"
    return record


def test_buckets(history, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    of_bucket = resource_of(history, "S3::Bucket", arn)
    made = shown_of_s3(history, history.last("CreateBucket"))
    assert made == changed({"bucketName": bucket}, {"x-amz-bucket-arn": arn}, **of_bucket)
    s3.get_bucket_versioning(Bucket=bucket)
    looked = shown_of_s3(history, history.last("GetBucketVersioning"))
    assert looked == read({"bucketName": bucket, "versioning": ""}, **of_bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    record = shown_of_s3(history, history.last("PutBucketVersioning"))
    assert record["requestParameters"].pop("x-amz-sdk-checksum-algorithm") == "CRC32"
    versioned = record["requestParameters"].pop("VersioningConfiguration")
    assert versioned["Status"] == "Enabled"
    assert record == changed({"bucketName": bucket, "versioning": ""}, **of_bucket)
    policy = {
        "Effect": "Allow",
        "Principal": {"AWS": history.account},
        "Action": "s3:GetObject",
        "Resource": f"{arn}/*",
    }
    document = {"Version": "2012-10-17", "Statement": [policy]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    record = shown_of_s3(history, history.last("PutBucketPolicy"))
    assert record["requestParameters"].pop("x-amz-sdk-checksum-algorithm") == "CRC32"
    assert record == changed({"bucketName": bucket, "policy": "", "bucketPolicy": document}, **of_bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    record = shown_of_s3(history, history.last("DeleteBucketPolicy"))
    assert record == changed({"bucketName": bucket, "policy": ""}, **of_bucket)


def test_events_of_s3_have_names_of_their_own(history, s3, bucket):
    """As in "Amazon S3 CloudTrail events"; `[..]` around agents is in records of real calls (Invictus' aws_dataset)."""
    blocked = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
    s3.get_public_access_block(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.get_bucket_notification_configuration(Bucket=bucket)
    with sdk.refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    with sdk.refused("ObjectLockConfigurationNotFoundError"):
        s3.get_object_lock_configuration(Bucket=bucket)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="a/")["ResponseMetadata"]["RequestId"]
    records = history.all()[-7:]
    assert [record["eventName"] for record in records] == [
        "PutBucketPublicAccessBlock",
        "GetBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
        "GetAccelerateConfiguration",
        "GetBucketNotification",
        "GetBucketLifecycle",
        "GetBucketObjectLockConfiguration",
    ]
    for record in records:
        assert re.fullmatch(r"\[Boto3/.+\]", record["userAgent"]), record["userAgent"]
    # Its requests have ids in capitals, by which it is found all the same.
    record = told(history, listed)
    assert (record["eventName"], record["requestParameters"]["list-type"]) == ("ListObjects", "2")
    objects = history.resource("S3::Object", f"arn:aws:s3:::{bucket}/a/")
    assert record["resources"] == [objects, history.resource("S3::Bucket", f"arn:aws:s3:::{bucket}")]


def test_trails(history, s3, bucket):
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    arn = f"arn:aws:s3:::{bucket}"
    statements = [
        {**service, "Action": "s3:GetBucketAcl", "Resource": arn},
        {**service, "Action": "s3:PutObject", "Resource": f"{arn}/AWSLogs/{history.account}/*"},
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    trails, name = history.cloudtrail, "ExampleTrail"
    asked = {"S3BucketName": bucket, "IncludeGlobalServiceEvents": True, "IsMultiRegionTrail": True}
    trail_arn = trails.create_trail(Name=name, **asked)["TrailARN"]
    of_trail = resource_of(history, "CloudTrail::Trail", trail_arn)
    parameters = {
        "name": name,
        "s3BucketName": bucket,
        "includeGlobalServiceEvents": True,
        "isMultiRegionTrail": True,
    }
    answer = {
        **parameters,
        "trailARN": trail_arn,
        "logFileValidationEnabled": False,
        "isOrganizationTrail": False,
    }
    assert shown(history.last("CreateTrail")) == changed(parameters, answer, **of_trail)
    trails.start_logging(Name=name)
    assert shown(history.last("StartLogging")) == changed({"name": name}, **of_trail)
    selectors = [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": False, "DataResources": []}]
    trails.put_event_selectors(TrailName=name, EventSelectors=selectors)
    selector = {"readWriteType": "ReadOnly", "includeManagementEvents": False, "dataResources": []}
    answer = {"trailARN": trail_arn, "eventSelectors": [{**selector, "excludeManagementEventSources": []}]}
    parameters = {"trailName": name, "eventSelectors": [selector]}
    assert shown(history.last("PutEventSelectors")) == changed(parameters, answer, **of_trail)
    trails.stop_logging(Name=name)
    assert shown(history.last("StopLogging")) == changed({"name": name}, **of_trail)
    trails.delete_trail(Name=name)
    assert shown(history.last("DeleteTrail")) == changed({"name": name}, **of_trail)


def test_trails_choose_calls_on_what_is_in_a_bucket(fresh_node):
    """Also those that name no object: lists, and deletions of many at once."""
    s3, trails = sdk.client(fresh_node, "s3"), sdk.client(fresh_node, "cloudtrail")
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    arns = ["arn:aws:s3:::evidence", "arn:aws:s3:::evidence/*"]
    statement = {**service, "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": arns}
    for name in ["evidence", "watched", "other"]:
        s3.create_bucket(Bucket=name)
    document = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="evidence", Policy=json.dumps(document))
    trails.create_trail(Name="data-events", S3BucketName="evidence")
    chosen = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::watched/"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": [chosen]}
    trails.put_event_selectors(TrailName="data-events", EventSelectors=[selector])
    trails.start_logging(Name="data-events")
    for name in ["watched", "other"]:
        s3.head_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="a/b", Body=b"x")
        s3.list_objects_v2(Bucket=name, Prefix="a/")
        s3.list_object_versions(Bucket=name)
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a/b"}]})
    development.advance(fresh_node, hours=1)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="evidence")["Contents"] if one["Key"].endswith(".json.gz")]
    bodies = [gzip.decompress(s3.get_object(Bucket="evidence", Key=key)["Body"].read()) for key in keys]
    records = [record for body in bodies for record in json.loads(body)["Records"]]
    assert {record["requestParameters"]["bucketName"] for record in records} == {"watched"}
    names = sorted(record["eventName"] for record in records)
    assert names == ["DeleteObjects", "HeadBucket", "ListObjectVersions", "ListObjects", "PutObject"]
    first = {record["eventName"]: record["resources"][0]["ARN"] for record in records}
    assert first["ListObjects"] == "arn:aws:s3:::watched/a/"
    assert first["ListObjectVersions"] == first["DeleteObjects"] == "arn:aws:s3:::watched/"


def test_topics(history):
    sns = history.as_root("sns")
    topic = sns.create_topic(Name="exampletopic")["TopicArn"]
    of_topic = resource_of(history, "SNS::Topic", topic)
    made = changed({"name": "exampletopic"}, {"topicArn": topic}, **of_topic)
    assert shown(history.last("CreateTopic")) == made
    sns.list_topics()
    assert shown(history.last("ListTopics")) == read(None)
    sns.delete_topic(TopicArn=topic)
    assert shown(history.last("DeleteTopic")) == changed({"topicArn": topic}, **of_topic)


def test_alarms(history):
    cloudwatch = history.as_root("cloudwatch")
    cloudwatch.put_metric_alarm(
        Threshold=50.0,
        Period=60,
        MetricName="CloudTrail Test",
        EvaluationPeriods=3,
        ComparisonOperator="GreaterThanThreshold",
        Namespace="AWS/CloudWatch",
        AlarmName="CloudTrail Test Alarm",
        Statistic="Sum",
    )
    arn = f"arn:aws:cloudwatch:us-east-1:{history.account}:alarm:CloudTrail Test Alarm"
    of_alarm = resource_of(history, "CloudWatch::Alarm", arn)
    parameters = {
        "threshold": 50.0,
        "period": 60,
        "metricName": "CloudTrail Test",
        "evaluationPeriods": 3,
        "comparisonOperator": "GreaterThanThreshold",
        "namespace": "AWS/CloudWatch",
        "alarmName": "CloudTrail Test Alarm",
        "statistic": "Sum",
    }
    record = history.last("PutMetricAlarm")
    assert record["eventSource"] == "monitoring.amazonaws.com"
    assert shown(record) == changed(parameters, **of_alarm)
    cloudwatch.delete_alarms(AlarmNames=["CloudTrail Test Alarm"])
    assert shown(history.last("DeleteAlarms")) == changed({"alarmNames": ["CloudTrail Test Alarm"]}, **of_alarm)


def test_log_groups(history):
    logs = history.as_root("logs")
    of_version = {"apiVersion": "20140328"}
    logs.create_log_group(logGroupName="secure")
    record = history.last("CreateLogGroup")
    assert record["eventSource"] == "logs.amazonaws.com"
    assert shown(record) == changed({"logGroupName": "secure"}, **of_version)
    logs.create_log_stream(logGroupName="secure", logStreamName="one")
    named = {"logGroupName": "secure", "logStreamName": "one"}
    assert shown(history.last("CreateLogStream")) == changed(named, **of_version)
    logs.put_retention_policy(logGroupName="secure", retentionInDays=30)
    parameters = {"logGroupName": "secure", "retentionInDays": 30}
    assert shown(history.last("PutRetentionPolicy")) == changed(parameters, **of_version)
    logs.describe_log_groups()
    assert shown(history.last("DescribeLogGroups")) == read(None, **of_version)
    logs.delete_log_group(logGroupName="secure")
    assert shown(history.last("DeleteLogGroup")) == changed({"logGroupName": "secure"}, **of_version)


def told(history, request_id: str) -> dict:
    """The record of a call, as whoever runs the server sees it: data events are in no event history."""
    command = ["explain", "--data-dir", str(history.node.data), "--request-id", request_id, "--json"]
    done = run(history.node.program, *command)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["event"]


def test_messages_are_data_events_that_hide_what_is_said(history):
    sns = history.as_root("sns")
    topic = sns.create_topic(Name="ExampleSNSTopic")["TopicArn"]
    attributes = {"a": {"DataType": "String", "StringValue": "b"}}
    sent = sns.publish(TopicArn=topic, Message="attack at dawn", Subject="war", MessageAttributes=attributes)
    record = told(history, sent["ResponseMetadata"]["RequestId"])
    assert (record["managementEvent"], record["eventCategory"]) == (False, "Data")
    record |= {"managementEvent": True, "eventCategory": "Management"}
    parameters = {"topicArn": topic, "message": HIDDEN, "subject": HIDDEN, "messageAttributes": HIDDEN}
    of_topic = resource_of(history, "SNS::Topic", topic)
    wanted = changed(parameters, {"messageId": sent["MessageId"]}, **of_topic)
    assert shown(record) == wanted
    assert history.all("Publish") == []
