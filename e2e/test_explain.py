"""Why a call was refused: `strongroom explain` and `strongroom audit denied`, beside the server that refused it."""

import json
import re

import pytest

from rig import policy, sdk
from rig.node import Node, run

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def alice(node, iam):
    """A KMS client of a user who may do nothing yet."""
    iam.create_user(UserName="alice")
    given = iam.create_access_key(UserName="alice")["AccessKey"]
    return sdk.client(node, "kms", access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])


def explain(node, *arguments: str):
    return run(node.program, "explain", "--data-dir", str(node.data), *arguments)


def explained(node, request_id: str) -> str:
    done = explain(node, "--request-id", request_id)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def denied(node, *arguments: str) -> str:
    done = run(node.program, "audit", "denied", "--data-dir", str(node.data), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused_decrypts(node, account: str) -> list[dict]:
    alice = f"arn:aws:iam::{account}:user/alice"
    return [found for found in json.loads(denied(node, "--json")) if found["principal"] == alice]


def test_a_refusal_is_explained_layer_by_layer(node, account, iam, alice, key):
    condition = {"StringEquals": {"kms:EncryptionContext:tenant": ["blue", "green"]}}
    statements = [
        policy.allow("s3:*"),
        policy.allow("ec2:*"),
        policy.allow("kms:Encrypt", Sid="OfTheTenant", Condition=condition),
    ]
    iam.put_user_policy(UserName="alice", PolicyName="tenants", PolicyDocument=policy.document(*statements))
    with sdk.refused("AccessDeniedException") as refused:
        alice.encrypt(KeyId=key["Arn"], Plaintext=b"x", EncryptionContext={"tenant": "red"})
    said = explained(node, refused.request_id)
    arn = f"arn:aws:iam::{account}:user/alice"
    assert re.search(r"^call +kms:Encrypt in us-east-1, 20\d\d-", said, re.MULTILINE), said
    assert f"request  {refused.request_id}\n" in said
    assert re.search(rf"^caller +{arn}, access key AKIA\w+, from 127.0.0.1$", said, re.MULTILINE), said
    assert f"outcome  AccessDenied: {refused.message}\n" in said
    assert f"\nkms:Encrypt on {key['Arn']} by {arn}\n" in said
    assert "\nresource-based policy" in said
    assert '[0] Allow (Sid "Enable IAM User Permissions"): applies, to the account\n' in said
    assert '\nidentity-based policy "tenants of user alice"\n  [0-1]: are about other actions\n' in said
    assert (
        '  [2] Allow (Sid "OfTheTenant"): the condition StringEquals kms:EncryptionContext:tenant [blue, green] '
        "does not hold: the request has [red]\n"
    ) in said
    assert said.endswith("\n=> not allowed: no identity-based policy allows it\n"), said


def test_an_explicit_deny_names_its_statement(node, account, iam, alice, key):
    iam.put_user_policy(
        UserName="alice",
        PolicyName="most",
        PolicyDocument=policy.document(policy.allow("kms:*"), policy.deny("kms:DisableKey", Sid="Never")),
    )
    with sdk.refused("AccessDeniedException") as refused:
        alice.disable_key(KeyId=key["Arn"])
    said = explained(node, refused.request_id)
    assert '  [1] Deny (Sid "Never"): applies\n' in said
    assert said.endswith('=> denied by statement 1 of "most of user alice" (identity-based policy)\n'), said


def test_programs_read_the_event_and_the_decisions(node, account, alice):
    with sdk.refused("AccessDeniedException") as refused:
        alice.list_keys()
    done = explain(node, "--request-id", refused.request_id.upper(), "--json")
    told = json.loads(done.stdout)
    assert told["event"]["requestID"] == refused.request_id
    assert told["event"]["errorCode"] == "AccessDenied"
    (decision,) = told["decisions"]
    assert decision["version"] == 1
    assert decision["trace"]["allowed"] is False
    assert decision["trace"]["policies"] == [{"layer": "identity", "statements": []}]


def test_callers_see_nothing_of_the_decision(node, account, alice, cloudtrail):
    with sdk.refused("AccessDeniedException") as refused:
        alice.list_keys()
    attributes = [{"AttributeKey": "Username", "AttributeValue": "alice"}]
    (event,) = cloudtrail.lookup_events(LookupAttributes=attributes)["Events"]
    assert refused.request_id in event["CloudTrailEvent"]
    assert "decision" not in event["CloudTrailEvent"]
    assert "there is none" not in event["CloudTrailEvent"]


def test_what_no_policy_refused_is_said_to_be_so(node, kms, key):
    kms.disable_key(KeyId=key["KeyId"])
    with sdk.refused("DisabledException") as refused:
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    said = explained(node, refused.request_id)
    assert "outcome  DisabledException: " in said
    assert "It was not refused by a policy" in said
    done = kms.describe_key(KeyId=key["KeyId"])
    said = explained(node, done["ResponseMetadata"]["RequestId"])
    assert "outcome  done\n" in said
    assert "It was allowed. How decisions were made is kept of refused calls" in said


def test_what_is_not_found_says_where_to_look(node, tmp_path):
    done = explain(node, "--request-id", UNKNOWN)
    assert done.returncode == 1
    assert f"no call with request id {UNKNOWN} is in {node.data / 'journal'}" in done.stderr
    assert "--data-dir" in done.stderr
    done = run(node.program, "explain", "--data-dir", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "there is no journal in" in done.stderr


def test_without_an_id_it_is_the_last_refused_call(fresh_node):
    """Of anybody's: nobody else is refused anything by this server."""
    iam = sdk.client(fresh_node, "iam")
    iam.create_user(UserName="alice")
    given = iam.create_access_key(UserName="alice")["AccessKey"]
    own = {"access_key_id": given["AccessKeyId"], "secret_access_key": given["SecretAccessKey"]}
    alice = sdk.client(fresh_node, "kms", **own)
    for call in (alice.list_keys, alice.list_aliases):
        with sdk.refused("AccessDeniedException") as refused:
            call()
    done = explain(fresh_node)
    assert f"request  {refused.request_id}\n" in done.stdout


def test_refused_calls_are_counted_by_principal_and_action(node, account, alice, key):
    for _ in range(3):
        with sdk.refused("AccessDeniedException") as refused:
            alice.describe_key(KeyId=key["Arn"])
    with sdk.refused("AccessDeniedException"):
        alice.list_keys()
    counted = refused_decrypts(node, account)
    assert [(found["action"], found["calls"]) for found in counted] == [("kms:DescribeKey", 3), ("kms:ListKeys", 1)]
    assert counted[0]["lastRequestId"] == refused.request_id
    assert counted[0]["reason"] == "not allowed: no identity-based policy allows it"
    assert counted[0]["first"] <= counted[0]["last"]
    said = denied(node)
    listed = said.index(f"arn:aws:iam::{account}:user/alice\n")
    assert re.match(r".*\n +3 x kms:DescribeKey, last 20", said[listed:]), said[listed:]
    assert f"strongroom explain --request-id {refused.request_id}\n" in said
    assert json.loads(denied(node, "--json", "--since", "2100-01-01T00:00:00Z")) == []
    assert refused_decrypts(node, account) == counted
    recent = json.loads(denied(node, "--json", "--since", "1h"))
    assert counted[0] in recent
    done = run(node.program, "audit", "denied", "--since", "yesterday")
    assert done.returncode == 2
    assert "write a moment as" in done.stderr


def test_refusals_of_every_service_are_counted(node, account, iam):
    iam.create_user(UserName="carol")
    given = iam.create_access_key(UserName="carol")["AccessKey"]
    own = {"access_key_id": given["AccessKeyId"], "secret_access_key": given["SecretAccessKey"]}
    role = f"arn:aws:iam::{account}:role/absent"
    calls = {
        "cloudhsm:DescribeClusters": lambda: sdk.client(node, "cloudhsmv2", **own).describe_clusters(),
        "cloudtrail:LookupEvents": lambda: sdk.client(node, "cloudtrail", **own).lookup_events(),
        "ec2:DescribeVpcs": lambda: sdk.client(node, "ec2", **own).describe_vpcs(),
        "iam:ListUsers": lambda: sdk.client(node, "iam", **own).list_users(),
        "kms:ListKeys": lambda: sdk.client(node, "kms", **own).list_keys(),
        "sts:AssumeRole": lambda: sdk.client(node, "sts", **own).assume_role(RoleArn=role, RoleSessionName="carol"),
    }
    for call in calls.values():
        with sdk.refused():
            call()
    carol = f"arn:aws:iam::{account}:user/carol"
    counted = [found for found in json.loads(denied(node, "--json")) if found["principal"] == carol]
    assert {found["action"] for found in counted} == calls.keys()
    for found in counted:
        said = explained(node, found["lastRequestId"])
        assert f"=> {found['reason']}\n" in said


def test_a_server_can_be_told_to_explain_what_it_allows(program, tmp_path):
    node = Node(program, tmp_path, "--data-dir", str(tmp_path / "data"), "--explain-allowed").start()
    try:
        kms = sdk.client(node, "kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        done = kms.encrypt(KeyId=key, Plaintext=b"x")
        said = explained(node, done["ResponseMetadata"]["RequestId"])
        assert "outcome  done\n" in said
        assert said.endswith("=> allowed: root user\n") or "=> allowed by statement 0 of" in said, said
        assert denied(node) == "No call was refused.\n"
    finally:
        node.ensure_gone()
