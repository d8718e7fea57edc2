"""A server that does what AWS does and nothing beyond: `--compat-strict`."""

from rig import sdk
from rig.store import KMSUSER_PASSWORD, Store

NOT_VALID = "origin is AWS_CLOUDHSM which is not valid for this operation."


def test_what_goes_beyond_aws_is_refused_as_aws_refuses_it(strict_cluster):
    store = Store(strict_cluster).create_kmsuser()
    kms = store.kms
    anchor = {"TrustAnchorCertificate": strict_cluster.authority.certificate.read_text()}
    password = {"KeyStorePassword": KMSUSER_PASSWORD}
    for incomplete in (anchor, password, {}):
        with sdk.refused("ValidationException"):
            store.create(**incomplete)
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    store.create(**anchor, **password).connect()
    with sdk.refused("CustomKeyStoreNameInUseException"):
        store.create(**anchor, **password)

    key = store.create_key()
    arn = key["Arn"]
    for call in (
        lambda: kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=90),
        lambda: kms.rotate_key_on_demand(KeyId=arn),
        lambda: kms.disable_key_rotation(KeyId=arn),
    ):
        with sdk.refused("UnsupportedOperationException") as refused:
            call()
        assert refused.message == f"{arn} {NOT_VALID}"
    for spec, usage in (
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ):
        with sdk.refused("UnsupportedOperationException"):
            store.create_key(KeySpec=spec, KeyUsage=usage)
    client = sdk.client(store.cluster.aws.node, "kms", parameter_validation=False)
    with sdk.refused("ValidationException"):
        client.create_key(Origin="CLOUDHSM", CustomKeyStoreId=store.store_id)

    # What AWS has works as ever.
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert len(store.keys_in_hsms(arn)) == 1
