"""Seeds: what a file names is there when the server has started, and after a reset, and no more than once."""

import base64
import json
import re
from pathlib import Path

import pytest

from rig import development
from rig.cli import Cli
from rig.node import Node, run

PAGE = Path(__file__).parent.parent / "docs/book/seeds.md"

ACCOUNT = "111122223333"
PARTNER = "444455556666"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
MATERIAL = b"the orders key, chosen for tests"
CLOSED = "0987dcba-09fe-87dc-65ba-ab0987654321"
WORKER = {"AccessKeyId": "AKIAI44QH8DHBEXAMPLE", "SecretAccessKey": "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"}
ALICE = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


def allow(action, resource="*", **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(principal):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def a_seed():
    """Most of what a seed can name."""
    alice = f"arn:aws:iam::{ACCOUNT}:user/people/alice"
    return {
        "Accounts": [
            {
                "AccountId": ACCOUNT,
                "AccountAlias": "acme-dev",
                "ManagedPolicies": [
                    {"ManagedPolicyName": "use-keys", "PolicyDocument": allow(["kms:Encrypt", "kms:Decrypt"])}
                ],
                "Groups": [{"GroupName": "staff", "ManagedPolicyArns": [f"arn:aws:iam::{ACCOUNT}:policy/use-keys"]}],
                "Users": [
                    {
                        "UserName": "alice",
                        "Path": "/people/",
                        "Groups": ["staff"],
                        "Policies": [{"PolicyName": "list", "PolicyDocument": allow("kms:ListKeys")}],
                        "Tags": [{"Key": "team", "Value": "orders"}],
                        "AccessKeys": [ALICE],
                    },
                    {"UserName": "worker", "AccessKeys": [WORKER]},
                ],
                "Roles": [
                    # Before the role that it trusts, which has to be made first.
                    {"RoleName": "second", "AssumeRolePolicyDocument": trust(f"arn:aws:iam::{PARTNER}:role/first")}
                ],
                "Keys": [
                    {
                        "KeyId": KEY,
                        "Description": "orders at rest",
                        "Aliases": ["alias/orders", "alias/orders/v1"],
                        "Tags": [{"Key": "team", "Value": "orders"}],
                        "Grants": [
                            {
                                "Name": "worker",
                                "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:user/worker",
                                "Operations": ["Encrypt"],
                                "Constraints": {"EncryptionContextSubset": {"tenant": "one"}},
                            }
                        ],
                        "KeyMaterial": base64.b64encode(MATERIAL).decode(),
                    },
                    {
                        # Nobody but alice may do anything with it, and nobody may change that.
                        "KeyId": CLOSED,
                        "Region": "eu-central-1",
                        "KeyPolicy": allow("kms:Decrypt", Principal={"AWS": alice}),
                        "Aliases": ["alias/closed"],
                    },
                ],
            },
            {
                "AccountId": PARTNER,
                "Roles": [{"RoleName": "first", "AssumeRolePolicyDocument": trust(ACCOUNT)}],
            },
        ]
    }


@pytest.fixture
def seed(tmp_path):
    """Writes a seed, and answers its file."""

    def write(content) -> Path:
        file = tmp_path / "seed.json"
        file.write_text(json.dumps(content, indent=2))
        return file

    return write


@pytest.fixture
def seeded(program, tmp_path, seed):
    """A server with the seed above, and its CLI as the account's root user."""
    arguments = ("--data-dir", str(tmp_path / "data"), "--seed", str(seed(a_seed())))
    node = Node(program, tmp_path, *arguments)
    yield Cli(node.start(), access_key_id=ACCOUNT)
    node.ensure_gone()
    assert "panicked" not in node.said(), node.said()[-4000:]


def planted(node: Node) -> list[tuple[int, int, int]]:
    """What each planting came to, as the server has logged it: made, changed, unchanged."""
    told = re.findall(r"the seed is planted.*", re.sub(r"\x1b\[[\d;]*m", "", node.said()))
    numbers = [dict(re.findall(r"(made|changed|unchanged)=(\d+)", line)) for line in told]
    return [tuple(int(one[name]) for name in ("made", "changed", "unchanged")) for one in numbers]


def everything(aws: Cli) -> dict:
    """What there is, without what differs from one making to the next."""
    details = aws("iam", "get-account-authorization-details", "--filter", "User", "Group", "Role", "LocalManagedPolicy")
    text = json.dumps(
        {
            "iam": details,
            "keys": [
                {
                    "policy": aws("kms", "get-key-policy", "--key-id", KEY),
                    "about": aws("kms", "describe-key", "--key-id", KEY)["KeyMetadata"],
                    "tags": aws("kms", "list-resource-tags", "--key-id", KEY),
                }
            ],
            "aliases": aws("kms", "list-aliases")["Aliases"],
            "closed": aws.with_(region="eu-central-1")("kms", "list-aliases")["Aliases"],
        }
    )
    text = re.sub(r"\b(AIDA|AROA|AGPA|ANPA)[A-Z2-7]{17}\b", r"\1", text)
    dates = r'"(CreateDate|CreationDate|LastUpdatedDate|UpdateDate)": [^,}]*'
    return json.loads(re.sub(dates, r'"\1": 0', text))


def test_what_the_seed_names_is_there_and_works(seeded, tmp_path):
    assert planted(seeded.node) == [(8, 1, 0)]
    assert seeded("iam", "list-account-aliases")["AccountAliases"] == ["acme-dev"]
    alice = seeded.as_(ALICE)
    assert alice("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/people/alice"
    # By her own policy, and by her group's; and no more than that.
    assert [key["KeyId"] for key in alice("kms", "list-keys")["Keys"]] == [KEY]
    secret = tmp_path / "secret"
    secret.write_bytes(b"for your eyes only")
    told = alice("kms", "encrypt", "--key-id", "alias/orders", "--plaintext", f"fileb://{secret}")
    assert told["KeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY}"
    denied = alice.refused("kms", "schedule-key-deletion", "--key-id", KEY)
    assert denied.code == "AccessDeniedException"
    # The worker has no policy, and a grant.
    worker = seeded.as_(WORKER)
    encrypt = ["kms", "encrypt", "--key-id", KEY, "--plaintext", f"fileb://{secret}", "--encryption-context"]
    assert worker(*encrypt, "tenant=one,order=7")["CiphertextBlob"]
    assert worker.refused(*encrypt, "tenant=two").code == "AccessDeniedException"
    # The key policy that lets alice in lets nobody else in, the account's root user neither.
    closed = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/{CLOSED}"
    assert seeded.with_(region="eu-central-1").refused("kms", "describe-key", "--key-id", closed).code == (
        "AccessDeniedException"
    )
    trusted = seeded("iam", "get-role", "--role-name", "second")["Role"]["AssumeRolePolicyDocument"]
    assert trusted == trust(f"arn:aws:iam::{PARTNER}:role/first")


def test_a_restart_changes_nothing_and_leaves_what_the_seed_does_not_name(seeded):
    seeded("iam", "create-user", "--user-name", "bob")
    before = everything(seeded)
    assert seeded.node.stop() == 0
    seeded.node.start()
    assert planted(seeded.node) == [(8, 1, 0), (0, 0, 9)]
    assert everything(seeded) == before
    assert "bob" in json.dumps(before)


def test_what_drifts_is_set_right_by_the_next_start(seeded):
    seeded("kms", "disable-key", "--key-id", KEY)
    seeded("kms", "update-key-description", "--key-id", KEY, "--description", "something else")
    seeded("kms", "delete-alias", "--alias-name", "alias/orders/v1")
    seeded("kms", "schedule-key-deletion", "--key-id", KEY)
    seeded("iam", "delete-user-policy", "--user-name", "alice", "--policy-name", "list")
    seeded("iam", "delete-access-key", "--user-name", "alice", "--access-key-id", ALICE["AccessKeyId"])
    seeded.node.stop()
    seeded.node.start()
    assert planted(seeded.node)[1:] == [(0, 2, 7)]
    described = seeded("kms", "describe-key", "--key-id", "alias/orders/v1")["KeyMetadata"]
    assert (described["Description"], described["KeyState"]) == ("orders at rest", "Enabled")
    assert seeded.as_(ALICE)("kms", "list-keys")["Keys"]


def test_somebody_who_was_deleted_comes_back_with_what_names_him(seeded, tmp_path):
    seeded("iam", "delete-access-key", "--user-name", "worker", "--access-key-id", WORKER["AccessKeyId"])
    seeded("iam", "delete-user", "--user-name", "worker")
    seeded("iam", "create-user", "--user-name", "worker")
    worker = seeded.as_(seeded("iam", "create-access-key", "--user-name", "worker")["AccessKey"])
    secret = tmp_path / "secret"
    secret.write_bytes(b"for your eyes only")
    encrypt = ["kms", "encrypt", "--key-id", KEY, "--plaintext", f"fileb://{secret}", "--encryption-context"]
    encrypt.append("tenant=one")
    # A namesake has not been given anything.
    assert worker.refused(*encrypt).code == "AccessDeniedException"
    seeded.node.stop()
    seeded.node.start()
    # The seed means whoever has the name when it is planted.
    assert seeded.as_(WORKER)(*encrypt)["CiphertextBlob"]


def test_a_reset_returns_to_the_seed_and_ciphertexts_outlive_it(seeded, tmp_path):
    secret, blob = tmp_path / "secret", tmp_path / "blob"
    secret.write_bytes(b"for your eyes only")
    told = seeded("kms", "encrypt", "--key-id", KEY, "--plaintext", f"fileb://{secret}")
    blob.write_bytes(base64.b64decode(told["CiphertextBlob"]))
    before = everything(seeded)
    seeded("iam", "create-user", "--user-name", "bob")
    seeded("iam", "delete-access-key", "--user-name", "alice", "--access-key-id", ALICE["AccessKeyId"])
    seeded("kms", "schedule-key-deletion", "--key-id", KEY)
    development.advance(seeded.node, days=31)
    development.reset(seeded.node)
    assert planted(seeded.node)[1:] == [(8, 1, 0)]
    assert everything(seeded) == before
    # The material is the seed's, so what it has encrypted is still to be read.
    told = seeded.as_(ALICE)("kms", "decrypt", "--ciphertext-blob", f"fileb://{blob}")
    assert base64.b64decode(told["Plaintext"]) == b"for your eyes only"


def test_an_edited_seed_changes_what_it_names(seeded, seed):
    edited = a_seed()
    account = edited["Accounts"][0]
    account["ManagedPolicies"][0]["PolicyDocument"] = allow("kms:Decrypt")
    account["Users"][0]["Groups"] = []
    account["Users"][0]["AccessKeys"] = [{**ALICE, "SecretAccessKey": "another-secret"}]
    account["Keys"][1]["Aliases"] = ["alias/closed", "alias/shut"]
    account["Keys"][0]["Aliases"] = []
    seeded.node.stop()
    seed(edited)
    seeded.node.start()
    assert planted(seeded.node)[1:] == [(0, 3, 6)]
    assert seeded("iam", "list-groups-for-user", "--user-name", "alice")["Groups"] == []
    assert seeded.as_(ALICE).refused("sts", "get-caller-identity").code == "SignatureDoesNotMatch"
    assert seeded.as_({**ALICE, "SecretAccessKey": "another-secret"})("sts", "get-caller-identity")
    # A list of aliases names some, not all: they are things of their own.
    names = [one["AliasName"] for one in seeded("kms", "list-aliases", "--key-id", KEY)["Aliases"]]
    assert names == ["alias/orders", "alias/orders/v1"]


def test_what_has_been_planted_is_recorded(seeded):
    lookup = ["cloudtrail", "lookup-events", "--lookup-attributes"]
    events = seeded(*lookup, "AttributeKey=EventName,AttributeValue=PlantResource")["Events"]
    told = [json.loads(event["CloudTrailEvent"]) for event in events]
    assert {event["eventType"] for event in told} == {"AwsServiceEvent"}
    # The account's own in us-east-1, where IAM's are too.
    arns = sorted(event["resources"][0]["ARN"] for event in told if "resources" in event)
    assert arns == [
        f"arn:aws:iam::{ACCOUNT}:group/staff",
        f"arn:aws:iam::{ACCOUNT}:policy/use-keys",
        f"arn:aws:iam::{ACCOUNT}:role/second",
        f"arn:aws:iam::{ACCOUNT}:user/people/alice",
        f"arn:aws:iam::{ACCOUNT}:user/worker",
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY}",
    ]
    made, alias = {"made": True, "changed": []}, {"made": False, "changed": ["AccountAlias"]}
    assert all(event["serviceEventDetails"] in (made, alias) for event in told)
    seeded.node.stop()
    said = seeded.node.verify_audit()
    assert said.returncode == 0, said.stdout
    held = b"".join(file.read_bytes() for file in seeded.node.data.rglob("*") if file.is_file())
    assert ALICE["SecretAccessKey"].encode() not in held
    assert MATERIAL not in held


ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY}"

NOBODY = f"arn:aws:iam::{ACCOUNT}:user/nobody"


def set_at(*path_and_value):
    """Sets a value somewhere in the account."""
    *path, last, value = path_and_value

    def alter(account):
        for step in path:
            account = account[step]
        account[last] = value

    return alter


def take_the_access_key_of_alice(account):
    account["Users"].append({"UserName": "eve", "AccessKeys": account["Users"][0].pop("AccessKeys")})


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (
            set_at("Users", 0, "Groups", ["staff", "nobody"]),
            "Users[0].Groups[1]: The group with name nobody cannot be found.",
        ),
        (
            set_at("Roles", 0, "AssumeRolePolicyDocument", trust(NOBODY)),
            "Roles[0].AssumeRolePolicyDocument: Invalid principal in policy",
        ),
        (
            set_at("Keys", 0, "KeyMaterial", base64.b64encode(bytes(32)).decode()),
            f"Keys[0].KeyMaterial: {ARN} is there with other key material",
        ),
        (
            set_at("Keys", 0, {"KeyId": KEY, "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
            f"Keys[0].KeySpec: {ARN} is there with KeySpec SYMMETRIC_DEFAULT",
        ),
        (
            take_the_access_key_of_alice,
            f"Users[2].AccessKeys[0].AccessKeyId: access key {ALICE['AccessKeyId']} belongs to somebody else",
        ),
        (
            set_at("Keys", 1, "KeyPolicy", allow("kms:Decrypt", Principal={"AWS": NOBODY})),
            "Keys[1].KeyPolicy: Policy contains a statement with one or more invalid principals.",
        ),
        (set_at("Keys", 0, "Aliases", ["alias/aws/mine"]), "Keys[0].Aliases[0]: "),
        (set_at("Keys", 0, "Grants", 0, "GranteePrincipal", NOBODY), "Keys[0].Grants[0]: "),
        (set_at("Usres", []), "Usres: unknown field `Usres`"),
    ],
)
def test_a_server_does_not_start_with_a_seed_that_does_not_fit(seeded, seed, alter, expected):
    edited = a_seed()
    alter(edited["Accounts"][0])
    seeded.node.stop()
    seed(edited)
    with pytest.raises(RuntimeError, match="the server ended with 1"):
        seeded.node.start()
    assert f"Accounts[0].{expected}" in seeded.node.said()
    # The same server without it is as it was.
    seed(a_seed())
    assert seeded.as_(ALICE).node.start()
    assert seeded.as_(ALICE)("kms", "list-keys")["Keys"]


def test_the_example_of_the_book_can_be_planted(program, tmp_path):
    block = re.search(r"\n((?:    .*\n|\n)+)", PAGE.read_text().split("<!-- the example -->")[1]).group(1)
    file = tmp_path / "seed.json"
    file.write_text("\n".join(line[4:] for line in block.splitlines()))
    checked = run(program, "seed", "check", str(file))
    assert checked.returncode == 0, checked.stderr
    node = Node(program, tmp_path, "--ephemeral", "--seed", str(file))
    node.start()
    try:
        seed = json.loads(file.read_text())
        user = seed["Accounts"][0]["Users"][0]
        aws = Cli(node).as_(user["AccessKeys"][0])
        alias = seed["Accounts"][0]["Keys"][0]["Aliases"][0]
        assert aws("kms", "generate-data-key", "--key-id", alias, "--key-spec", "AES_256")["Plaintext"]
    finally:
        node.ensure_gone()
