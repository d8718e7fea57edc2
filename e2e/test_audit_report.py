"""The regular audit: what `strongroom audit report` finds in an account, and how it says so."""

import html.parser
import json
import os
import subprocess

import pytest

from rig import sdk
from rig.cluster import PASSWORD
from rig.node import PATIENCE

FINDINGS, SOUND_BUT_NOT_ALL_ASKED = 1, 2
"""Exit statuses of `audit report`, beside 0."""

EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}


def report_of(node, who: dict, *arguments: object, **more: str) -> subprocess.CompletedProcess:
    """Runs the report; `more` adds to its environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ENDPOINT_URL": node.endpoint,
        "AWS_ACCESS_KEY_ID": who["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": who["SecretAccessKey"],
        **more,
    }
    command = [node.program, "audit", "report", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)
    assert "panicked" not in done.stderr
    return done


@pytest.fixture
def report(node, account):
    """Runs the report as the account's root user, or as somebody else."""

    def run(*arguments: str, by: dict | None = None) -> subprocess.CompletedProcess:
        return report_of(node, by or {"AccessKeyId": account, "SecretAccessKey": "test"}, *arguments)

    return run


def findings(done: subprocess.CompletedProcess) -> dict[str, list[dict]]:
    """Findings by the check's name, of checks that have looked at something."""
    assert done.returncode in (0, FINDINGS, SOUND_BUT_NOT_ALL_ASKED), done.stderr
    return {one["name"]: one["findings"] for one in json.loads(done.stdout)["checks"] if one["examined"]}


def resources(found: list[dict]) -> list[str]:
    return [one["resource"] for one in found]


def client(node, account, service):
    return sdk.client(node, service, access_key_id=account)


def test_keys_are_looked_at_one_by_one(node, account, report):
    kms = client(node, account, "kms")
    made = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3)]
    still, turning, leaving = made
    kms.enable_key_rotation(KeyId=turning)
    kms.schedule_key_deletion(KeyId=leaving, PendingWindowInDays=7)
    found = findings(report("--format", "json"))
    assert resources(found["key-rotation"]) == [still]
    assert resources(found["key-pending-deletion"]) == [leaving]
    assert found["key-policy-public"] == found["key-policy-wide"] == found["key-unused"] == []


def test_wide_key_policies_are_named(node, account, report):
    kms = client(node, account, "kms")
    own = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
    to_all = {**EVERYBODY, "Sid": "Open"}
    bounded = {**EVERYBODY, "Condition": {"StringEquals": {"kms:CallerAccount": account}}}
    neighbour = {**own, "Sid": "Neighbour", "Principal": {"AWS": "444455556666"}}
    keys = {}
    for name, more in {"public": to_all, "bounded": bounded, "shared": neighbour}.items():
        policy = json.dumps({"Version": "2012-10-17", "Statement": [own, more]})
        keys[name] = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    found = findings(report("--format", "json"))
    assert resources(found["key-policy-public"]) == [keys["public"]]
    assert "statement Open" in found["key-policy-public"][0]["what"]
    assert resources(found["key-policy-wide"]) == [keys["shared"]]


def test_people_without_a_second_factor_and_wide_policies_are_named(node, account, report):
    iam = client(node, account, "iam")
    arn = iam.create_user(UserName="a,b")["User"]["Arn"]
    iam.create_login_profile(UserName="a,b", Password="correct horse battery 1A!")
    iam.create_access_key(UserName="a,b")
    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}
    iam.put_user_policy(UserName="a,b", PolicyName="all-keys", PolicyDocument=json.dumps(allow))
    iam.attach_user_policy(UserName="a,b", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    found = findings(report("--format", "json"))
    assert resources(found["user-mfa"]) == [arn]
    wide = {"arn:aws:iam::aws:policy/AdministratorAccess", f"{arn} (all-keys)"}
    assert set(resources(found["identity-policy-wide"])) == wide
    assert found["access-key-old"] == found["access-key-unused"] == []
    assert resources(found["root-mfa"]) == [f"arn:aws:iam::{account}:root"]


def test_who_may_read_nothing_is_told_what_was_not_asked(node, account, report):
    iam = client(node, account, "iam")
    iam.create_user(UserName="nobody")
    nobody = iam.create_access_key(UserName="nobody")["AccessKey"]
    done = report("--format", "json", by=nobody)
    assert done.returncode == SOUND_BUT_NOT_ALL_ASKED, done.stdout
    about = {one["about"]: one["why"] for one in json.loads(done.stdout)["notAsked"]}
    assert "AccessDenied" in about["keys"]
    assert "AccessDenied" in about["the credential report"]
    assert {"trails", "alarms", "HSM clusters", "custom key stores"} <= set(about)


def test_an_auditor_needs_no_more_than_to_read(node, account, report):
    iam = client(node, account, "iam")
    iam.create_user(UserName="auditor")
    iam.attach_user_policy(UserName="auditor", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    auditor = iam.create_access_key(UserName="auditor")["AccessKey"]
    client(node, account, "kms").create_key()
    whole = json.loads(report("--format", "json", by=auditor).stdout)
    assert whole["notAsked"] == []
    assert whole["caller"].endswith(":user/auditor")


def test_where_nobody_can_be_asked_there_is_no_report(node, account, report):
    """Status 1 would tell a job in CI that something was found."""
    for done in [
        report(by={"AccessKeyId": account, "SecretAccessKey": "wrong"}),
        report("--endpoint", "nonsense"),
        report("--endpoint", "http://127.0.0.1:1"),
        report("--hsm-ca-cert", "/nonexistent"),
        report("--format", "html", "--output", "/nonexistent/report.html"),
    ]:
        assert (done.returncode, done.stdout) == (SOUND_BUT_NOT_ALL_ASKED, ""), done.stderr
        assert done.stderr.startswith("strongroom: there is no report: ")


def test_a_severity_decides_the_exit_status(node, account, report):
    client(node, account, "kms").create_key(
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**EVERYBODY, "Action": "kms:*"}]})
    )
    assert report("--fail-on", "high").returncode == FINDINGS
    text = report().stdout
    assert "No key policy allows everybody something: not so for 1 of 1   [key-policy-public]" in text
    assert "-> Name principals" in text


