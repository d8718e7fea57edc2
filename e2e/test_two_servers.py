"""Two servers on one PostgreSQL: what one changes holds at the other within moments, neither acts on what it knows once
it no longer hears from the store, and each tells of what any of them has recorded."""

import json
import os
import re
import shutil
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from rig import expected, sdk
from rig.node import PATIENCE, wait_until
from rig.production import Production

STALE_AFTER = 5.0
"""Seconds after which what a server knows of the store is too old to act on."""

TOO_OLD = "DependencyTimeoutException"

PLAIN = b"plain"


def beside(first: Production, folder: Path) -> Production:
    """A second server on the store of the first: a data folder of its own, the same folder of objects, copies of
    configuration and seal."""
    folder.mkdir()
    second = Production(first.program, folder)
    second.config.parent.mkdir()
    text = first.config.read_text().replace(str(first.data), str(second.data))
    objects = f'[objects]\ndir = "{first.data / "objects"}"'
    second.config.write_text(re.sub(r"(?m)^\[objects\]$", objects, text))
    second.config.chmod(0o600)
    second.data.mkdir(mode=0o700)
    shutil.copytree(first.data / expected.SEAL, second.data / expected.SEAL)
    second.root = first.root
    return second


@pytest.fixture(scope="module")
def servers(program, postgres, tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    (folder / "first").mkdir()
    first = Production(program, folder / "first").init("--store", postgres.database("shared")).start()
    second = beside(first, folder / "second").start()
    yield first, second
    for server in [first, second]:
        server.ensure_gone()
        assert "panicked" not in server.said(), server.said()[-4000:]


def as_root(server: Production, service: str, **config):
    root = server.root
    return sdk.client(
        server,
        service,
        access_key_id=root["access_key_id"],
        secret_access_key=root["secret_access_key"],
        **config,
    )


def as_(server: Production, service: str, key: dict, **config):
    credential = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    return sdk.client(server, service, session_token=key.get("SessionToken"), **credential, **config)


class Here:
    """What the first server has, and clients of both."""

    def __init__(self, servers):
        self.first, self.second = servers
        self.kms, self.iam = as_root(self.first, "kms"), as_root(self.first, "iam")
        self.there = as_root(self.second, "kms")
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.arn = self.kms.describe_key(KeyId=self.key)["KeyMetadata"]["Arn"]
        self.blob = answered(lambda: self.there.encrypt(KeyId=self.key, Plaintext=PLAIN))["CiphertextBlob"]


@pytest.fixture
def here(servers):
    return Here(servers)


def code_of(call) -> str | None:
    """The code with which a call is refused; nothing if it is not."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def answered(call):
    """What a call is answered that must succeed, by a server that may have heard nothing from the store for a while."""

    def tried():
        try:
            return (call(),)
        except ClientError as error:
            if error.response["Error"]["Code"] != TOO_OLD:
                raise
            return None

    (answer,) = wait_until(tried, "a server that hears from the store")
    return answer


class Watched:
    """A call, and how it was answered before what is changed next, by a server that hears from the store."""

    def __init__(self, call):
        self.call = call
        wait_until(self.is_in_touch, "a server that hears from the store")

    def is_in_touch(self) -> bool:
        self.before = code_of(self.call)
        return self.before != TOO_OLD

    def becomes(self, code: str | None):
        """Waits until the call is answered as it is to be from now on. A server that knows no better may answer as
        before only for as long as what it knows is young enough: a call that begins later than that must not be."""
        changed = time.monotonic()
        while True:
            begun = time.monotonic()
            found = code_of(self.call)
            if found == code:
                break
            late = begun - changed > STALE_AFTER
            assert not (late and found == self.before), f"{found} after {begun - changed:.1f} s"
            assert begun - changed < PATIENCE, f"still {found}"
        self.before = code


def user(here: Here, name: str, *actions: str) -> dict:
    """A user who may do that with all keys, and his access key."""
    here.iam.create_user(UserName=name)
    allow(here, name, *actions)
    return here.iam.create_access_key(UserName=name)["AccessKey"]


def allow(here: Here, name: str, *actions: str):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    here.iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document)


def test_a_disabled_key_is_disabled_everywhere(here):
    decrypt = Watched(lambda: here.there.decrypt(CiphertextBlob=here.blob))
    assert decrypt.before is None
    here.kms.disable_key(KeyId=here.key)
    decrypt.becomes("DisabledException")
    here.kms.enable_key(KeyId=here.key)
    decrypt.becomes(None)


def test_a_users_policy_holds_everywhere(here):
    key = user(here, "policies", "kms:Decrypt")
    there = as_(here.second, "kms", key)
    decrypt = Watched(lambda: there.decrypt(CiphertextBlob=here.blob))
    decrypt.becomes(None)
    here.iam.delete_user_policy(UserName="policies", PolicyName="may")
    decrypt.becomes("AccessDeniedException")
    allow(here, "policies", "kms:Decrypt")
    decrypt.becomes(None)
    here.iam.update_access_key(UserName="policies", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    decrypt.becomes("UnrecognizedClientException")


def test_a_deleted_access_key_signs_nowhere(here):
    key = user(here, "keys", "kms:Decrypt")
    there = as_(here.second, "kms", key)
    decrypt = Watched(lambda: there.decrypt(CiphertextBlob=here.blob))
    decrypt.becomes(None)
    here.iam.delete_access_key(UserName="keys", AccessKeyId=key["AccessKeyId"])
    decrypt.becomes("UnrecognizedClientException")


def test_key_policies_grants_and_aliases_hold_everywhere(here):
    key = user(here, "grants", "kms:ListAliases")
    arn = here.iam.get_user(UserName="grants")["User"]["Arn"]
    there = as_(here.second, "kms", key)
    decrypt = Watched(lambda: there.decrypt(CiphertextBlob=here.blob))
    decrypt.becomes("AccessDeniedException")
    grant = here.kms.create_grant(KeyId=here.key, GranteePrincipal=arn, Operations=["Decrypt"])["GrantId"]
    decrypt.becomes(None)
    here.kms.revoke_grant(KeyId=here.key, GrantId=grant)
    decrypt.becomes("AccessDeniedException")
    policy = json.loads(here.kms.get_key_policy(KeyId=here.key)["Policy"])
    said = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:Decrypt", "Resource": "*"}
    wider = {**policy, "Statement": [*policy["Statement"], said]}
    here.kms.put_key_policy(KeyId=here.key, Policy=json.dumps(wider))
    decrypt.becomes(None)
    here.kms.put_key_policy(KeyId=here.key, Policy=json.dumps(policy))
    decrypt.becomes("AccessDeniedException")
    encrypt = Watched(lambda: here.there.encrypt(KeyId="alias/two", Plaintext=PLAIN))
    here.kms.create_alias(AliasName="alias/two", TargetKeyId=here.key)
    encrypt.becomes(None)
    here.kms.delete_alias(AliasName="alias/two")
    encrypt.becomes("NotFoundException")


def test_a_roles_trust_policy_holds_everywhere(here):
    key = user(here, "trusted", "sts:AssumeRole")
    arn = here.iam.get_user(UserName="trusted")["User"]["Arn"]

    def trust(effect: str) -> str:
        statement = {"Effect": effect, "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    role = here.iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust("Allow"))["Role"]["Arn"]
    there = as_(here.second, "sts", key)
    assume = Watched(lambda: there.assume_role(RoleArn=role, RoleSessionName="session"))
    assume.becomes(None)
    here.iam.update_assume_role_policy(RoleName="role", PolicyDocument=trust("Deny"))
    assume.becomes("AccessDenied")


def test_objects_and_bucket_policies_are_the_same_everywhere(here):
    near, far = as_root(here.first, "s3"), as_root(here.second, "s3")
    near.create_bucket(Bucket="shared-by-servers")
    near.put_object(Bucket="shared-by-servers", Key="k", Body=b"1")
    assert far.get_object(Bucket="shared-by-servers", Key="k")["Body"].read() == b"1"
    far.put_object(Bucket="shared-by-servers", Key="k", Body=b"2")
    assert near.get_object(Bucket="shared-by-servers", Key="k")["Body"].read() == b"2"
    nobody = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::shared-by-servers/*",
    }
    near.put_bucket_policy(Bucket="shared-by-servers", Policy=json.dumps({"Statement": [nobody]}))
    assert code_of(lambda: far.get_object(Bucket="shared-by-servers", Key="k")) == "AccessDenied"


def test_a_server_beside_another_folder_of_objects_is_refused(program, servers, tmp_path):
    third = beside(servers[0], tmp_path / "third")
    third.config.write_text(third.config.read_text().replace(str(servers[0].data), str(third.data)))
    assert "share one folder" in third.refused("serve", "--config", third.config)


def looked_up(server: Production, **attributes) -> list[dict]:
    """What a server finds in the event history, all pages, newest first."""
    wanted = [{"AttributeKey": key, "AttributeValue": value} for key, value in attributes.items()]
    pages = as_root(server, "cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=wanted)
    return [event for page in pages for event in page["Events"]]


def test_each_server_tells_of_all_calls(here):
    """Their journals lie in the store: each sees what any of them has recorded, as soon as it is answered."""
    answered(lambda: here.there.decrypt(CiphertextBlob=here.blob))
    here.kms.disable_key(KeyId=here.key)
    here.kms.enable_key(KeyId=here.key)
    # A server that does not know it yet refuses the key, which is recorded as well.
    wait_until(lambda: code_of(lambda: here.there.decrypt(CiphertextBlob=here.blob)) is None, "the key, enabled")
    found = [looked_up(server, ResourceName=here.arn) for server in (here.first, here.second)]
    names = [event["EventName"] for event in found[0]]
    assert names[-1] == "CreateKey", names
    assert {"Encrypt", "Decrypt", "DisableKey", "EnableKey"} <= set(names), names
    assert [event["EventId"] for event in found[0]] == [event["EventId"] for event in found[1]]
    times = [event["EventTime"] for event in found[0]]
    assert times == sorted(times, reverse=True)


def test_a_page_of_events_goes_on_at_another_server(here):
    for client in [here.kms, here.there] * 3:
        client.describe_key(KeyId=here.key)
    wanted = {"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": here.arn}], "MaxResults": 2}
    clients = [as_root(server, "cloudtrail") for server in (here.first, here.second)]
    seen, token = [], {}
    while True:
        page = clients[len(seen) // 2 % 2].lookup_events(**wanted, **token)
        seen += [event["EventId"] for event in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    whole = [event["EventId"] for event in looked_up(here.first, ResourceName=here.arn)]
    assert seen == whole
    assert len(seen) == len(set(seen)) >= 8


def test_the_last_use_of_a_key_is_told_by_either(here):
    answered(lambda: here.there.decrypt(CiphertextBlob=here.blob))

    def last(client) -> str | None:
        return client.get_key_last_usage(KeyId=here.key)["KeyLastUsage"].get("Operation")

    for client in (here.kms, here.there):
        # A server that is slow to read the journals answers what it has read so far.
        wait_until(lambda client=client: last(client) == "Decrypt", "the last use")


def test_audit_and_explain_see_all_servers(here):
    key = user(here, "refused", "kms:ListAliases")
    there = as_(here.second, "kms", key)
    decrypt = lambda: there.decrypt(CiphertextBlob=here.blob)  # noqa: E731
    wait_until(lambda: code_of(decrypt) == "AccessDeniedException", "the user at the other server")
    # Asked with the configuration of the first server.
    told = here.first.run("explain", "--config", str(here.first.config))
    assert "kms:Decrypt" in told.stdout, told.stdout + told.stderr
    assert "user/refused" in told.stdout, told.stdout
    denied = here.first.run("audit", "denied", "--config", str(here.first.config))
    assert "user/refused" in denied.stdout, denied.stdout
    verified = here.first.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    for server in (here.first, here.second):
        assert f"The journal of server {name_of(server)}:" in verified.stdout, verified.stdout


def test_a_stranger_verifies_what_was_exported(here, tmp_path):
    first = here.first
    wait_until(
        lambda: first.run("audit", "checkpoint", "--config", str(first.config)).stdout.count("head ") >= 2,
        "a checkpoint of each server",
        60 + 2 * PATIENCE,
    )
    config = ["--config", str(first.config)]
    (tmp_path / "key.pem").write_text(first.run("audit", "key", *config).stdout)
    kept = first.run("audit", "checkpoint", *config).stdout
    folders = first.run("audit", "export", str(tmp_path / "out"), *config).stdout.split()
    servers = [str(tmp_path / "out" / name_of(server)) for server in (first, here.second)]
    assert set(servers) <= set(folders), folders
    for folder in servers:
        own = [text for text in kept.split("\n\n") if (Path(folder) / head_of(text)).is_dir()]
        assert len(own) == 1, kept
        (tmp_path / "kept.txt").write_text(own[0].strip() + "\n")
        stranger = ["--public-key", str(tmp_path / "key.pem"), "--checkpoint", str(tmp_path / "kept.txt")]
        told = first.run("audit", "verify", "--journal", folder, *stranger)
        assert told.returncode == 0, told.stdout + told.stderr


def name_of(server: Production) -> str:
    return (server.data / "server-name").read_text().strip()


def head_of(checkpoint: str) -> str:
    """The stream that a checkpoint names."""
    return next(line.split()[1] for line in checkpoint.splitlines() if line.startswith("head "))


@contextmanager
def stopped(pids: list[int]):
    """Processes that do nothing, as a machine that is paused."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield time.monotonic()
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def made_by(maker: int) -> list[int]:
    """The processes that a process has made."""

    def parent(pid: str) -> int:
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
        except (OSError, IndexError):
            return 0

    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and parent(pid) == maker]


