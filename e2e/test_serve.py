"""A server in production, as its operator and its callers use it."""

import base64
import json
import os
import re
import shutil
import socket
import ssl
import time
import urllib.error
from contextlib import suppress
from pathlib import Path

import pytest

from rig import disk, expected, sdk
from rig.node import PATIENCE, Node, wait_until
from rig.production import Production
from rig.provider import AUDIENCE, Provider


@pytest.fixture(scope="module")
def shared_server(program, tmp_path_factory):
    server = Production(program, tmp_path_factory.mktemp("production")).init("--name", "kms.example.test")
    yield server.start()
    server.ensure_gone()
    assert "panicked" not in server.said()


@pytest.fixture
def server(shared_server):
    yield shared_server
    shared_server.assert_sound()


def contents(server: Production) -> dict[Path, bytes]:
    """Every file of the data folder, but for what SQLite has beside its own while it is open."""
    files = (path for path in server.data.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if not path.name.endswith(("-shm", "-wal"))}


def test_the_stock_cli_calls_over_https(server, tmp_path):
    aws = server.as_root()
    identity = aws("sts", "get-caller-identity")
    assert identity["Account"] == server.root["account"]
    assert identity["Arn"] == f"arn:aws:iam::{server.root['account']}:root"
    key = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"over TLS")
    blob = aws("kms", "encrypt", "--key-id", key, "--plaintext", f"fileb://{plain}")["CiphertextBlob"]
    sealed.write_bytes(base64.b64decode(blob))
    opened = aws("kms", "decrypt", "--ciphertext-blob", f"fileb://{sealed}")["Plaintext"]
    assert base64.b64decode(opened) == b"over TLS"


def test_records_tell_of_the_connection(server):
    aws = server.as_root()
    aws("kms", "list-aliases")
    selected = ("--lookup-attributes", "AttributeKey=EventName,AttributeValue=ListAliases")
    found = wait_until(lambda: aws("cloudtrail", "lookup-events", *selected)["Events"], "the record")
    details = json.loads(found[0]["CloudTrailEvent"])["tlsDetails"]
    assert details["tlsVersion"] == "TLSv1.3"
    assert details["cipherSuite"].startswith("TLS_AES_")
    assert details["clientProvidedHostHeader"] == f"localhost:{server.port}"


def test_who_does_not_trust_the_authority_sends_nothing(server):
    stranger = server.as_root().with_(node=Untrusting(server))
    done = stranger.run("sts", "get-caller-identity")
    assert done.returncode != 0
    assert "SSL validation failed" in done.stderr


class Untrusting:
    """The same server, without its authority."""

    ca_bundle = None

    def __init__(self, server: Production):
        self.endpoint = server.endpoint


def handshake(server: Production, name: str = "localhost", **bounds) -> tuple[str, str | None, dict]:
    """Version, protocol and certificate of a connection."""
    context = ssl.create_default_context(cafile=server.ca_bundle)
    context.set_alpn_protocols(bounds.pop("alpn", ["h2", "http/1.1"]))
    for bound, version in bounds.items():
        setattr(context, bound, version)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        return wrapped.version(), wrapped.selected_alpn_protocol(), wrapped.getpeercert()


def test_tls_is_1_2_or_1_3_and_http_2_where_it_is_spoken(server):
    assert handshake(server)[:2] == ("TLSv1.3", "h2")
    older = ssl.TLSVersion.TLSv1_2
    assert handshake(server, maximum_version=older, alpn=["http/1.1"])[:2] == ("TLSv1.2", "http/1.1")
    with pytest.raises(ssl.SSLError):
        handshake(server, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)


def test_the_certificate_is_for_the_names_that_were_asked_for(server):
    for name in ["kms.example.test", "localhost", "127.0.0.1"]:
        handshake(server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, "other.example.test")


def test_the_metrics_tell_when_the_certificate_runs_out(server):
    end = ssl.cert_time_to_seconds(handshake(server)[2]["notAfter"])
    with server.open("/_strongroom/metrics") as answer:
        lines = answer.read().decode().splitlines()
    name, left = next(line for line in lines if line.startswith("strongroom_tls_certificate_")).split(" ")
    assert name == "strongroom_tls_certificate_expires_seconds"
    assert abs(end - time.time() - float(left)) < 60


