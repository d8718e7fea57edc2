"""A key from its creation to its deletion, on the stock AWS CLI, with the months in between."""

import base64
import json
import time
from functools import partial

import pytest

from rig import development, expected
from rig.cli import Cli
from rig.node import wait_until

CONTEXT = "purpose=letters"

DAY = 24 * 60 * 60


@pytest.fixture
def kms(fresh_node):
    """`aws kms`, on a server whose clock may be moved."""
    return partial(Cli(fresh_node), "kms")


@pytest.fixture
def kms_refused(fresh_node):
    """`aws kms`, with something that the server must refuse."""
    return partial(Cli(fresh_node).refused, "kms")


@pytest.fixture
def key(kms) -> str:
    """The ARN of a tagged key with the alias `alias/letters`."""
    made = kms(
        "create-key", "--description", "payroll", "--tags", "TagKey=team,TagValue=blue", "TagKey=born,TagValue=tagged"
    )["KeyMetadata"]
    kms("create-alias", "--alias-name", "alias/letters", "--target-key-id", made["Arn"])
    return made["Arn"]


@pytest.fixture
def old(kms, key, tmp_path) -> str:
    """A ciphertext made while the key was young, as the CLI takes it."""
    return seal(kms, tmp_path / "old", b"a letter")


def seal(kms, path, plaintext: bytes) -> str:
    clear = path.with_suffix(".txt")
    clear.write_bytes(plaintext)
    sealed = kms(
        "encrypt", "--key-id", "alias/letters", "--plaintext", f"fileb://{clear}", "--encryption-context", CONTEXT
    )
    path.write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    return f"fileb://{path}"


def opened(kms, sealed: str) -> tuple[bytes, str]:
    """Plaintext and key material of a ciphertext."""
    answer = kms("decrypt", "--ciphertext-blob", sealed, "--encryption-context", CONTEXT)
    return base64.b64decode(answer["Plaintext"]), answer["KeyMaterialId"]


def is_about(seconds: float, days: int, after: float) -> bool:
    """Whether a time is that many days after another, give or take what the test itself takes."""
    return abs(seconds - after - days * DAY) < 120


def test_what_a_key_is_called_and_who_may_use_it_can_be_changed(kms, key):
    tag = partial(kms, "tag-resource", "--key-id", key, "--tags")
    tag("TagKey=team,TagValue=red", "TagKey=stage,TagValue=test", "TagKey=spare,TagValue=")
    kms("untag-resource", "--key-id", key, "--tag-keys", "spare", "never-there")
    tags = kms("list-resource-tags", "--key-id", key)["Tags"]
    assert {each["TagKey"]: each["TagValue"] for each in tags} == {
        "born": "tagged",
        "team": "red",
        "stage": "test",
    }

    kms("update-key-description", "--key-id", key, "--description", "letters")
    assert kms("describe-key", "--key-id", key)["KeyMetadata"]["Description"] == "letters"

    policy = json.loads(kms("get-key-policy", "--key-id", key)["Policy"])
    assert policy["Id"] == "key-default-1"
    policy["Id"] = "of-our-own"
    kms("put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", json.dumps(policy))
    kept = kms("get-key-policy", "--key-id", key, "--policy-name", "default")
    assert (json.loads(kept["Policy"]), kept["PolicyName"]) == (policy, "default")
    assert kms("list-key-policies", "--key-id", key)["PolicyNames"] == ["default"]

    second = kms("create-key")["KeyMetadata"]["Arn"]
    kms("update-alias", "--alias-name", "alias/letters", "--target-key-id", second)
    assert kms("describe-key", "--key-id", "alias/letters")["KeyMetadata"]["Arn"] == second


