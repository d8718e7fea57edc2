"""Roles for those for whom an OpenID Connect provider vouches, with the AWS CLI and boto3 as they are."""

import json

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from rig import sdk
from rig.policy import document, managed
from rig.provider import AUDIENCE, Provider

READ_ONLY = managed("ReadOnlyAccess")


@pytest.fixture
def provider(tmp_path):
    provider = Provider(tmp_path)
    yield provider
    provider.close()


@pytest.fixture
def tls_provider(tmp_path):
    provider = Provider(tmp_path, tls=True)
    yield provider
    provider.close()


@pytest.fixture
def iam(node, account):
    return sdk.client(node, "iam", access_key_id=account)


def trusting(iam, provider, *actions: str, thumbprints: tuple[str, ...] = ()) -> tuple[str, str]:
    """The account knows the provider, and has a role for its job 7: both ARNs."""
    arn = iam.create_open_id_connect_provider(
        Url=provider.issuer, ClientIDList=[AUDIENCE], ThumbprintList=list(thumbprints)
    )["OpenIDConnectProviderArn"]
    conditions = {f"{provider.host}:aud": AUDIENCE, f"{provider.host}:sub": "job:7"}
    trust = document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": arn},
            "Action": ["sts:AssumeRoleWithWebIdentity", *actions],
            "Condition": {"StringEquals": conditions},
        }
    )
    role = iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="deploy", PolicyArn=READ_ONLY)
    return arn, role


def nobody(node):
    """STS for somebody without credentials."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, proxies={})
    session = boto3.session.Session(region_name="us-east-1")
    return session.client("sts", endpoint_url=node.endpoint, config=config)


def test_the_cli_gets_a_role_whoever_calls(aws, iam, provider, account):
    arn, role = trusting(iam, provider)
    given = aws.with_(access_key_id="AKIAUNKNOWN", secret_access_key="wrong")(
        *("sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name", "build"),
        *("--web-identity-token", provider.token()),
    )
    assert given["Provider"] == arn
    assert (given["Audience"], given["SubjectFromWebIdentityToken"]) == (AUDIENCE, "job:7")
    session = aws.as_(given["Credentials"])
    identity = session("sts", "get-caller-identity")
    assert identity["Arn"] == f"arn:aws:sts::{account}:assumed-role/deploy/build"
    session("kms", "list-keys")
    assert session.refused("kms", "create-key").code == "AccessDeniedException"


def test_boto3_finds_role_and_token_by_itself(node, iam, provider, account, tmp_path, monkeypatch):
    _, role = trusting(iam, provider)
    file = tmp_path / "token"
    file.write_text(provider.token())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ROLE_ARN", role)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "pod")
    monkeypatch.setenv("AWS_ENDPOINT_URL", node.endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "*")
    session = boto3.session.Session(region_name="us-east-1")
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/deploy/pod")
    assert session.client("kms").list_keys()["Keys"] == []


def test_what_does_not_count(node, iam, provider):
    _, role = trusting(iam, provider)
    sts = nobody(node)

    def refused(token: str, code: str, role: str = role):
        with sdk.refused(code) as refusal:
            sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="build", WebIdentityToken=token)
        return refusal.message

    unauthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    assert refused(provider.token(sub="job:8"), "AccessDenied") == unauthorized
    assert refused(provider.token(), "AccessDenied", role + "-none") == unauthorized
    assert refused(provider.token(aud="others"), "InvalidIdentityToken") == "Incorrect token audience"
    assert refused(provider.token(exp=1_500_000_000), "ExpiredTokenException").startswith("Token expired: current")
    other = "https://idp.example.com"
    assert refused(provider.token(iss=other), "InvalidIdentityToken") == (
        f"No OpenIDConnect provider found in your account for {other}"
    )
    head, said, signature = provider.token().split(".")
    forged = ".".join((head, provider.token(sub="job:7", admin=True).split(".")[1], signature))
    refused(forged, "InvalidIdentityToken")
    refused(f"{head}.{said}.", "InvalidIdentityToken")
    refused("an access token", "InvalidIdentityToken")
    with sdk.refused("AccessDenied"):
        sts.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="build",
            WebIdentityToken=provider.token(**{"https://aws.amazon.com/tags": {"principal_tags": {"a": ["b"]}}}),
        )


def test_only_what_aws_takes_unsigned_is_let_through(node, account):
    sts = nobody(node)
    role = f"arn:aws:iam::{account}:role/none"
    with sdk.refused("NotImplemented"):
        provider = f"arn:aws:iam::{account}:saml-provider/none"
        sts.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion="PHNhbWw+")
    with sdk.refused("MissingAuthenticationToken"):
        sts.get_caller_identity()
    with sdk.refused("MissingAuthenticationToken"):
        sts.assume_role(RoleArn=role, RoleSessionName="build")


def test_records_name_who_it_was(node, iam, provider, account):
    arn, role = trusting(iam, provider)
    sts = nobody(node)
    token = provider.token()
    sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="build", WebIdentityToken=token)
    with sdk.refused("InvalidIdentityToken"):
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="build", WebIdentityToken="forged")
    trail = sdk.client(node, "cloudtrail", access_key_id=account)
    looked_up = trail.lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}]
    )["Events"]
    # The forged token names nobody: strangers write into nobody's record.
    (event,) = (json.loads(event["CloudTrailEvent"]) for event in looked_up)
    assert event["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{arn}:{AUDIENCE}:job:7",
        "userName": "job:7",
        "identityProvider": arn,
    }
    assert event["requestParameters"]["roleArn"] == role
    assert event["responseElements"]["provider"] == arn
    assert event["resources"] == [{"accountId": account, "type": "AWS::IAM::Role", "ARN": role}]
    assert token not in json.dumps(event)


def test_https_is_trusted_by_thumbprint(node, account, tls_provider):
    provider = tls_provider
    iam = sdk.client(node, "iam", access_key_id=account)
    arn, role = trusting(iam, provider, thumbprints=("0" * 40,))
    sts = nobody(node)
    asked = {"RoleArn": role, "RoleSessionName": "build", "WebIdentityToken": provider.token()}
    with sdk.refused("IDPCommunicationError"):
        sts.assume_role_with_web_identity(**asked)
    assert provider.asked == [], "nothing is asked of somebody who is not trusted"
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=[provider.thumbprint])
    given = sts.assume_role_with_web_identity(**asked)
    assert given["Provider"] == arn
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
