"""`strongroom up`: from nothing to a key in a connected key store; again; cut off; and `strongroom down`."""

import fcntl
import json
import os
import stat
import subprocess
from typing import NamedTuple

import pytest

from rig import policy, sdk
from rig.cluster import PATIENCE, openssl
from rig.faults import Faults
from rig.networks import Network
from rig.node import wait_until
from rig.policy import allow, deny
from rig.store import PATIENT
from rig.up import WHOLE, Up

MEMBERS = {
    "endpoint": str,
    "region": str,
    "account": str,
    "credentials": dict,
    "cluster_id": str,
    "hsms": list,
    "customer_ca": str,
    "admin": dict,
    "crypto_user": dict,
    "custom_key_store_id": str,
    "custom_key_store_name": str,
    "key_id": str,
    "key_arn": str,
    "alias": str,
    "cloudhsm_cli": dict,
    "environment": str,
    "state": str,
    "seconds": float,
}
"""What `--json` answers, and scripts rely on."""


class Served(NamedTuple):
    """A server that something else started, as clients see it."""

    endpoint: str
    ca_bundle: str | None = None


@pytest.fixture
def here(program, tmp_path):
    """`up` with a server of its own, and addresses of HSMs that no other server of this machine has."""
    network = Network()
    up = Up(program, tmp_path, "--listen", "127.0.0.1:0", "--vpc-cidr", network.cidr, *PATIENT)
    yield up
    up.ensure_gone()
    network.give_back()
    assert "panicked" not in up.said(), up.said()[-4000:]


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


@pytest.fixture
def at(program, tmp_path, fresh_node):
    """`up` at a server that runs."""
    up = Up(program, tmp_path / "up", "--endpoint", fresh_node.endpoint)
    yield up
    if up.process:
        up.kill()


def assert_works(up: Up, document: dict, node):
    """What the document says is there, and does what it is for."""
    assert {name: type(value) for name, value in document.items()} == MEMBERS
    kms, cloudhsm = sdk.client(node, "kms"), sdk.client(node, "cloudhsmv2")
    clusters = cloudhsm.describe_clusters(Filters={"clusterIds": [document["cluster_id"]]})["Clusters"]
    assert [cluster["State"] for cluster in clusters] == ["ACTIVE"]
    assert clusters[0]["BackupRetentionPolicy"] == {"Type": "DAYS", "Value": "10"}
    hsms = {(hsm["HsmId"], hsm["AvailabilityZone"], hsm["EniIp"]) for hsm in clusters[0]["Hsms"]}
    assert hsms == {(hsm["hsm_id"], hsm["availability_zone"], hsm["ip"]) for hsm in document["hsms"]}
    assert len({hsm["availability_zone"] for hsm in document["hsms"]}) == 2

    (store,) = kms.describe_custom_key_stores(CustomKeyStoreId=document["custom_key_store_id"])["CustomKeyStores"]
    assert (store["CustomKeyStoreName"], store["ConnectionState"]) == (document["custom_key_store_name"], "CONNECTED")
    key = kms.describe_key(KeyId=document["alias"])["KeyMetadata"]
    assert (key["KeyId"], key["Arn"]) == (document["key_id"], document["key_arn"])
    assert (key["Origin"], key["KeyState"]) == ("AWS_CLOUDHSM", "Enabled")
    status = kms.get_key_rotation_status(KeyId=document["key_id"])
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    sealed = kms.encrypt(KeyId=document["alias"], Plaintext=b"letter")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"letter"

    assert up.tool(document).run("key", "list").data["total_key_count"] == 0
    users = up.tool(document, "admin").run("user", "list").data["users"]
    assert {"admin", "kmsuser", document["crypto_user"]["username"]} <= {user["username"] for user in users}


def test_from_nothing_to_ready_and_again(here, program):
    endpoint = here.start().wait_until_ready()
    steps = list(here.steps())
    assert steps[:4] == ["server", "cluster", "first HSM", "initialized"]
    assert steps[-5:] == ["connected", "key", "rotation", "alias", "tried"]
    for private in ["state.json", "localCA.key", "env.sh"]:
        assert stat.S_IMODE((here.files / private).stat().st_mode) == 0o600, private

    # Another `up`, at that server, finds what the first has made: they share the data folder.
    again = Up(program, here.folder, "--endpoint", endpoint)
    document = again.json()
    assert_works(again, document, Served(endpoint))
    assert again.json() | {"seconds": 0} == document | {"seconds": 0}

    # Stopped and started again, it is all there still.
    assert here.stop() == 0
    endpoint = here.start().wait_until_ready()
    found = here.steps()
    assert found["cluster"].startswith(f"found {document['cluster_id']}")
    assert {found[step] for step in ["initialized", "activated", "connected"]} == {"found"}
    assert found["key"] == f"found {document['key_id']}"
    assert_works(again, document | {"endpoint": endpoint}, Served(endpoint))


