"""Public scanners of an account's posture read the endpoint as they read AWS: no errors, and its findings."""

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from rig import sdk

TOOLS = Path(__file__).parent.parent / ".venv/scanners/bin"

pytestmark = pytest.mark.slow

SERVICES = ["kms", "iam", "cloudtrail", "s3", "cloudwatch", "sns"]
"""What scanners are asked to look at. They read CloudWatch Logs as a part of CloudWatch and CloudTrail."""

NOT_OURS = re.compile(
    # S3 Control, which addresses an account by its name before the endpoint's, and Organizations are no services here.
    r"/v20180820/|DescribeOrganization operation"
    # The scanner's own list names a service that its own list of services does not have any more.
    r"|Service 'codestar' not found"
)
"""Errors that say nothing of what Strongroom answers."""


def allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def populate(node):
    """An account with one of everything, some of it careless."""

    def client(service):
        return sdk.client(node, service)

    account = client("sts").get_caller_identity()["Account"]
    tags = [{"Key": "team", "Value": "keys"}]

    kms = client("kms")
    still = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "keys"}])["KeyMetadata"]["KeyId"]
    turning = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=turning)
    kms.create_alias(AliasName="alias/still", TargetKeyId=still)

    iam = client("iam")
    trusting = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    iam.create_user(UserName="ann", Tags=tags)
    iam.create_login_profile(UserName="ann", Password="correct horse battery 1A!")
    iam.create_access_key(UserName="ann")
    iam.create_group(GroupName="keepers")
    iam.add_user_to_group(GroupName="keepers", UserName="ann")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusting]})
    iam.create_role(RoleName="runner", AssumeRolePolicyDocument=trust, Tags=tags)
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=allow("kms:*"))
    iam.put_group_policy(GroupName="keepers", PolicyName="own", PolicyDocument=allow("kms:Decrypt", "s3:GetObject"))
    iam.put_role_policy(RoleName="runner", PolicyName="own", PolicyDocument=allow("iam:PassRole"))
    wide = iam.create_policy(PolicyName="wide", PolicyDocument=allow("*"), Tags=tags)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="runner", PolicyArn=wide)
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")

    s3 = client("s3")
    for bucket in ["evidence", "plain"]:
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="evidence", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="plain", Tagging={"TagSet": tags})
    s3.put_object(Bucket="plain", Key="some", Body=b"thing")
    trail = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    may_look = {**trail, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::evidence"}
    may_write = {**trail, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::evidence/AWSLogs/{account}/*"}
    policy = {"Version": "2012-10-17", "Statement": [may_look, may_write]}
    s3.put_bucket_policy(Bucket="evidence", Policy=json.dumps(policy))

    cloudtrail = client("cloudtrail")
    of_all = {"IsMultiRegionTrail": True, "EnableLogFileValidation": True}
    cloudtrail.create_trail(Name="all", S3BucketName="evidence", TagsList=tags, **of_all)
    cloudtrail.start_logging(Name="all")

    topic = client("sns").create_topic(Name="alarms", Tags=tags)["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/nobody")
    client("cloudwatch").put_metric_alarm(
        AlarmName="key-use",
        Namespace="AWS/KMS",
        MetricName="KeyUsageCount",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
        Tags=tags,
    )
    logs = client("logs")
    logs.create_log_group(logGroupName="audit", tags={"team": "keys"})
    logs.create_log_stream(logGroupName="audit", logStreamName="one")
    logs.put_retention_policy(logGroupName="audit", retentionInDays=30)


@pytest.fixture
def scan(fresh_node, tmp_path):
    """Runs a scanner in the account, with whatever it needs in its environment and nothing of this machine's."""
    if not TOOLS.is_dir():
        pytest.fail(f"no environment in {TOOLS.parent}: make .venv/scanners/ready")
    populate(fresh_node)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": fresh_node.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        # What is refused once is refused always.
        "AWS_MAX_ATTEMPTS": "1",
    }

    def run(tool: str, *arguments: str, ends: int = 0) -> str:
        command = [TOOLS / tool, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == ends, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    return run


def assert_no_errors(lines: list[str]):
    errors = [line for line in lines if re.search(r"ERROR|CRITICAL", line) and not NOT_OURS.search(line)]
    assert errors == [], "\n".join(errors)


def test_prowler(scan, tmp_path):
    output = ["-M", "csv", "-o", "out", "-F", "report", "--log-level", "ERROR", "--log-file", "log"]
    scan("prowler", "aws", "--service", *SERVICES, "--region", "us-east-1", "--ignore-exit-code-3", *output)
    assert_no_errors((tmp_path / "log").read_text().splitlines())
    with (tmp_path / "out/report.csv").open() as report:
        found = list(csv.DictReader(report, delimiter=";"))
    assert {line["SERVICE_NAME"] for line in found} >= set(SERVICES)
    by_check = {}
    for line in found:
        by_check.setdefault(line["CHECK_ID"], set()).add(line["STATUS"])
    assert by_check["kms_cmk_rotation_enabled"] == {"PASS", "FAIL"}
    assert by_check["cloudtrail_multi_region_enabled"] == {"PASS"}
    assert by_check["cloudtrail_log_file_validation_enabled"] == {"PASS"}
    assert by_check["cloudtrail_kms_encryption_enabled"] == {"FAIL"}
    assert by_check["s3_bucket_object_versioning"] == {"PASS", "FAIL"}
    assert by_check["sns_topics_kms_encryption_at_rest_enabled"] == {"FAIL"}
    assert "FAIL" in by_check["iam_root_mfa_enabled"]
    assert "FAIL" in by_check["iam_user_mfa_enabled_console_access"]
    assert "PASS" in by_check["cloudwatch_alarm_actions_enabled"]


def test_scout_suite(scan, tmp_path):
    asked = ["--services", *SERVICES, "--regions", "us-east-1", "--no-browser", "--report-dir", "out"]
    # S3 Control is not there, and so not everything was read, which it says by its status.
    assert_no_errors(scan("scout", "aws", *asked, ends=200).splitlines())
    (results,) = (tmp_path / "out/scoutsuite-results").glob("scoutsuite_results_*.js")
    # A name that the page gives it, then the results.
    services = json.loads(results.read_text().split("\n", 1)[1])["services"]
    region = services["kms"]["regions"]["us-east-1"]
    assert {key["rotation_enabled"] for key in region["keys"].values()} == {True, False}
    assert [trail["name"] for trail in services["cloudtrail"]["regions"]["us-east-1"]["trails"].values()] == ["all"]
    assert {bucket["name"] for bucket in services["s3"]["buckets"].values()} == {"evidence", "plain"}
    assert "ann" in {user["name"] for user in services["iam"]["users"].values()}
    assert services["sns"]["regions"]["us-east-1"]["topics_count"] == 1
    assert services["cloudwatch"]["regions"]["us-east-1"]["alarms_count"] == 1


def test_cloudsplaining(scan, tmp_path):
    scan("cloudsplaining", "download", "--output", str(tmp_path))
    scan("cloudsplaining", "scan", "--skip-open-report", "--input-file", "default.json", "--output", str(tmp_path))
    findings = json.loads((tmp_path / "iam-findings-default.json").read_text())
    assert "wide" in json.dumps(findings)