def test_plain_http_is_not_answered(server):
    address = ("127.0.0.1", server.port)
    # It may hang up before it has read all of that.
    with socket.create_connection(address, timeout=PATIENCE) as plain, suppress(ConnectionError):
        plain.sendall(b"GET /_strongroom/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(1000)


def test_the_secret_is_kept_nowhere_in_the_clear(server):
    secret = server.root["secret_access_key"].encode()
    server.as_root()("sts", "get-caller-identity")
    for path, content in disk.contents(server.folder):
        assert secret not in content, path


def test_what_is_secret_is_its_owners_only(server):
    # A server at work may take files away meanwhile, and folders.
    for place, folders, files in os.walk(server.data):
        for name in folders + files:
            path = Path(place, name)
            with suppress(FileNotFoundError):
                assert path.lstat().st_mode & 0o077 == 0, path
    for name in ["server.key", "ca.key"]:
        assert (server.config.parent / "tls" / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["clock", "reset", "faults", "faults/x"])
def test_development_s_endpoints_are_not_there(server, path):
    for method in ["GET", "POST", "DELETE"]:
        asked = {"method": method, "headers": {"x-strongroom-dev": "1"}, "data": b"{}" if method == "POST" else None}
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.open(f"/_strongroom/{path}", **asked)
        # As at every path that is nobody's.
        with pytest.raises(urllib.error.HTTPError) as elsewhere:
            server.open("/_strongroom/nothing-of-the-kind", **asked)
        assert refused.value.code == elsewhere.value.code
        texts = [re.sub(rb"[0-9a-f-]{36}", b"ID", error.value.read()) for error in (refused, elsewhere)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("known", ["test", "000000000000", "111122223333"])
def test_credentials_that_everyone_knows_are_none(server, known):
    aws = server.as_root().with_(access_key_id=known, secret_access_key="test")
    assert aws.refused("sts", "get-caller-identity").code == "InvalidClientTokenId"


def test_providers_of_identities_on_this_machine_are_none(server, tmp_path):
    iam = sdk.client(server, "iam", **keys(server.root))
    for tls in [True, False]:
        provider = Provider(tmp_path, tls=tls)
        with sdk.refused("ValidationError") as refused:
            iam.create_open_id_connect_provider(Url=provider.issuer, ClientIDList=[AUDIENCE])
        assert refused.message == "Invalid Open ID Connect Provider URL"
        assert provider.asked == []
        provider.close()


def keys(given: dict) -> dict:
    return {name: given[name] for name in ("access_key_id", "secret_access_key")}


def test_fixed_key_ids_and_material_are_development_s(server):
    kms = sdk.client(server, "kms", **keys(server.root))
    tags = [{"TagKey": "_custom_id_", "TagValue": "1234abcd-12ab-34cd-56ef-1234567890ab"}]
    key = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    assert key != "1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_seed_is_planted_unless_it_has_secrets(made, tmp_path):
    account = made.root["account"]
    user = {"UserName": "alice", "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}
    seed = tmp_path / "seed.json"
    secret = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    with_secret = {"Accounts": [{"AccountId": account, "Users": [{**user, "AccessKeys": [secret]}]}]}
    seed.write_text(json.dumps(with_secret))
    before = contents(made)
    done = made.run("serve", "--config", made.config, "--seed", seed)
    assert done.returncode == 1
    assert "only `strongroom dev` takes secrets out of a seed" in done.stderr
    assert contents(made) == before
    seed.write_text(json.dumps({"Accounts": [{"AccountId": account, "Users": [user]}]}))
    made.start("--seed", seed)
    assert [user["UserName"] for user in made.as_root()("iam", "list-users")["Users"]] == ["alice"]


def test_asked_to_stop_it_finishes_and_what_it_has_is_kept(made):
    made.start()
    key = made.as_root()("kms", "create-key")["KeyMetadata"]["KeyId"]
    assert made.stop() == 0
    verified = made.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    made.start()
    assert made.as_root()("kms", "describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_supervisor_is_told_when_calls_are_served_and_when_it_ends(made, tmp_path):
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(place))
        supervisor.settimeout(60)
        made.environment["NOTIFY_SOCKET"] = str(place)
        made.start()
        assert supervisor.recv(100) == b"READY=1"
        assert made.stop() == 0
        assert supervisor.recv(100) == b"STOPPING=1"


def test_killed_it_serves_again(made):
    made.start()
    key = made.as_root()("kms", "create-key")["KeyMetadata"]["KeyId"]
    made.kill()
    made.start()
    made.as_root()("kms", "describe-key", "--key-id", key)
    made.stop()
    assert made.verify_audit().returncode == 0


def test_a_certificate_is_replaced_while_it_serves(made, program, tmp_path):
    made.start()
    tls = made.config.parent / "tls"
    other = Production(program, tmp_path / "other")
    other.folder.mkdir()
    other.init("--name", "replaced.example.test")
    before = handshake(made)[2]["serialNumber"]
    for name in ["server.pem", "server.key"]:
        shutil.copy(other.config.parent / "tls" / name, tls / name)
    made.hang_up()
    made.root["ca_bundle"] = other.root["ca_bundle"]

    def replaced():
        try:
            return handshake(made, "replaced.example.test")[2]["serialNumber"]
        except ssl.SSLError:
            return None

    assert wait_until(replaced, "the new certificate") != before
    # One that cannot be used leaves what there is.
    (tls / "server.pem").write_text("nothing of the kind")
    made.hang_up()
    wait_until(lambda: "the certificate stays as it was" in made.said(), "the refusal")
    assert made.is_healthy()


def test_another_seal_is_refused_before_anything_is_touched(made, program, tmp_path):
    made.start()
    made.as_root()("kms", "create-key")
    made.stop()
    other = Production(program, tmp_path / "other")
    other.folder.mkdir()
    other.init()
    seal, kept = made.data / expected.SEAL, made.folder / "kept"
    seal.rename(kept)
    before = contents(made)
    assert "without the seal they were made under they cannot be used" in made.refused("serve", "--config", made.config)
    shutil.copytree(other.data / expected.SEAL, seal)
    assert "is not the seal that this store was made under" in made.refused("serve", "--config", made.config)
    shutil.rmtree(seal)
    assert contents(made) == before
    kept.rename(seal)
    made.start()
    assert len(made.as_root()("kms", "list-keys")["Keys"]) == 1


def test_development_and_production_do_not_serve_each_other(made, program, tmp_path):
    (tmp_path / "node").mkdir()
    with pytest.raises(RuntimeError, match="is no development server's"):
        Node(program, tmp_path / "node", "--data-dir", str(made.data)).start()
    development = Node(program, tmp_path / "node").start()
    development.stop()
    other = Production(program, tmp_path / "other")
    other.config.parent.mkdir(parents=True)
    other.config.write_text(f'[data]\ndir = "{development.data}"\n')
    said = other.refused("serve", "--config", other.config)
    assert "a development server's, whose credentials everyone knows" in said


def test_two_servers_do_not_share_a_folder(made):
    made.start()
    said = made.refused("serve", "--config", made.config, STRONGROOM_SERVER_LISTEN="127.0.0.1:0")
    assert said.startswith(f"another strongroom serves from {made.data}; stop it")


def test_an_address_in_use_is_refused(made):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = made.refused("serve", "--config", made.config, STRONGROOM_SERVER_LISTEN=address)
    assert said.startswith(f"{address} cannot be listened on; stop what listens there")


def test_a_key_that_everyone_may_read_is_refused(made):
    key = made.config.parent / "tls/server.key"
    key.chmod(0o644)
    said = made.refused("serve", "--config", made.config)
    assert said == f"everyone may read {key}, which is the key of the server; run: chmod o-rwx {key}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nlisten = 7\n", "line 2, [server] listen: invalid type: integer `7`, expected socket address"),
        ("[sever]\n", "line 1"),
        ("\n[limits]\nrequests = 1\n", "line 3, [limits] requests: 1 is out of bounds; use a whole number from 16 to"),
        ('[data]\ndir = "here"\n', 'line 2, [data] dir: "here" is not an absolute path'),
        ('[server]\nlisten = "0.0.0.0:443"\n', "without TLS everyone between reads"),
        ('[store]\nurl = "oracle:secret"\n', 'line 2, [store] url: use "sqlite"'),
        ("[server\n", "line 1"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_named(program, tmp_path, text, said):
    server = Production(program, tmp_path)
    server.config.parent.mkdir()
    server.config.write_text(text)
    refusal = server.refused("serve", "--config", server.config)
    assert said in refusal
    assert str(server.config) in refusal
    assert "secret" not in refusal


def test_what_is_wrong_with_the_environment_is_named(made):
    said = made.refused("serve", "--config", made.config, STRONGROOM_LIMITS_REQUESTS="many")
    assert said.startswith("the environment variable STRONGROOM_LIMITS_REQUESTS, which is [limits] requests:")
    said = made.refused("serve", "--config", made.config, STRONGROOM_LIMIT_REQUESTS="99")
    assert said.startswith("the environment variable STRONGROOM_LIMIT_REQUESTS is no setting")


def test_without_a_configuration_it_says_where_one_comes_from(program, tmp_path):
    server = Production(program, tmp_path)
    assert "make it with `strongroom init`" in server.refused("serve", "--config", server.config)