def test_a_key_rotates_by_itself_and_on_demand_and_opens_what_it_ever_sealed(fresh_node, kms, key, old, tmp_path):
    first = kms("describe-key", "--key-id", key)["KeyMetadata"]["CurrentKeyMaterialId"]
    kms("enable-key-rotation", "--key-id", key, "--rotation-period-in-days", 90)
    status = kms("get-key-rotation-status", "--key-id", key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    enabled = time.time()
    assert is_about(status["NextRotationDate"], 90, enabled)
    assert kms("list-key-rotations", "--key-id", key)["Rotations"] == []

    development.advance(fresh_node, days=91)

    (rotation,) = kms("list-key-rotations", "--key-id", key)["Rotations"]
    assert rotation["RotationType"] == "AUTOMATIC"
    assert rotation["KeyMaterialState"] == "CURRENT"
    assert is_about(rotation["RotationDate"], 90, enabled), "it happened when it was due, not when the clock came by"
    assert is_about(kms("get-key-rotation-status", "--key-id", key)["NextRotationDate"], 180, enabled)
    rotated = kms("describe-key", "--key-id", key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert rotated == rotation["KeyMaterialId"]
    new = seal(kms, tmp_path / "new", b"a reply")
    assert opened(kms, old) == (b"a letter", first)
    assert opened(kms, new) == (b"a reply", rotated)
    assert first != rotated

    kms("rotate-key-on-demand", "--key-id", key)
    rotations = kms("list-key-rotations", "--key-id", key)["Rotations"]
    assert {each["RotationType"]: each["KeyMaterialState"] for each in rotations} == {
        "AUTOMATIC": "NON_CURRENT",
        "ON_DEMAND": "CURRENT",
    }
    assert is_about(kms("get-key-rotation-status", "--key-id", key)["NextRotationDate"], 180, enabled)
    everything = kms("list-key-rotations", "--key-id", key, "--include-key-material", "ALL_KEY_MATERIAL")["Rotations"]
    assert first in [each["KeyMaterialId"] for each in everything]
    assert len(everything) == 3

    moved = kms(
        "re-encrypt", "--ciphertext-blob", old, "--source-encryption-context", CONTEXT,
        "--destination-key-id", "alias/letters", "--destination-encryption-context", CONTEXT,
    )  # fmt: skip
    current = kms("describe-key", "--key-id", key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, key)
    assert (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"]) == (first, current)
    (tmp_path / "moved").write_bytes(base64.b64decode(moved["CiphertextBlob"]))
    assert opened(kms, f"fileb://{tmp_path / 'moved'}") == (b"a letter", current)
    assert opened(kms, old) == (b"a letter", first)


def test_a_key_is_disabled_enabled_and_used(kms, kms_refused, key, old, tmp_path):
    def last_usage(operation: str) -> dict:
        """A server that is slow to read its journal answers what it has read so far."""
        latest = lambda: kms("get-key-last-usage", "--key-id", key)  # noqa: E731
        wait_until(lambda: latest()["KeyLastUsage"].get("Operation") == operation, f"the use by {operation}")
        return latest()

    last_usage("Encrypt")

    kms("disable-key", "--key-id", key)
    described = kms("describe-key", "--key-id", key)["KeyMetadata"]
    assert (described["KeyState"], described["Enabled"]) == ("Disabled", False)
    refusal = kms_refused("encrypt", "--key-id", key, "--plaintext", f"fileb://{tmp_path / 'old.txt'}")
    assert (refusal.code, refusal.message) == ("DisabledException", f"{key} is disabled.")
    kms("enable-key", "--key-id", key)
    described = kms("describe-key", "--key-id", key)["KeyMetadata"]
    assert (described["KeyState"], described["Enabled"]) == ("Enabled", True)
    assert opened(kms, old)[0] == b"a letter"

    sealed = kms("generate-data-key-without-plaintext", "--key-id", key, "--key-spec", "AES_128")
    assert sealed["KeyId"] == key
    assert "Plaintext" not in sealed
    assert len(base64.b64decode(kms("generate-random", "--number-of-bytes", 24)["Plaintext"])) == 24
    usage = last_usage("GenerateDataKeyWithoutPlaintext")
    assert usage["TrackingStartDate"] >= usage["KeyCreationDate"]


def test_a_key_is_deleted_saved_and_deleted_for_good(fresh_node, kms, kms_refused, key, old, tmp_path):
    scheduled = kms("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", 7)
    assert (scheduled["KeyId"], scheduled["KeyState"]) == (key, "PendingDeletion")
    assert scheduled["PendingWindowInDays"] == 7
    assert is_about(scheduled["DeletionDate"], 7, time.time())
    refusal = kms_refused("encrypt", "--key-id", key, "--plaintext", f"fileb://{tmp_path / 'old.txt'}")
    assert (refusal.code, refusal.message) == ("KMSInvalidStateException", f"{key} is pending deletion.")

    assert kms("cancel-key-deletion", "--key-id", key)["KeyId"] == key
    described = kms("describe-key", "--key-id", key)["KeyMetadata"]
    assert described["KeyState"] == "Disabled"
    assert "DeletionDate" not in described
    kms("enable-key", "--key-id", key)
    assert opened(kms, old)[0] == b"a letter"

    kms("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", 7)
    development.advance(fresh_node, days=6)
    assert kms("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    development.advance(fresh_node, days=2)
    refusal = kms_refused("describe-key", "--key-id", key)
    assert (refusal.code, refusal.message) == ("NotFoundException", f"Key '{key}' does not exist")
    assert kms("list-keys")["Keys"] == []
    assert expected.leading(kms("list-aliases")["Aliases"]) == []
    refusal = kms_refused("decrypt", "--ciphertext-blob", old, "--encryption-context", CONTEXT)
    assert (refusal.code, refusal.message) == ("AccessDeniedException", expected.FOREIGN_CIPHERTEXT)
    alias = key.rsplit(":", 1)[0] + ":alias/letters"
    refusal = kms_refused("describe-key", "--key-id", "alias/letters")
    assert (refusal.code, refusal.message) == ("NotFoundException", f"Alias {alias} is not found.")
