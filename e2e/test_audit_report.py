"""The regular audit: what `strongroom audit report` finds in an account, and how it says so."""

import html.parser
import json
import os
import subprocess

import pytest

from rig import sdk

FINDINGS, SOUND_BUT_NOT_ALL_ASKED = 1, 2
"""Exit statuses of `audit report`, beside 0."""

EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}


@pytest.fixture
def report(node, account):
    """Runs the report as the account's root user, or as somebody else."""

    def run(*arguments: str, by: dict | None = None) -> subprocess.CompletedProcess:
        who = by or {"AccessKeyId": account, "SecretAccessKey": "test"}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ENDPOINT_URL": node.endpoint,
            "AWS_ACCESS_KEY_ID": who["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": who["SecretAccessKey"],
        }
        command = [node.program, "audit", "report", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        assert "panicked" not in done.stderr
        return done

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


def test_a_severity_decides_the_exit_status(node, account, report):
    client(node, account, "kms").create_key(
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**EVERYBODY, "Action": "kms:*"}]})
    )
    assert report("--fail-on", "high").returncode == FINDINGS
    text = report().stdout
    assert "No key policy allows everybody something: not so for 1 of 1   [key-policy-public]" in text
    assert "-> Name principals" in text


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
