"""Who calls: keys to sign with, and connections that stay open."""

import http.client
import time
from dataclasses import dataclass, field

from matrix.world import OTHER_ACCOUNT, World
from rig import sdk, wire
from rig.authenticator import code, enable
from rig.node import PATIENCE, Node
from rig.policy import allow, deny, document, managed, root, trust

ADMINISTRATOR = managed("AdministratorAccess")


IDLE = 20.0
"""Seconds after which a connection is opened anew. The server closes after a minute those that nobody uses, perhaps
just as a call is made."""

TAGGING = ["cloudhsm:TagResource", "ec2:CreateTags", "iam:Tag*", "kms:TagResource", "sns:TagResource", "sts:TagSession"]

BESIDE = [
    ("security-group", "second-group"),
    ("security-group-rule", "rule"),
    ("subnet", "subnet"),
    ("vpc", "own-vpc"),
    ("vpc", "vpc"),
]
"""What of EC2's some calls name beside what they are about."""


@dataclass
class Caller:
    """One of the cast."""

    name: str
    account: str
    node: Node
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    connection: http.client.HTTPConnection = field(init=False)
    answered: float = 0.0
    """When it was answered last."""

    def __post_init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=PATIENCE)

    def send(self, call: wire.Request) -> wire.Answer:
        """Signs the call, makes it, and answers what comes back."""
        token = {"x-amz-security-token": self.session_token} if self.session_token else {}
        signed = call.with_(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            headers=call.headers | token,
        )
        headers = signed.signed(f"127.0.0.1:{self.node.port}")
        if time.monotonic() > self.answered + IDLE:
            self.connection.close()
        self.connection.request(call.method, call.target, call.body, headers)
        answer = self.connection.getresponse()
        body = answer.read()
        self.answered = time.monotonic()
        return wire.Answer(answer.status, answer.headers, body)

    @property
    def sts(self):
        """boto3's client for STS, as this caller."""
        return sdk.client(self.node, "sts", "us-east-1", self.access_key_id, self.secret_access_key)

    def session(self, name: str, made: dict) -> "Caller":
        """Whoever has the temporary credentials of this answer of STS's."""
        given = made["Credentials"]
        keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        return Caller(name, self.account, self.node, *keys)


class Users:
    """The users of an account."""

    def __init__(self, world: World, account: str, root_key: str):
        self.account = account
        self.node = world.node
        self.iam = world.client("iam", root_key)

    def known(self, name: str) -> Caller:
        """A user who is there already."""
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Caller(name, self.account, self.node, made["AccessKeyId"], made["SecretAccessKey"])

    def administrator(self, name: str, **more) -> Caller:
        """A new user with AdministratorAccess."""
        self.iam.create_user(UserName=name, **more)
        self.iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
        return self.known(name)


def assemble(world: World) -> list[Caller]:
    """Everybody, in the order of the sheets: of each account its root user first."""
    here = Users(world, world.account, "test")
    iam = here.iam
    admin = here.administrator("admin")
    # What is left of the administrator's permissions is KMS and STS.
    bounded = here.administrator("bounded", PermissionsBoundary=world.things["only-keys"])
    # Everything is denied without a second factor; keys have none.
    careful = here.administrator("careful")
    without = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    unless_mfa = document(deny("*", Condition=without))
    iam.put_user_policy(UserName="careful", PolicyName="mfa", PolicyDocument=unless_mfa)
    # What is tagged, or touched beside what a call is about.
    limited = here.administrator("limited")
    beside = [world.things[name] for name in ("alias-arn", "only-keys", "closed")]
    beside += [world.arn(f"{kind}/{world.things[name]}", "ec2") for kind, name in BESIDE]
    on_the_side = document(deny(TAGGING), deny("*", beside))
    iam.put_user_policy(UserName="limited", PolicyName="beside", PolicyDocument=on_the_side)
    serial, seed = enable(iam, "careful", "careful")
    ruler = iam.create_role(RoleName="ruler", AssumeRolePolicyDocument=trust(root(world.account)))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="ruler", PolicyArn=ADMINISTRATOR)
    only_iam = document(allow("iam:*"))
    reader = world.things["reader-role"]
    there = Users(world, OTHER_ACCOUNT, OTHER_ACCOUNT)
    return [
        Caller("root", world.account, world.node, "test", "test"),
        admin,
        here.known("nobody"),
        here.known("named"),
        here.known("grantee"),
        bounded,
        limited,
        careful,
        careful.session("careful-mfa", careful.sts.get_session_token(SerialNumber=serial, TokenCode=code(seed, 1))),
        admin.session("admin-token", admin.sts.get_session_token()),
        admin.session("reader", admin.sts.assume_role(RoleArn=reader, RoleSessionName="reader")),
        admin.session("scoped", admin.sts.assume_role(RoleArn=ruler, RoleSessionName="scoped", Policy=only_iam)),
        admin.session("federated", admin.sts.get_federation_token(Name="visitor", Policy=document(allow("kms:*")))),
        Caller("other-root", OTHER_ACCOUNT, world.node, OTHER_ACCOUNT, "test"),
        there.administrator("other-admin"),
    ]
