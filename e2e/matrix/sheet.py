"""The table of a service: a line for each row, a column for each caller."""

from collections import Counter
from pathlib import Path

from matrix.cast import Caller
from matrix.rows import ROWS
from matrix.rows.row import Row
from matrix.service import Service
from matrix.verdict import ABSENT, Verdict
from matrix.world import World

EXPECTED = Path(__file__).parent / "expected"

LET_IN = "yes"

NAME, CELL, ASKED = 50, 13, 75
"""Widths of columns, in characters. What is longer than they are moves the rest of its line."""


def draw(service: Service, world: World, cast: list[Caller]) -> str:
    """Makes every call of the service, and draws the table of what came of them."""
    head = ["operation", *(caller.name for caller in cast), "asks for", "then"]
    lines = [head, *(line(service, row, world, cast) for row in ROWS[service.name])]
    return "".join(f"{write(cells)}\n" for cells in lines)


def write(cells: list[str]) -> str:
    """A line whose columns are as wide whatever the others hold, so that one that is new changes no other."""
    widths = [NAME, *(CELL for _ in cells[1:-2]), ASKED, 0]
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def line(service: Service, row: Row, world: World, cast: list[Caller]) -> list[str]:
    call = service.call(row.operation, world.fill(row.given))
    verdicts = []
    for caller in cast:
        verdict = Verdict.of(caller.send(call))
        if row.undo and verdict.code == "ok":
            operation, given = row.undo
            root = next(other for other in cast if other.account == caller.account)
            undone = root.send(service.call(operation, world.fill(given)))
            assert undone.status < 300, f"{row.name} is not undone: {undone.body!r}"
        verdicts.append(verdict)
    # What most are refused for, and what the first is told who is let in; the sheet shows who differs.
    questions = Counter(verdict.asked for verdict in verdicts if verdict.asked).most_common(1)
    asked = questions[0][0] if questions else None
    absent = verdicts[0].code if verdicts[0].code in ABSENT else "-"
    then = next((verdict.code for verdict in verdicts if verdict.is_let_in), absent)
    cells = [cell(verdict, asked, then, world) for verdict in verdicts]
    return [row.name, *cells, show(asked, world) if asked else "-", then]


def cell(verdict: Verdict, asked: tuple[str, str] | None, then: str, world: World) -> str:
    """`yes`, the layer that refused, or another answer than that of those who are let in."""
    if verdict.layer:
        return verdict.layer if verdict.asked == asked else f"{verdict.layer} ({show(verdict.asked, world)})"
    if verdict.code in ABSENT:
        return "-"
    return LET_IN if verdict.is_let_in and verdict.code == then else verdict.code


def show(asked: tuple[str, str], world: World) -> str:
    action, resource = asked
    return f"{action} on {world.describe(resource)}"
