"""Approval by several, and log-ins with a second factor, with keys and signatures of openssl's."""

import base64
import json
import shutil

import pytest

from rig.cluster import PASSWORD, Cluster, HsmCli, verifies
from rig.node import wait_until
from rig.session import Approver, Session

REQUIRED = "Quorum approval is required for this operation"


@pytest.fixture
def tool(own_aws, tmp_path) -> HsmCli:
    """An active cluster of two HSMs, with three administrators."""
    tool = Cluster(own_aws, tmp_path / "cluster").first_use("us-east-1a", "us-east-1b")
    for username in ("admin2", "admin3"):
        arguments = ["--username", username, "--role", "admin", "--password", PASSWORD]
        tool.as_admin().run("user", "create", *arguments)
    return tool


def approvers(tool: HsmCli, role: str, *usernames: str) -> dict[str, Approver]:
    made = {}
    for username in usernames:
        with Session(tool) as session:
            session.login(role, username, PASSWORD)
            made[username] = Approver(tool.folder, username)
            made[username].register(session)
    return made


def test_two_administrators_make_a_user(tool):
    admins = approvers(tool, "admin", "admin", "admin2", "admin3")
    tool.as_admin().run("quorum", "token-sign", "set-quorum-value", "--service", "user", "--value", "2")
    values = tool.run("quorum", "token-sign", "list-quorum-values").data
    assert values == {"user": 2, "quorum": 1, "cluster": 1}

    create = ["user", "create", "--username", "bob", "--role", "crypto-user", "--password", PASSWORD]
    assert tool.as_admin().refused(*create) == REQUIRED
    with Session(tool) as session:
        session.login("admin", "admin", PASSWORD)
        token = tool.folder / "token.json"
        session.run("quorum", "token-sign", "generate", "--service", "user", "--token", token)
        unsigned = tool.folder / "unsigned.json"
        shutil.copy(token, unsigned)

        # One approval is too few, and the same one twice is one.
        admins["admin2"].approve(token)
        session.refused(*create, "--approval", token)
        admins["admin2"].approve(token)
        session.refused(*create, "--approval", token)

        # A token that says something else than was signed is none.
        shutil.copy(unsigned, token)
        admins["admin2"].approve(token)
        admins["admin3"].approve(token)
        altered = tool.folder / "altered.json"
        document = json.loads(token.read_text())
        data = bytearray(base64.b64decode(document["approval_data"]))
        data[20] ^= 1
        document["approval_data"] = base64.b64encode(data).decode()
        altered.write_text(json.dumps(document))
        session.refused(*create, "--approval", altered)

        # For another service it is not good either.
        session.refused("cluster", "mtls", "set-enforcement", "--level", "cluster", "--approval", token)
        session.run(*create, "--approval", token)
        # It works once.
        again = ["user", "create", "--username", "carol", "--role", "crypto-user", "--password", PASSWORD]
        session.refused(*again, "--approval", token)
    users = {user["username"] for user in tool.run("user", "list").data["users"]}
    assert "bob" in users
    assert "carol" not in users


def test_a_key_signs_only_with_approvals(tool):
    arguments = ["--username", "bob", "--role", "crypto-user", "--password", PASSWORD]
    tool.as_admin().run("user", "create", *arguments)
    users = approvers(tool, "crypto-user", "alice", "bob")
    alice = tool.as_crypto_user("alice")
    quorum = ["--share-crypto-users", "bob", "--use-private-key-quorum-value", "2"]
    _, private = alice.generate_ec_pair("vote", *quorum)
    public = alice.public_key("vote-public")
    message = b"two of us agree"
    sign = ["crypto", "sign", "ecdsa", "--key-filter", "attr.label=vote", "--hash-function", "sha256"]
    sign += ["--data", base64.b64encode(message).decode()]
    assert alice.refused(*sign) == "Quorum Failed"
    with Session(tool) as session:
        session.login("crypto-user", "alice", PASSWORD)
        token = tool.folder / "key-token.json"
        generate = ["quorum", "token-sign", "generate", "--service", "key-usage", "--token", token]
        session.run(*generate, "--filter", f"key-reference={private['key-reference']}")
        users["alice"].approve(token, "crypto-user")
        users["bob"].approve(token, "crypto-user")
        signed = session.run(*sign, "--approval", token).data
        assert verifies(public, message, base64.b64decode(signed["signature"]))
        session.refused(*sign, "--approval", token)


def test_a_second_factor_is_asked_for(tool):
    factor = Approver(tool.folder, "admin2")
    challenges = tool.folder / "mfa.json"
    with Session(tool) as session:
        session.login("admin", "admin2", PASSWORD)
        # The challenges are written before the signed file is asked for; the prompts are answered as they come.
        words = ["user", "change-mfa", "token-sign", "--token", challenges]
        session.process.stdin.write(
            (" ".join(map(str, [*words, "--username", "admin2", "--role", "admin"])) + "\n").encode()
        )
        session.process.stdin.write(f"{PASSWORD}\n{PASSWORD}\n".encode())
        session.process.stdin.flush()
        wait_for_challenges(challenges)
        factor.sign_challenges(challenges)
        session.process.stdin.write(f"{challenges}\n{factor.public_key}\n".encode())
        session.process.stdin.flush()
        assert session.next_document() == {"error_code": 0, "data": {"username": "admin2", "role": "admin"}}

    with Session(tool) as session:
        session.refused("login", "--username", "admin2", "--role", "admin", "--password", PASSWORD)
        challenges.unlink()
        words = ["login", "--username", "admin2", "--role", "admin", "--password", PASSWORD]
        words += ["mfa-token-sign", "--token", challenges]
        session.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        session.process.stdin.flush()
        wait_for_challenges(challenges)
        factor.sign_challenges(challenges)
        session.process.stdin.write(b"\n")
        session.process.stdin.flush()
        assert session.next_document() == {"error_code": 0, "data": {"username": "admin2", "role": "admin"}}


def wait_for_challenges(file):
    def whole():
        try:
            return json.loads(file.read_text())["tokens"]
        except (OSError, ValueError):
            return None

    wait_until(whole, f"challenges in {file}")
