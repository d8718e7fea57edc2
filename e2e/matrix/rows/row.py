"""A row of the matrix: one call, the same for everybody."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """An operation and its input.

    Everybody who is let in finds the world as the first one did. So a call changes nothing that another sees: it
    says again what is so already, is a dry run, or fails for a reason that comes after the question of permission.
    Where there is no such input, `undo` is a call with which the root user takes it back.
    """

    operation: str
    note: str = ""
    """What sets it apart from the operation's other rows."""
    given: dict = field(default_factory=dict)
    """The input; `<name>` in its texts stands for something in the world."""
    undo: tuple[str, dict] | None = None

    @property
    def name(self) -> str:
        return f"{self.operation} {self.note}".strip()


def row(operation: str, *note: str, undo: tuple[str, dict] | None = None, **given) -> Row:
    return Row(operation, " ".join(note), given, undo)
