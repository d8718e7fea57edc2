"""What policies would decide, with the AWS CLI: the simulation says what a call is then told."""

import pytest

from rig import sdk
from rig.policy import allow, deny, document, managed


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


@pytest.fixture
def alice(aws, iam):
    """The CLI as a user with one of AWS's policies."""
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=managed("AWSKeyManagementServicePowerUser"))
    return aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])


def test_a_principal_is_simulated_as_it_is_then_served(aws, account, alice, key):
    arn = f"arn:aws:iam::{account}:user/alice"
    simulate = ["iam", "simulate-principal-policy", "--policy-source-arn", arn]
    actions = ["kms:DescribeKey", "kms:Encrypt", "kms:ListKeys", "iam:ListUsers", "iam:GetUser"]
    simulated = aws(*simulate, "--action-names", *actions)
    decisions = {one["EvalActionName"]: one["EvalDecision"] for one in simulated["EvaluationResults"]}
    calls = {
        "kms:DescribeKey": ["kms", "describe-key", "--key-id", key["KeyId"]],
        "kms:Encrypt": ["kms", "encrypt", "--key-id", key["KeyId"], "--plaintext", "YQ=="],
        "kms:ListKeys": ["kms", "list-keys"],
        "iam:ListUsers": ["iam", "list-users"],
        "iam:GetUser": ["iam", "get-user"],
    }
    for action, call in calls.items():
        if decisions[action] == "allowed":
            alice(*call)
        else:
            assert decisions[action] == "implicitDeny"
            assert f"no identity-based policy allows the {action} action" in alice.refused(*call).message
    assert list(decisions.values()).count("allowed") == 3

    # Where the statement stands in the policy as the CLI shows it: behind the bracket, and behind the brace.
    [matched] = simulated["EvaluationResults"][0]["MatchedStatements"]
    assert matched["SourcePolicyId"] == "AWSKeyManagementServicePowerUser"
    assert (matched["StartPosition"], matched["EndPosition"]) == (
        {"Line": 3, "Column": 17},
        {"Line": 21, "Column": 6},
    )

    denied = aws(*simulate, "--action-names", "kms:ListKeys", "--policy-input-list", document(deny("kms:List*")))
    [result] = denied["EvaluationResults"]
    assert result["EvalDecision"] == "explicitDeny"
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == ["PolicyInputList.1"]


def test_a_policy_that_nobody_has_is_simulated(aws, key):
    letters = {"StringEquals": {"kms:EncryptionContext:purpose": "letters"}}
    text = document(allow("kms:Decrypt", key["Arn"], Condition=letters))
    keys = aws("iam", "get-context-keys-for-custom-policy", "--policy-input-list", text)
    assert keys["ContextKeyNames"] == ["kms:EncryptionContext:purpose"]
    simulate = ["iam", "simulate-custom-policy", "--policy-input-list", text, "--action-names", "kms:Decrypt"]
    stated = "ContextKeyName=kms:EncryptionContext:purpose,ContextKeyValues=letters,ContextKeyType=string"
    [result] = aws(*simulate, "--resource-arns", key["Arn"])["EvaluationResults"]
    [specific] = result["ResourceSpecificResults"]
    assert (result["EvalDecision"], specific["EvalResourceDecision"]) == ("implicitDeny", "implicitDeny")
    assert specific["MissingContextValues"] == keys["ContextKeyNames"]
    [result] = aws(*simulate, "--resource-arns", key["Arn"], "--context-entries", stated)["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert result["EvalDecisionDetails"] == {}


def test_every_page_of_a_long_simulation_comes(aws):
    actions = [f"kms:Action{number}" for number in range(230)]
    simulated = aws(
        "iam", "simulate-custom-policy", "--policy-input-list", document(allow("kms:*")), "--action-names", *actions
    )
    assert [one["EvalActionName"] for one in simulated["EvaluationResults"]] == actions


def test_awss_policies_are_listed_and_shown(aws, iam):
    listed = aws("iam", "list-policies", "--scope", "AWS")["Policies"]
    assert {"AdministratorAccess", "ReadOnlyAccess"} < {policy["PolicyName"] for policy in listed}
    for policy in listed:
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        assert version["PolicyVersion"]["Document"]["Version"] == "2012-10-17"
