"""kill -9 takes nothing that was acknowledged."""

import threading

from rig import sdk


def test_acknowledged_keys_and_aliases_survive(fresh_node):
    kms = sdk.client(fresh_node, "kms")
    acknowledged = []
    for number in range(5):
        key_id = kms.create_key(Description=str(number))["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=key_id)
        blob = kms.encrypt(KeyId=key_id, Plaintext=b"%d" % number)["CiphertextBlob"]
        acknowledged.append((key_id, blob))
        fresh_node.kill().start()

    assert sorted(key["KeyId"] for key in kms.list_keys()["Keys"]) == sorted(key_id for key_id, _ in acknowledged)
    for number, (key_id, blob) in enumerate(acknowledged):
        described = kms.describe_key(KeyId=f"alias/{number}")["KeyMetadata"]
        assert (described["KeyId"], described["Description"]) == (key_id, str(number))
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"%d" % number


def test_no_acknowledged_call_is_missing_from_the_journal(fresh_node):
    key_id = sdk.client(fresh_node, "kms").create_key()["KeyMetadata"]["KeyId"]
    acknowledged = []
    enough = threading.Event()

    def encrypt_until_the_server_dies(name: int):
        kms = sdk.client(fresh_node, "kms")
        for number in range(10_000):
            try:
                answer = kms.encrypt(KeyId=key_id, Plaintext=b"%d %d" % (name, number))
            except Exception:  # whatever it is, the server is gone
                return
            acknowledged.append(answer["ResponseMetadata"]["RequestId"])
            if len(acknowledged) >= 100:
                enough.set()

    clients = [threading.Thread(target=encrypt_until_the_server_dies, args=(name,)) for name in range(4)]
    for client in clients:
        client.start()
    assert enough.wait(60)
    fresh_node.kill()
    for client in clients:
        client.join()

    verified = fresh_node.verify_audit()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    fresh_node.start()
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "Encrypt"}]
    pages = sdk.client(fresh_node, "cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=attributes)
    recorded = "".join(event["CloudTrailEvent"] for page in pages for event in page["Events"])
    assert [request_id for request_id in acknowledged if request_id not in recorded] == []