def test_a_shell_is_set_up_by_one_file(at):
    document = at.json()
    script = f". {document['environment']}; cloudhsm-cli key list; env"
    stale = {"AWS_SESSION_TOKEN": "stale", "AWS_PROFILE": "stale"}
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | stale
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, env=environment)
    assert '"error_code": 0' in done.stdout, done.stdout + done.stderr
    for line in [f"AWS_ENDPOINT_URL={document['endpoint']}", "AWS_ACCESS_KEY_ID=test", "AWS_DEFAULT_REGION=us-east-1"]:
        assert line in done.stdout.splitlines()
    assert "stale" not in done.stdout


def test_a_key_is_asked_for_again_where_kms_has_not_heard_from_the_hsms(at, fresh_node):
    faults, cloudtrail = Faults(fresh_node), sdk.client(fresh_node, "cloudtrail")
    faults.set("call-fails", "kms:CreateKey", "--error-code", "CloudHsmClusterInvalidConfigurationException")
    at.start("--json")
    asked = [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]
    wait_until(lambda: len(cloudtrail.lookup_events(LookupAttributes=asked)["Events"]) > 1, "a second call", WHOLE)
    faults.clear()
    assert at.process.wait(WHOLE) == 0, at.said()
    assert len(sdk.client(fresh_node, "kms").list_keys()["Keys"]) == 1


