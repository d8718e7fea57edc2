"""The authorisation matrix: every operation of every service, called by everybody in the cast.

A line of a sheet in `matrix/expected/` is one call: what each caller is told, what permission is asked for, and what
those are answered then who are let in. A caller is told `yes` (he gets that answer), the kind of policy that does not
allow it, `deny:` and the kind that denies it, `-` (the operation is not there), or the code of another answer.
`MATRIX=write` writes the sheets anew.
"""

import difflib
import os

import pytest

from matrix import cast, service, sheet
from matrix.rows import ROWS
from matrix.verdict import Verdict
from matrix.world import World
from rig import wire


@pytest.fixture(scope="module")
def world(shared_store) -> World:
    return World(shared_store).make()


@pytest.fixture(scope="module")
def callers(world) -> list[cast.Caller]:
    return cast.assemble(world)


@pytest.mark.parametrize("of", service.ALL, ids=lambda of: of.name)
def test_every_operation_has_a_row(of):
    assert {row.operation for row in ROWS[of.name]} == set(of.operations)
    names = [row.name for row in ROWS[of.name]]
    assert names == sorted(set(names), key=names.index), "a row is there twice"


@pytest.mark.parametrize("of", service.ALL, ids=lambda of: of.name)
def test_who_may_do_what(of, world, callers):
    drawn = sheet.draw(of, world, callers)
    expected = sheet.EXPECTED / f"{of.name}.txt"
    if os.environ.get("MATRIX") == "write":
        expected.write_text(drawn)
    changes = difflib.unified_diff(expected.read_text().splitlines(), drawn.splitlines(), lineterm="", n=0)
    changes = "\n".join(changes)
    assert not changes, f"{expected} says otherwise; `MATRIX=write` writes what is now:\n{changes}"


TOLD = {"kms": {"NotFoundException"}, "s3": {"NoSuchBucket", "404"}}
"""What services tell everybody of what is not there: ids of keys cannot be guessed, and KMS looks for the key first,
since its policy has the first word. Names of buckets are nobody's secret, and theirs has it too."""


@pytest.mark.parametrize("of", service.ALL, ids=lambda of: of.name)
def test_who_may_not_is_not_told_what_is_there(of, world, callers):
    nobody = next(caller for caller in callers if caller.name == "nobody")
    nowhere = world.without()
    told = {}
    for row in ROWS[of.name]:
        there = Verdict.of(nobody.send(of.call(row.operation, world.fill(row.given))))
        verdict = Verdict.of(nobody.send(of.call(row.operation, nowhere.fill(row.given))))
        if not there.is_let_in and verdict.code not in {there.code} | TOLD.get(of.name, set()):
            told[row.name] = verdict.code
    assert told == {}


UNSIGNED = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "ConfirmSubscription", "Unsubscribe"}
"""Operations whose callers have something else than a signature to show, or follow a link."""

MISSING_SIGNATURE = {
    "cloudhsm": "MissingAuthenticationTokenException",
    "cloudtrail": "MissingAuthenticationTokenException",
    "cloudwatch": "MissingAuthenticationTokenException",
    "ec2": "AuthFailure",
    "iam": "MissingAuthenticationToken",
    "kms": "MissingAuthenticationTokenException",
    "logs": "MissingAuthenticationTokenException",
    "s3": "AccessDenied",
    "sns": "MissingAuthenticationToken",
    "sts": "MissingAuthenticationToken",
}


@pytest.mark.parametrize("of", service.ALL, ids=lambda of: of.name)
def test_nothing_is_done_without_a_signature(of, world):
    codes = {}
    for row in ROWS[of.name]:
        call = of.call(row.operation, world.fill(row.given))
        answer = wire.unsigned(world.node, call.method, call.target, call.headers, call.body)
        codes.setdefault(Verdict.of(answer).code, set()).add(row.operation)
    # Answers to HEAD have a status alone.
    refused = codes.pop(MISSING_SIGNATURE[of.name]) | codes.pop("403", set())
    # Without a signature a GET of / is no call of anything's.
    refused |= codes.pop("UnknownOperationException", set()) & {"ListBuckets"}
    assert refused | UNSIGNED >= set(of.operations)
    assert set().union(*codes.values()) <= UNSIGNED
