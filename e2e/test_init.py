"""What `strongroom init` makes, and what it leaves alone; accounts and root users, for whoever runs the machine."""

import json
import subprocess

import pytest

from rig import sdk
from rig.authenticator import enable
from rig.production import Production


@pytest.fixture
def place(program, tmp_path):
    server = Production(program, tmp_path)
    yield server
    server.ensure_gone()
    assert "panicked" not in server.said()


def files(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_shows_what_a_person_needs_to_begin(place):
    said = place.ran("init", "--config", place.config, "--data-dir", place.data, "--name", "kms.example.test")
    for line in [
        f"  configuration  {place.config}",
        "  export AWS_ENDPOINT_URL=https://kms.example.test:8443",
        f"  export AWS_CA_BUNDLE={place.config.parent}/tls/ca.pem",
        "  export AWS_ACCESS_KEY_ID=AKIA",
        "  export AWS_SECRET_ACCESS_KEY=",
        f"  strongroom serve --config {place.config}",
    ]:
        assert line in said, said


def test_paths_may_be_relative_to_where_it_is_run(place):
    command = [place.program, "init", "--json", "--config", "strongroom.toml", "--data-dir", "data"]
    made = subprocess.run(
        [*command, "--listen", "127.0.0.1:0"], cwd=place.folder, env=place.environment, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    place.root = json.loads(made.stdout)
    assert place.root["data"] == str(place.folder / "data")
    place.config = place.folder / "strongroom.toml"
    place.start()
    place.as_root()("sts", "get-caller-identity")


def test_what_is_there_is_not_touched(place):
    place.init()
    before = files(place.folder)
    assert "is not empty, and nothing that is there is touched" in place.refused("init", "--config", place.config)
    said = place.refused("init", "--config", place.config, "--listen", "127.0.0.1:1")
    assert said.startswith(f"{place.config} is there already, and options do not change it")
    other = place.folder / "other.toml"
    assert "is not empty" in place.refused("init", "--config", other, "--data-dir", place.data)
    other.unlink(missing_ok=True)
    after = files(place.folder)
    assert {path: after[path] for path in before} == before


def test_what_was_cut_off_is_not_served(place):
    place.init()
    (place.data / "init.unfinished").touch()
    assert "was cut off" in place.refused("serve", "--config", place.config)
    assert "was cut off" in place.refused("init", "--config", place.config)
    assert "was cut off" in place.refused("account", "list", "--config", place.config)


def test_a_configuration_that_was_written_before_is_made(place):
    place.config.parent.mkdir()
    place.config.write_text(f'[data]\ndir = "{place.data}"\n[server]\nlisten = "127.0.0.1:0"\n')
    place.root = json.loads(place.ran("init", "--json", "--config", place.config))
    place.start()
    assert place.scheme == "http"
    assert place.as_root()("sts", "get-caller-identity")["Account"] == place.root["account"]


def test_a_certificate_of_one_s_own(place, program, tmp_path):
    other = Production(program, tmp_path / "other")
    other.folder.mkdir()
    other.init()
    tls = other.config.parent / "tls"
    place.init("--certificate", tls / "server.pem", "--key", tls / "server.key")
    assert place.root["ca_bundle"] is None
    place.root["ca_bundle"] = other.root["ca_bundle"]
    place.start()
    place.as_root()("sts", "get-caller-identity")


def test_a_passphrase(place):
    passphrase = place.folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    place.init("--passphrase-file", passphrase)
    assert not (place.data / "seal/slot-file.key").exists()
    place.start()
    place.as_root()("kms", "create-key")
    place.stop()
    passphrase.write_text("another horse, another staple\n")
    said = place.refused("serve", "--config", place.config)
    assert "passphrase" in said
    assert "horse" not in said
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o644)
    assert "everyone may read" in place.refused("serve", "--config", place.config)


def test_no_password_in_an_argument(place):
    said = place.refused("init", "--config", place.config, "--store", "postgres://me:secret@127.0.0.1/db")
    assert "everyone on this machine can see a password in --store" in said
    assert not place.config.exists()


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_accounts_are_made_and_listed(place, is_running):
    place.init("--account-id", "111122223333", "--account-name", "first")
    if is_running:
        place.start()
    made = place.account("create", "second", "--account-id", "222233334444")
    assert made["account"] == "222233334444"
    drawn = place.account("create", "third")
    listed = {account["account"]: account["name"] for account in place.account("list")}
    assert listed == {"111122223333": "first", "222233334444": "second", drawn["account"]: "third"}
    again = place.refused("account", "create", "again", "--account-id", "222233334444", "--config", place.config)
    assert again.startswith("account 222233334444 is there already")
    assert "1 to 50 characters" in place.refused("account", "create", "x" * 51, "--config", place.config)
    if not is_running:
        place.start()
    for credential in [place.root, made, drawn]:
        identity = place.as_root(credential)("sts", "get-caller-identity")
        assert identity["Account"] == credential["account"]
    # Each is on its own.
    key = place.as_root(made)("kms", "create-key")["KeyMetadata"]["Arn"]
    assert place.as_root().refused("kms", "describe-key", "--key-id", key).code == "AccessDeniedException"
    events = place.as_root(made)("cloudtrail", "lookup-events")["Events"]
    assert "CreateAccount" in {event["EventName"] for event in events}


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_a_root_user_s_credential_is_replaced(place, is_running):
    place.init().start()
    root = place.as_root()
    own = root("iam", "create-access-key")["AccessKey"]
    iam = sdk.client(place, "iam", access_key_id=root.access_key_id, secret_access_key=root.secret_access_key)
    enable(iam, place.root["account"], "phone")
    assert root("iam", "get-account-summary")["SummaryMap"]["AccountMFAEnabled"] == 1
    if not is_running:
        place.stop()
    renewed = place.reset_root(place.root["account"])
    assert renewed["account"] == place.root["account"]
    if not is_running:
        place.start()
    assert place.as_root(renewed)("sts", "get-caller-identity")["Account"] == place.root["account"]
    for lost in [root, root.as_(own)]:
        assert lost.refused("sts", "get-caller-identity").code == "InvalidClientTokenId"
    summary = place.as_root(renewed)("iam", "get-account-summary")["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (0, 1)
    left = place.as_root(renewed)("iam", "list-access-keys")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in left] == [renewed["access_key_id"]]
    said = place.refused("root", "reset", "999999999999", "--config", place.config)
    assert said.startswith("there is no account 999999999999")
