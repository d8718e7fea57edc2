"""IAM with the AWS CLI and boto3, over the wire."""

import json

import pytest

from rig import authenticator, sdk
from rig.policy import allow, document, root, trust
from rig.sdk import refused

POLICY = document(allow("kms:*"))

OWN = "arn:aws:iam::*:user/${aws:username}"
"""The user himself, in a policy ("AWS: Allows IAM users to manage their own credentials")."""


@pytest.fixture
def iam(node, account):
    """boto3's IAM client in the test's own account."""
    return sdk.client(node, "iam", access_key_id=account)


def test_users_and_groups_with_the_cli(aws, account):
    def iam(command, *more):
        return aws("iam", *command.split(), *more)

    user = iam("create-user --user-name alice --path /people/ --tags Key=team,Value=keys")["User"]
    assert user["Arn"] == f"arn:aws:iam::{account}:user/people/alice"
    assert iam("get-user --user-name alice")["User"]["Tags"] == [{"Key": "team", "Value": "keys"}]
    iam("create-group --group-name admins")
    iam("add-user-to-group --group-name admins --user-name alice")
    assert [one["UserName"] for one in iam("get-group --group-name admins")["Users"]] == ["alice"]
    iam("put-group-policy --group-name admins --policy-name p --policy-document", POLICY)
    shown = iam("get-group-policy --group-name admins --policy-name p")
    assert shown["PolicyDocument"] == json.loads(POLICY)
    key = iam("create-access-key --user-name alice")["AccessKey"]
    assert key["Status"] == "Active"
    assert len(key["SecretAccessKey"]) == 40
    iam(f"update-access-key --user-name alice --access-key-id {key['AccessKeyId']} --status Inactive")
    listed = iam("list-access-keys --user-name alice")["AccessKeyMetadata"]
    assert [(one["AccessKeyId"], one["Status"]) for one in listed] == [(key["AccessKeyId"], "Inactive")]
    used = iam(f"get-access-key-last-used --access-key-id {key['AccessKeyId']}")
    assert used == {"UserName": "alice", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    summary = iam("get-account-summary")["SummaryMap"]
    assert (summary["Users"], summary["Groups"]) == (1, 1)


def test_roles_and_managed_policies(iam, account):
    role = iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust(root(account)))["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(trust(root(account)))
    assert iam.get_role(RoleName="auditor")["Role"]["MaxSessionDuration"] == 3600
    arn = iam.create_policy(PolicyName="keys", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="auditor", PolicyArn=arn)
    iam.attach_role_policy(RoleName="auditor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    pages = iam.get_paginator("list_attached_role_policies").paginate(
        RoleName="auditor", PaginationConfig={"PageSize": 1}
    )
    names = [policy["PolicyName"] for page in pages for policy in page["AttachedPolicies"]]
    assert names == ["AdministratorAccess", "keys"]
    with refused("DeleteConflict") as refusal:
        iam.delete_policy(PolicyArn=arn)
    assert refusal.status == 409
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(POLICY)
    details = iam.get_account_authorization_details(Filter=["Role"])
    assert [one["RoleName"] for one in details["RoleDetailList"]] == ["auditor"]


def test_refusals_have_their_codes_and_statuses(iam):
    iam.create_user(UserName="a")
    with refused("EntityAlreadyExists") as refusal:
        iam.create_user(UserName="A")
    assert (refusal.status, refusal.message) == (409, "User with name A already exists.")
    with refused("NoSuchEntity") as refusal:
        iam.get_user(UserName="b")
    assert (refusal.status, refusal.message) == (404, "The user with name b cannot be found.")
    with refused("MalformedPolicyDocument") as refusal:
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{")
    assert (refusal.status, refusal.message) == (400, "Syntax errors in policy.")
    with refused("PasswordPolicyViolation") as refusal:
        iam.create_login_profile(UserName="a", Password="short")
    assert (refusal.status, refusal.message) == (400, "Password should have a minimum length of 8")
    with refused("ValidationError") as refusal:
        iam.create_user(UserName="no spaces")
    assert refusal.status == 400


def test_a_second_factor_is_made_and_enabled(iam):
    iam.create_user(UserName="a")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed = made["Base32StringSeed"]
    assert len(seed) == 64
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    serial = made["SerialNumber"]
    wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    with refused("InvalidAuthenticationCode") as refusal:
        iam.enable_mfa_device(UserName="a", SerialNumber=serial, **wrong)
    assert (refusal.status, refusal.message) == (403, "Authentication code for device is not valid.")
    authenticator.show_two_codes(iam.enable_mfa_device, "a", serial, seed)
    assert [one["SerialNumber"] for one in iam.list_mfa_devices(UserName="a")["MFADevices"]] == [serial]


def test_calls_are_recorded_in_the_home_region(node, account):
    iam = sdk.client(node, "iam", access_key_id=account, region="eu-central-1")
    iam.create_user(UserName="a")
    key = iam.create_access_key(UserName="a")["AccessKey"]
    events = {}
    for region in ["us-east-1", "eu-central-1"]:
        trail = sdk.client(node, "cloudtrail", access_key_id=account, region=region)
        source = {"AttributeKey": "EventSource", "AttributeValue": "iam.amazonaws.com"}
        found = trail.lookup_events(LookupAttributes=[source])
        events[region] = [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]
    assert events["eu-central-1"] == []
    assert [event["eventName"] for event in events["us-east-1"]] == ["CreateAccessKey", "CreateUser"]
    made = events["us-east-1"][0]
    assert made["awsRegion"] == "us-east-1"
    assert made["responseElements"]["accessKey"]["accessKeyId"] == key["AccessKeyId"]
    assert key["SecretAccessKey"] not in json.dumps(made)


def test_a_user_who_signs_manages_himself(aws, iam, account):
    for name in ["alice", "bob"]:
        iam.create_user(UserName=name)
    own = document(allow(["iam:*AccessKey*", "iam:GetUser", "iam:ListMFADevices"], OWN))
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=own)
    alice = aws.as_(iam.create_access_key(UserName="alice")["AccessKey"])
    assert alice("iam", "get-user")["User"]["UserName"] == "alice"
    assert alice("iam", "list-mfa-devices")["MFADevices"] == []
    second = alice("iam", "create-access-key")["AccessKey"]
    assert second["UserName"] == "alice"
    assert len(alice("iam", "list-access-keys")["AccessKeyMetadata"]) == 2
    # The new key signs at once, and turns the old one off.
    again = aws.as_(second)
    old = ["--access-key-id", alice.access_key_id]
    again("iam", "update-access-key", *old, "--status", "Inactive")
    assert alice.refused("iam", "get-user").code == "InvalidClientTokenId"
    again("iam", "delete-access-key", *old)
    refusal = again.refused("iam", "create-access-key", "--user-name", "bob")
    assert (refusal.code, refusal.message) == (
        "AccessDenied",
        f"User: arn:aws:iam::{account}:user/alice is not authorized to perform: iam:CreateAccessKey on resource: "
        f"arn:aws:iam::{account}:user/bob because no identity-based policy allows the iam:CreateAccessKey action",
    )


def test_whoever_delegates_under_a_boundary_gives_no_more(aws, iam):
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=POLICY)["Policy"]["Arn"]
    under = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    delegate = document(allow(["iam:CreateUser", "iam:PutUserPolicy"], Condition=under))
    iam.create_user(UserName="lead")
    iam.put_user_policy(UserName="lead", PolicyName="delegate", PolicyDocument=delegate)
    lead = aws.as_(iam.create_access_key(UserName="lead")["AccessKey"])
    create = ["iam", "create-user", "--user-name", "junior"]
    assert lead.refused(*create).code == "AccessDenied"
    assert lead(*create, "--permissions-boundary", bound)["User"]["UserName"] == "junior"
    put = ["iam", "put-user-policy", "--policy-name", "p", "--policy-document", POLICY, "--user-name"]
    lead(*put, "junior")
    assert lead.refused(*put, "lead").code == "AccessDenied"
    # The boundary is a condition on tags too: whoever may create may not tag.
    refusal = lead.refused(*create, "--permissions-boundary", bound, "--tags", "Key=team,Value=keys")
    assert "iam:TagUser" in refusal.message


def test_providers_of_identities(aws, account):
    url = "https://token.example.com/tenant"
    create = ["iam", "create-open-id-connect-provider", "--url", url, "--client-id-list", "app"]
    arn = aws(*create)["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{account}:oidc-provider/token.example.com/tenant"
    named = ["--open-id-connect-provider-arn", arn]
    aws("iam", "add-client-id-to-open-id-connect-provider", *named, "--client-id", "other")
    provider = aws("iam", "get-open-id-connect-provider", *named)
    assert (provider["Url"], provider["ClientIDList"]) == (url.removeprefix("https://"), ["app", "other"])
    assert aws("iam", "list-open-id-connect-providers")["OpenIDConnectProviderList"] == [{"Arn": arn}]
    refusal = aws.refused(*create)
    assert (refusal.code, refusal.message) == (
        "EntityAlreadyExists",
        f"Provider with url {url} already exists.",
    )
    aws("iam", "delete-open-id-connect-provider", *named)
    assert aws.refused("iam", "get-open-id-connect-provider", *named).code == "NoSuchEntity"
