"""The files that a server leaves on disk, read and altered behind its back."""

import base64
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rig import expected
from rig.node import Node


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder, and what it holds; what a server at work takes away meanwhile is passed over."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            if not path.is_file():
                continue
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            yield path, content


def root_key_files(node: Node) -> list[Path]:
    """The root key's slots."""
    seal = node.data / expected.SEAL
    return [path for path in [seal, *seal.rglob("*")] if path.is_file()]


def journal_files(node: Node) -> list[Path]:
    """The journal's files that hold something, largest first."""
    found = [path for path in (node.data / expected.JOURNAL).rglob("*") if path.is_file()]
    return sorted((path for path in found if used(path)), key=used, reverse=True)


def used(path: Path) -> int:
    """The bytes of a file up to its last one that is not zero: journal files grow ahead of their content."""
    return len(path.read_bytes().rstrip(b"\0"))


def flip(path: Path, position: int):
    """Flips one bit of the byte at `position`."""
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0x01]))


def zero(path: Path, position: int):
    """Sets the first byte from `position` on that is not zero to zero."""
    content = path.read_bytes()
    position = next(at for at in range(position, len(content)) if content[at])
    with path.open("r+b") as file:
        file.seek(position)
        file.write(b"\0")


def shows(secret: bytes, content: bytes) -> bool:
    """Whether the content holds the secret: as it is, in hexadecimal or in base64, at any alignment."""
    forms = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret)
        # The other digits depend on the neighbours, too; what is left of a short secret must not be there by chance.
        begin, end = (lead * 8 + 5) // 6, (lead + len(secret)) * 8 // 6
        forms.append(encoded[begin:end])
        forms.append(encoded[begin:end].replace(b"+", b"-").replace(b"/", b"_"))
    return any(form in content for form in forms)


@dataclass(frozen=True)
class Cell:
    """One value of one row."""

    table: str
    column: str
    where: tuple[tuple[str, object], ...]
    value: object

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    def altered(self) -> object:
        """Another value of the same type."""
        match self.value:
            case int() | float():
                return self.value + 1
            case str():
                return self.value[:-1] + ("a" if self.value[-1:] != "a" else "b")
            case bytes():
                return self.value[:-1] + bytes([self.value[-1] ^ 0x01]) if self.value else b"\x01"
            case _:
                return None


def open_store(node: Node) -> sqlite3.Connection:
    """Opens the store of a server that is not running."""
    path = node.data / expected.DATABASE
    assert path.is_file(), f"no {path.name} among {sorted(p.name for p in node.data.iterdir())}"
    return sqlite3.connect(path, isolation_level=None)


def cells(node: Node, table_like: str, marker: str) -> list[Cell]:
    """The values outside the primary key of all rows that name `marker`, in tables named like that."""
    found = []
    with closing(open_store(node)) as store:
        tables = store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (table,) in tables.fetchall():
            if table_like not in table:
                continue
            columns = store.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
            names = [name for name, _ in columns]
            keys = [name for name, pk in columns if pk]
            for values in store.execute(f'SELECT * FROM "{table}"').fetchall():
                row = dict(zip(names, values, strict=True))
                if not any(names_it(value, marker) for value in values):
                    continue
                where = tuple((key, row[key]) for key in keys)
                found += [Cell(table, name, where, row[name]) for name in names if name not in keys]
    return found


def names_it(value: object, marker: str) -> bool:
    match value:
        case str():
            return marker in value
        case bytes():
            return marker.encode() in value or marker.replace("-", "") in value.hex()
        case _:
            return False


def write(node: Node, cell: Cell, value: object):
    """Writes a value where the cell is."""
    assert cell.where, f"{cell.table} has no primary key to find the row by"
    condition = " AND ".join(f'"{name}" IS ?' for name, _ in cell.where)
    statement = f'UPDATE "{cell.table}" SET "{cell.column}" = ? WHERE {condition}'
    with closing(open_store(node)) as store:
        done = store.execute(statement, (value, *(key for _, key in cell.where)))
        assert done.rowcount == 1, f"{cell} not written"
