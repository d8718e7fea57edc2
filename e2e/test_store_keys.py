"""Keys in a custom key store: every operation, computed in the HSMs, and what the HSMs keep of them."""

import json

import pytest

from rig import development, sdk
from rig.node import PATIENCE, wait_until
from rig.store import PATIENT, Store

CONTEXT = {"purpose": "letters"}


@pytest.fixture
def server_options() -> tuple[str, ...]:
    return PATIENT


@pytest.fixture
def kms(store):
    return store.kms


@pytest.fixture
def key(store) -> dict:
    return store.create_key(Description="letters")


def computed(store: Store, call) -> int:
    """How many operations of the HSMs a call takes."""
    before = sum(store.operations().values())
    call()
    return sum(store.operations().values()) - before


def test_the_hsms_compute_each_call_in_one_operation(store, kms, key):
    arn, other = key["Arn"], store.create_key()["Arn"]
    sealed = kms.encrypt(KeyId=arn, Plaintext=b"a letter", EncryptionContext=CONTEXT)["CiphertextBlob"]
    calls = {
        "Encrypt": lambda: kms.encrypt(KeyId=arn, Plaintext=b"x"),
        "Decrypt": lambda: kms.decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT),
        "ReEncrypt": lambda: kms.re_encrypt(
            CiphertextBlob=sealed, SourceEncryptionContext=CONTEXT, DestinationKeyId=other
        ),
        "GenerateDataKey": lambda: kms.generate_data_key(KeyId=arn, KeySpec="AES_256"),
        "GenerateDataKeyWithoutPlaintext": lambda: kms.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=64),
        "GenerateRandom": lambda: kms.generate_random(NumberOfBytes=1024, CustomKeyStoreId=store.store_id),
    }
    assert {name: computed(store, call) for name, call in calls.items()} == dict.fromkeys(calls, 1)


def test_what_is_sealed_in_the_hsms_opens_and_nothing_else_does(store, kms, key):
    arn = key["Arn"]
    sealed = kms.encrypt(KeyId=arn, Plaintext=b"a letter", EncryptionContext=CONTEXT)
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (arn, "SYMMETRIC_DEFAULT")
    blob = sealed["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"a letter", arn)

    with sdk.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    altered = blob[:-1] + bytes([blob[-1] ^ 1])
    with sdk.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=altered, EncryptionContext=CONTEXT)
    with sdk.refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=store.create_key()["Arn"])

    data_key = kms.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=CONTEXT)
    opened = kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == data_key["Plaintext"]
    assert len(opened["Plaintext"]) == 32
    sealed = kms.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=24)
    assert "Plaintext" not in sealed
    assert len(kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"]) == 24
    for size in (1, 4096):
        blob = kms.encrypt(KeyId=arn, Plaintext=bytes(size))["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == bytes(size)

    random = [kms.generate_random(NumberOfBytes=32, CustomKeyStoreId=store.store_id)["Plaintext"] for _ in range(2)]
    assert [len(each) for each in random] == [32, 32]
    assert random[0] != random[1]


def test_a_ciphertext_moves_between_the_store_and_kms_itself(store, kms, key):
    built_in, second = kms.create_key()["KeyMetadata"]["Arn"], store.create_key()["Arn"]
    ways = [(key["Arn"], second), (key["Arn"], built_in), (built_in, key["Arn"])]
    for source, destination in ways:
        blob = kms.encrypt(KeyId=source, Plaintext=b"moving", EncryptionContext=CONTEXT)["CiphertextBlob"]
        moved = kms.re_encrypt(
            CiphertextBlob=blob,
            SourceEncryptionContext=CONTEXT,
            DestinationKeyId=destination,
            DestinationEncryptionContext={"to": "there"},
        )
        assert (moved["SourceKeyId"], moved["KeyId"]) == (source, destination)
        opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"to": "there"})
        assert (opened["Plaintext"], opened["KeyId"]) == (b"moving", destination)