@pytest.mark.slow
def test_without_the_store_cryptography_is_refused_before_it_rests_on_what_is_old(here, postgres):
    decrypt = lambda: here.there.decrypt(CiphertextBlob=here.blob)  # noqa: E731
    answered(decrypt)
    # The first of PostgreSQL's processes, which makes no others then, and those that it has made.
    first = int((postgres.data / "postmaster.pid").read_text().split()[0])
    with stopped([first]), stopped(made_by(first)) as since:
        # What is not recorded is not answered, and it is recorded in the store.
        while (found := code_of(decrypt)) != TOO_OLD:
            assert found is not None, f"answered {time.monotonic() - since:.1f} s after the store was gone"
            assert time.monotonic() - since < PATIENCE, found
        with sdk.refused("DependencyTimeoutException") as refusal:
            decrypt()
        assert refusal.message == "The system timed out while trying to fulfill the request. You can retry the request."
        assert not here.second.is_healthy()
        with sdk.refused() as refusal:
            as_root(here.second, "iam").list_users()
        assert refusal.status == 503
    wait_until(lambda: code_of(decrypt) is None, "cryptography after the store is back")
    wait_until(here.second.is_healthy, "health after the store is back")


@pytest.mark.slow
def test_a_server_that_was_paused_does_not_act_on_what_it_knew(here):
    """Requests that wait at a server which is paused are answered when it goes on, and not as they would have been."""
    answers = []

    def ask():
        client = as_root(here.second, "kms", read_timeout=60)
        answers.append(code_of(lambda: client.decrypt(CiphertextBlob=here.blob)))

    answered(lambda: here.there.decrypt(CiphertextBlob=here.blob))
    with stopped([here.second.pid]) as since:
        waiting = [threading.Thread(target=ask) for _ in range(8)]
        for thread in waiting:
            thread.start()
        here.kms.disable_key(KeyId=here.key)
        changed = time.monotonic()
        # There is nothing to wait for but time itself.
        time.sleep(max(0.0, changed + STALE_AFTER + 0.5 - time.monotonic()))
        assert time.monotonic() - since > STALE_AFTER
    for thread in waiting:
        thread.join()
    assert len(answers) == len(waiting), answers
    assert set(answers) <= {TOO_OLD, "DisabledException"}, answers
    Watched(lambda: here.there.decrypt(CiphertextBlob=here.blob)).becomes("DisabledException")