STEPS = ["server", "cluster", "first HSM", "initialized", "activated", "users", "key store", "connected", "key"]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_cut_off_at_any_step_it_goes_on_from_there(at, fresh_node, step):
    at.start("--json")
    at.wait_for_step(step)
    at.kill()
    document = at.json()
    assert_works(at, document, fresh_node)
    clusters = sdk.client(fresh_node, "cloudhsmv2").describe_clusters()["Clusters"]
    assert len(clusters) == 1
    kms = sdk.client(fresh_node, "kms")
    assert len(kms.describe_custom_key_stores()["CustomKeyStores"]) == 1
    assert len(kms.list_keys()["Keys"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", ["first HSM", "activated", "connected"])
def test_cut_off_with_its_server_it_goes_on_from_there(here, program, step):
    here.start()
    here.wait_for_step(step)
    here.kill()
    endpoint = here.start().wait_until_ready()
    again = Up(program, here.folder, "--endpoint", endpoint)
    assert_works(again, again.json(), Served(endpoint))


@pytest.mark.slow
def test_what_is_missing_is_made_again(at, fresh_node):
    document = at.json()
    kms, cloudhsm = sdk.client(fresh_node, "kms"), sdk.client(fresh_node, "cloudhsmv2")
    sealed = kms.encrypt(KeyId=document["key_id"], Plaintext=b"letter")["CiphertextBlob"]

    # An HSM, the connection, the key's schedule and its alias.
    lost = document["hsms"][0]["hsm_id"]
    cloudhsm.delete_hsm(ClusterId=document["cluster_id"], HsmId=lost)
    kms.disconnect_custom_key_store(CustomKeyStoreId=document["custom_key_store_id"])
    kms.delete_alias(AliasName=document["alias"])
    kms.disable_key(KeyId=document["key_id"])
    again = at.json()
    assert_works(at, again, fresh_node)
    assert lost not in {hsm["hsm_id"] for hsm in again["hsms"]}
    assert again["key_id"] == document["key_id"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"letter"

    # The password of `kmsuser`, changed behind KMS's back.
    named = {"CustomKeyStoreId": document["custom_key_store_id"]}
    kms.disconnect_custom_key_store(**named)

    def state() -> str:
        return kms.describe_custom_key_stores(**named)["CustomKeyStores"][0]["ConnectionState"]

    wait_until(lambda: state() == "DISCONNECTED", "KMS logged out", PATIENCE)
    change = ["user", "change-password", "--username", "kmsuser", "--role", "crypto-user"]
    at.tool(again, "admin").run(*change, "--password", "Something-else7")
    assert_works(at, at.json(), fresh_node)


@pytest.mark.parametrize("key", ["rsa:2048", "ec"])
def test_an_authority_of_ones_own_signs(at, fresh_node, tmp_path, key):
    ca, ca_key = tmp_path / "ca.crt", tmp_path / "ca.key"
    kind = ["rsa:2048"] if key.startswith("rsa") else ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]
    subject = ["-subj", "/C=CH/O=Example/OU=one/OU=two/CN=Example CA"]
    openssl("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", ca_key, "-days", "99", *subject, "-out", ca)
    document = at.json("--ca-cert", ca, "--ca-key", ca_key)
    assert_works(at, document, fresh_node)
    assert not (at.files / "localCA.key").exists()
    clusters = sdk.client(fresh_node, "cloudhsmv2").describe_clusters()["Clusters"]
    certificate = tmp_path / "cluster.crt"
    certificate.write_text(clusters[0]["Certificates"]["ClusterCertificate"])
    openssl("verify", "-CAfile", ca, certificate)

    # The same again is found; another cannot take its place.
    assert at.json("--ca-cert", ca, "--ca-key", ca_key)["cluster_id"] == document["cluster_id"]
    other, other_key = tmp_path / "other.crt", tmp_path / "other.key"
    openssl("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", other_key, "-days", "99", *subject, "-out", other)
    assert "another authority" in at.refused("up", "--ca-cert", other, "--ca-key", other_key)
    assert "is not the private key of" in at.refused("up", "--ca-cert", ca, "--ca-key", other_key)


def test_down_undoes_and_up_begins_anew(at, fresh_node):
    document = at.json()
    kms, cloudhsm = sdk.client(fresh_node, "kms"), sdk.client(fresh_node, "cloudhsmv2")
    mine = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=document["custom_key_store_id"])["KeyMetadata"]
    assert mine["KeyId"] in at.refused("down")
    assert kms.describe_key(KeyId=document["alias"])["KeyMetadata"]["KeyState"] == "Enabled"

    # AWS's rules keep the key for seven days, and the key store as long.
    said = at.done("down", "--all-keys")
    assert document["custom_key_store_id"] in said
    assert "--now" in said
    (cluster,) = cloudhsm.describe_clusters()["Clusters"]
    assert cluster["State"] == "DELETED"
    assert cluster["Hsms"] == []
    assert kms.describe_key(KeyId=document["key_id"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert document["custom_key_store_id"] in at.done("down"), "nothing has changed"

    # Meanwhile another deployment comes, with the same names.
    another = at.json()
    assert_works(at, another, fresh_node)
    assert another["cluster_id"] != document["cluster_id"]
    assert another["custom_key_store_name"] == document["custom_key_store_name"]

    # Who asks for it gets the clock moved, and nothing stays.
    assert "Nothing is left" in at.done("down", "--now")
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    assert kms.list_keys()["Keys"] == []
    assert [file.name for file in at.files.iterdir()] == ["taken-down.json"], "for its backups"
    assert "Nothing is left" in at.done("down")


def test_down_starts_a_server_if_none_is_given(here):
    here.start().wait_until_ready()
    for command in ["up", "down"]:
        assert "--endpoint" in here.refused(command), "its data folder is taken"
    assert here.stop() == 0
    assert "Nothing is left" in here.done("down", "--now")
    assert [file.name for file in here.files.iterdir()] == ["taken-down.json"]


def test_a_server_that_began_anew_gets_a_new_deployment(at, fresh_node):
    first = at.json()
    reset = ["curl", "-sf", "-X", "POST", "-H", "x-strongroom-dev: 1", f"{fresh_node.endpoint}/_strongroom/reset"]
    subprocess.run(reset, check=True, timeout=PATIENCE, capture_output=True)
    second = at.json()
    assert second["cluster_id"] != first["cluster_id"]
    assert_works(at, second, fresh_node)


def test_with_a_server_of_its_own_json_comes_when_all_is_ready(here):
    here.start("--json")

    def whole() -> dict | None:
        """The document, unless it is still being written."""
        try:
            return here.check_runs() and json.loads(here.output.read_text())
        except json.JSONDecodeError:
            return None

    document = wait_until(whole, "the document", WHOLE)
    assert document.keys() == MEMBERS.keys()
    assert sdk.client(Served(document["endpoint"]), "kms").describe_key(KeyId=document["alias"])
    assert here.stop() == 0


def test_one_at_a_time(at):
    at.files.mkdir(parents=True)
    with (at.files / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "is at work" in at.refused("up", "--json")
    assert at.json()["cluster_id"]


def test_the_limit_of_clusters_is_told_with_what_to_do(at, fresh_node):
    cloudhsm, ec2 = sdk.client(fresh_node, "cloudhsmv2"), sdk.client(fresh_node, "ec2")
    (subnet, *_) = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    for _ in range(4):
        cloudhsm.create_cluster(HsmType="hsm2m.medium", Mode="FIPS", SubnetIds=[subnet["SubnetId"]])
    said = at.refused("up")
    assert "reached the limit" in said
    assert "delete-cluster" in said


def test_what_stands_in_the_way_is_told_with_what_to_do(program, fresh_node, tmp_path):
    listen = fresh_node.endpoint.removeprefix("http://")
    assert "--endpoint" in Up(program, tmp_path / "a", "--listen", listen).refused("up")
    missing = Up(program, tmp_path / "b", "--listen", "127.0.0.1:0", "--hsmd", "/nonexistent/hsmd")
    assert "make build" in missing.refused("up")
    nobody = Up(program, tmp_path / "c", "--endpoint", "http://127.0.0.1:9")
    assert "strongroom dev" in nobody.refused("up")
    at = Up(program, tmp_path / "d", "--endpoint", fresh_node.endpoint)
    wrong = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "wrong"}
    assert "SignatureDoesNotMatch" in at.refused("up", **wrong)
    assert "--ca-key" in at.run("up", "--ca-cert", "x").stderr
    (tmp_path / "e/data/up").mkdir(parents=True)
    (tmp_path / "e/data/up/state.json").write_text("[]")
    assert "not a state file" in Up(program, tmp_path / "e", "--endpoint", fresh_node.endpoint).refused("up")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--crypto-user", "kmsuser"),
        ("--crypto-user", "Admin"),
        ("--crypto-user", "a b:c"),
        ("--crypto-user", "u" * 32),
        ("--alias", "my-hsm-key"),
        ("--alias", "alias/aws/mine"),
        ("--alias", "alias/"),
    ],
)
def test_names_that_nobody_takes_are_told_at_once(program, tmp_path, wrong):
    done = Up(program, tmp_path / "up").run("up", *wrong)
    assert done.returncode == 2
    assert wrong[0] in done.stderr
    assert not (tmp_path / "up/data").exists()


def test_the_crypto_user_s_name_can_be_changed_until_it_is_made(at, fresh_node):
    iam = sdk.client(fresh_node, "iam")
    iam.create_user(UserName="ann")
    but_hsms = policy.document(allow("*"), deny("cloudhsm:CreateHsm"))
    iam.put_user_policy(UserName="ann", PolicyName="no-hsms", PolicyDocument=but_hsms)
    ann = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": ann["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": ann["SecretAccessKey"]}
    assert "cloudhsm:CreateHsm" in at.refused("up", "--crypto-user", "first", **keys)
    state = at.files / "state.json"
    contents = json.loads(state.read_text())
    contents["deployments"][0]["crypto_user"] = "not good: too long and with spaces"
    state.write_text(json.dumps(contents))
    made = at.json("--crypto-user", "second")
    assert made["crypto_user"]["username"] == "second"
    assert at.tool(made).run("key", "list").data["total_key_count"] == 0
    assert at.json("--crypto-user", "third")["crypto_user"]["username"] == "second"


def test_at_a_server_that_does_nothing_beyond_aws_the_key_does_not_rotate(here):
    here.start("--compat-strict").wait_until_ready()
    assert here.steps()["rotation"].startswith("none")
    assert "not rotated" in here.said()
    assert here.stop() == 0
    here.start("--compat-strict").wait_until_ready()


def test_deployments_that_their_server_has_forgotten_make_room(at, fresh_node):
    first = at.json()
    state = at.files / "state.json"
    contents = json.loads(state.read_text())
    (deployment,) = contents["deployments"]
    contents["deployments"] = [deployment | {"token": f"token-{place}"} for place in range(64)]
    state.write_text(json.dumps(contents))
    reset = ["curl", "-sf", "-X", "POST", "-H", "x-strongroom-dev: 1", f"{fresh_node.endpoint}/_strongroom/reset"]
    subprocess.run(reset, check=True, timeout=PATIENCE, capture_output=True)
    assert at.json()["cluster_id"] != first["cluster_id"]
    tokens = [one["token"] for one in json.loads(state.read_text())["deployments"]]
    assert tokens[:-1] == [f"token-{place}" for place in range(1, 64)]


def test_an_hsm_that_is_down_is_named(at, fresh_node):
    document = at.json()
    down = document["hsms"][0]["hsm_id"]
    fault = [at.program, "fault", "--endpoint", fresh_node.endpoint]
    subprocess.run([*fault, "set", "hsm-down", down], check=True, timeout=PATIENCE, capture_output=True)
    at.start("--json")
    wait_until(lambda: at.check_runs() and f"{down} is DEGRADED" in at.said(), "the HSM named", PATIENCE)
    subprocess.run([*fault, "clear", "--all"], check=True, timeout=PATIENCE, capture_output=True)
    assert at.process.wait(WHOLE) == 0


@pytest.mark.parametrize("command", ["up", "down"])
def test_help_teaches(program, tmp_path, command):
    done = Up(program, tmp_path).run(command, "--help")
    assert done.returncode == 0
    assert "--endpoint" in done.stdout
