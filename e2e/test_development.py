"""Development mode's own requests: who may make them, and what a moved clock and a reset leave."""

import pytest

from rig import development, expected, sdk
from rig.development import CLOCK, HEADERS, RESET

DAY = 24 * 60 * 60


def without(header: str) -> dict[str, str]:
    return {name: value for name, value in HEADERS.items() if name != header}


@pytest.mark.parametrize("path", [CLOCK, RESET])
@pytest.mark.parametrize(
    "headers",
    [
        without("x-strongroom-dev"),
        HEADERS | {"x-strongroom-dev": "0"},
        HEADERS | {"host": "strongroom.example"},
        HEADERS | {"host": "127.0.0.1.strongroom.example:4566"},
        HEADERS | {"origin": "https://strongroom.example"},
        HEADERS | {"origin": "null"},
    ],
    ids=["no header", "another value", "foreign host", "host that looks like ours", "foreign origin", "no origin"],
)
def test_a_request_that_a_foreign_page_could_cause_is_refused(fresh_node, path, headers):
    kms = sdk.client(fresh_node, "kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    answer = development.post(fresh_node, path, {"advance_seconds": DAY}, headers)
    assert answer.status == 403, answer
    assert development.advance(fresh_node)["offset_seconds"] == 0
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn


@pytest.mark.parametrize(
    "document", [{"advance_seconds": -1}, {"advance_seconds": "1"}, {"advance_seconds": 10**18}, {}]
)
def test_a_move_that_makes_no_sense_is_refused(fresh_node, document):
    assert development.post(fresh_node, CLOCK, document).status == 400
    assert development.advance(fresh_node)["offset_seconds"] == 0


def test_a_moved_clock_stays_moved_when_the_server_is_killed(fresh_node):
    kms = sdk.client(fresh_node, "kms")
    before = kms.create_key()["KeyMetadata"]["CreationDate"]
    assert development.advance(fresh_node, days=400)["offset_seconds"] == 400 * DAY
    assert development.advance(fresh_node, days=1)["offset_seconds"] == 401 * DAY
    fresh_node.kill().start()
    assert development.advance(fresh_node)["offset_seconds"] == 401 * DAY
    after = kms.create_key()["KeyMetadata"]["CreationDate"]
    assert (after - before).days == 401


def test_what_came_due_before_a_kill_is_done_and_what_did_not_is_done_later(fresh_node):
    kms = sdk.client(fresh_node, "kms")
    soon, later = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.schedule_key_deletion(KeyId=soon, PendingWindowInDays=7)
    kms.schedule_key_deletion(KeyId=later, PendingWindowInDays=14)
    development.advance(fresh_node, days=8)
    fresh_node.kill().start()
    assert [key["KeyId"] for key in kms.list_keys()["Keys"]] == [later]
    development.advance(fresh_node, days=7)
    assert kms.list_keys()["Keys"] == []


def test_a_reset_leaves_an_empty_server_whose_clock_is_right(fresh_node):
    kms, cloudtrail = sdk.client(fresh_node, "kms"), sdk.client(fresh_node, "cloudtrail")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/before", TargetKeyId=key_id)
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    development.advance(fresh_node, days=1)

    development.reset(fresh_node)

    assert development.advance(fresh_node)["offset_seconds"] == 0
    assert kms.list_keys()["Keys"] == []
    assert expected.leading(kms.list_aliases()["Aliases"]) == []
    with sdk.refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob)
    names = [event["EventName"] for event in cloudtrail.lookup_events()["Events"]]
    assert "CreateKey" not in names, "the history begins anew"

    after = kms.create_key()["KeyMetadata"]["KeyId"]
    fresh_node.kill().start()
    assert [key["KeyId"] for key in kms.list_keys()["Keys"]] == [after]