@pytest.mark.slow
def test_what_a_server_leaves_that_is_killed_is_recorded_by_the_other(program, postgres, tmp_path, ended):
    """A change that is committed, and whose record the server did not come to write."""
    (tmp_path / "first").mkdir()
    first = Production(program, tmp_path / "first").init("--store", postgres.database("left"))
    ended.append(first.start())
    second = beside(first, tmp_path / "second")
    ended.append(second.start())
    kms = as_root(first, "kms")
    made = []

    def make():
        try:
            while True:
                made.append(kms.create_key()["KeyMetadata"]["KeyId"])
        except (BotoCoreError, ClientError):
            return  # the server is killed in the middle

    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    wait_until(lambda: len(made) > 20, "some keys")
    first.kill()
    for maker in makers:
        maker.join()
    # What it had acknowledged is in the other's history at once.
    named = [event["Resources"][0]["ResourceName"] for event in created(second) if event["Resources"]]
    recorded = {name.rsplit("/", 1)[1] for name in named}
    assert recorded >= set(made)
    # No change outruns its record: what it had committed, and did not come to record, the other records in a minute,
    # and nothing twice.
    pages = as_root(second, "kms").get_paginator("list_keys").paginate()
    there = {key["KeyId"] for page in pages for key in page["Keys"]}
    assert there >= set(made)
    wait_until(lambda: len(created(second)) == len(there), "a record of each key", 150)
    # When the first starts again, it goes on.
    first.start()
    as_root(first, "kms").create_key()
    for server in [first, second]:
        found = created(server)
        assert len(found) == len(there) + 1
        assert len({event["EventId"] for event in found}) == len(found)
    for server in [first, second]:
        server.ensure_gone()
        assert server.verify_audit().returncode == 0, server.said()[-2000:]


def created(server: Production) -> list[dict]:
    """The events of keys that were made."""
    return looked_up(server, EventName="CreateKey")


@pytest.mark.slow
def test_a_server_that_is_started_twice_ends_the_first(program, postgres, tmp_path, ended):
    """From a copy of its data folder: one name, one journal, and one who writes it."""
    (tmp_path / "first").mkdir()
    first = Production(program, tmp_path / "first").init("--store", postgres.database("twice"))
    ended.append(first.start())
    key = as_root(first, "kms").create_key()["KeyMetadata"]["KeyId"]
    second = beside(first, tmp_path / "second")
    shutil.copy(first.data / "server-name", second.data / "server-name")
    ended.append(second.start())
    # Whatever the first is asked next it cannot record, if it is there at all.
    with pytest.raises((ClientError, BotoCoreError)):
        as_root(first, "kms").describe_key(KeyId=key)
    wait_until(lambda: not first.runs(), "the end of the first")
    assert "another process records in this server's journal" in first.said()
    as_root(second, "kms").describe_key(KeyId=key)
    second.ensure_gone()
    assert second.verify_audit().returncode == 0