def test_buckets_of_trails_are_looked_at(node, account, report):
    s3, cloudtrail = client(node, account, "s3"), client(node, account, "cloudtrail")
    bucket, arn = f"trails-of-{account}", f"arn:aws:s3:::trails-of-{account}"
    s3.create_bucket(Bucket=bucket)
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    statements = [
        {**service, "Action": "s3:GetBucketAcl", "Resource": arn},
        {**service, "Action": "s3:PutObject", "Resource": f"{arn}/AWSLogs/{account}/*"},
    ]

    def put_policy():
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    put_policy()
    for trail in ["one", "other"]:
        cloudtrail.create_trail(Name=trail, S3BucketName=bucket)
    found = findings(report("--format", "json"))
    assert resources(found["trail-bucket-versioned"]) == [arn]
    assert found["trail-bucket-private"] == found["trail-bucket-encrypted"] == []
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_public_access_block(Bucket=bucket)
    statements.append({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"})
    put_policy()
    found = findings(report("--format", "json"))
    assert found["trail-bucket-versioned"] == []
    assert [one["what"] for one in found["trail-bucket-private"]] == ["its policy lets everybody in"]


def test_what_hsms_alone_know_is_asked_of_them(cluster, alice, admin):
    node, root = cluster.aws.node, {"AccessKeyId": "test", "SecretAccessKey": "test"}
    about = f"the HSMs of {cluster.cluster_id}"

    def ask(*arguments: object, pin: str | None = None) -> dict:
        more = {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": pin} if pin else {}
        done = report_of(node, root, "--format", "json", *arguments, **more)
        assert done.returncode in (0, FINDINGS, SOUND_BUT_NOT_ALL_ASKED), done.stderr
        return json.loads(done.stdout)

    def unanswered(told: dict) -> list[str]:
        return [one["why"] for one in told["notAsked"] if one["about"] == about]

    def found(told: dict, check: str) -> dict[str, str]:
        (one,) = [one for one in told["checks"] if one["name"] == check]
        return {finding["resource"].removeprefix(cluster.cluster_id): finding["what"] for finding in one["findings"]}

    assert "not looked at" in unanswered(ask())[0]
    assert unanswered(ask("--without-hsms")) == []
    anchor = ["--hsm-ca-cert", cluster.authority.certificate]
    told = ask(*anchor)
    assert "CLOUDHSM_PIN" in unanswered(told)[0]
    assert found(told, "hsm-quorum") == {"": "one administrator alone may act: user, quorum"}

    pin = f"admin:{PASSWORD}"
    told = ask(*anchor, pin=pin)
    assert unanswered(told) == []
    assert found(told, "hsm-admin-mfa") == {" (admin)": "logs in with a password alone"}
    assert found(told, "hsm-trusted-keys") == {}
    alice.run("key", "generate-symmetric", "aes", "--label", "wraps", "--key-length-bytes", "32")
    trusted = ["--filter", "attr.label=wraps", "--name", "trusted", "--value"]
    admin.run("key", "set-attribute", *trusted, "true")
    try:
        assert found(ask(*anchor, pin=pin), "hsm-trusted-keys") == {" (alice)": "may use 1 trusted key"}
    finally:
        admin.run("key", "set-attribute", *trusted, "false")
        alice.run("key", "delete", "--filter", "attr.label=wraps")
    told = ask(*anchor, pin="admin:Wrong-password-1")
    assert len(unanswered(told)) == 1
    assert "Wrong-password-1" not in json.dumps(told)


class Page(html.parser.HTMLParser):
    """Sees whether a page needs anything beside itself."""

    def __init__(self):
        super().__init__()
        self.foreign, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        named = [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]
        self.foreign += named + [tag for tag in [tag] if tag in ("script", "link", "img", "iframe")]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_beside_itself_and_shows_names_as_text(node, account, report, tmp_path):
    iam = client(node, account, "iam")
    wide = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.create_user(UserName="wide")
    iam.put_user_policy(UserName="wide", PolicyName="a", PolicyDocument=json.dumps(wide))
    where = tmp_path / "report.html"
    done = report("--format", "html", "--output", str(where), "--by-tag", "<b>")
    assert done.returncode == FINDINGS
    assert "findings" in done.stderr
    page = Page()
    page.feed(where.read_text())
    assert page.foreign == []
    assert f"Audit of account {account}" in page.text
    assert "it allows everything" in page.text