def test_a_key_is_disabled_asked_first_and_named_as_any_other(store, kms, key):
    arn = key["Arn"]
    kms.create_alias(AliasName="alias/in-the-store", TargetKeyId=arn)
    kms.tag_resource(KeyId=arn, Tags=[{"TagKey": "team", "TagValue": "red"}])
    assert kms.encrypt(KeyId="alias/in-the-store", Plaintext=b"x")["KeyId"] == arn
    with sdk.refused("DryRunOperationException"):
        kms.encrypt(KeyId=arn, Plaintext=b"x", DryRun=True)
    kms.disable_key(KeyId=arn)
    with sdk.refused("DisabledException"):
        kms.encrypt(KeyId=arn, Plaintext=b"x")
    kms.enable_key(KeyId=arn)
    kms.encrypt(KeyId=arn, Plaintext=b"x")
    # KMS reads it in the journal, and does not wait for long until it has.
    last = lambda: kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"].get("Operation")  # noqa: E731
    wait_until(lambda: last() == "Encrypt", "the key's last use")
    kms.delete_alias(AliasName="alias/in-the-store")


def test_the_hsms_keep_the_key_sensitive_and_never_give_it_away(store, kms, key):
    (found,) = store.keys_in_hsms(key["Arn"])
    attributes = found["attributes"]
    assert (attributes["key-type"], attributes["key-length-bytes"], attributes["label"]) == ("aes", 32, key["Arn"])
    expected = {
        "encrypt": True, "decrypt": True, "token": True, "private": True, "local": True,
        "sensitive": True, "always-sensitive": True, "extractable": False, "never-extractable": True,
        "wrap": False, "unwrap": False, "sign": False, "verify": False, "trusted": False,
    }  # fmt: skip
    assert {name: attributes[name] for name in expected} == expected
    info = found["key-info"]
    assert [owner["username"] for owner in info["key-owners"]] == ["kmsuser"]
    assert info["shared-users"] == []
    assert info["cluster-coverage"] == "full"


def test_while_the_store_is_disconnected_its_keys_are_unavailable_and_then_as_before(store, kms, key):
    built_in = kms.create_key()["KeyMetadata"]["Arn"]
    arn, disabled, pending = key["Arn"], store.create_key()["Arn"], store.create_key()["Arn"]
    blob = kms.encrypt(KeyId=arn, Plaintext=b"a letter")["CiphertextBlob"]
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(KeyId=pending, PendingWindowInDays=7)
    states = lambda: [  # noqa: E731
        kms.describe_key(KeyId=each)["KeyMetadata"]["KeyState"] for each in (arn, disabled, pending, built_in)
    ]
    before = states()
    assert before == ["Enabled", "Disabled", "PendingDeletion", "Enabled"]

    store.disconnect()
    assert states() == ["Unavailable", "Unavailable", "PendingDeletion", "Enabled"]
    for call in (
        lambda: kms.encrypt(KeyId=arn, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=arn, KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=built_in),
    ):
        with sdk.refused("KMSInvalidStateException"):
            call()
    with sdk.refused("CustomKeyStoreInvalidStateException"):
        store.create_key()
    with sdk.refused("CustomKeyStoreInvalidStateException"):
        kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=store.store_id)

    store.connect()
    assert states() == before
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a letter"


@pytest.mark.slow
def test_a_key_that_is_deleted_is_gone_from_the_hsms(fresh_node, own_store):
    store, kms = own_store, own_store.kms
    arn, away, kept = (store.create_key()["Arn"] for _ in range(3))
    kms.rotate_key_on_demand(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    development.advance(fresh_node, days=8)
    with sdk.refused("NotFoundException"):
        kms.describe_key(KeyId=arn)
    assert store.keys_in_hsms(arn) == []
    (record,) = deletions(fresh_node)
    assert json.loads(record["additionalEventData"]["backingKeysDeletionStatus"])

    # Deleted while the store is away: gone from the HSMs when it is back.
    kms.schedule_key_deletion(KeyId=away, PendingWindowInDays=7)
    store.disconnect()
    development.advance(fresh_node, days=8)
    with sdk.refused("NotFoundException"):
        kms.describe_key(KeyId=away)
    store.connect()
    # That is begun when it is back, and cut off where it is disconnected first, as it is to look into the HSMs.
    wait_until(lambda: store.keys_in_hsms(away) == [], "the end of a key in the HSMs", 2 * PATIENCE)
    assert len(store.keys_in_hsms(kept)) == 1


def deletions(node) -> list[dict]:
    """The records of keys that KMS has deleted."""
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "DeleteKey"}]
    events = sdk.client(node, "cloudtrail").lookup_events(LookupAttributes=attributes)["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in events]
