"""Tables as CSV, a line at a time, that a spreadsheet may open."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


class _Line:
    def write(self, line: str) -> str:
        return line


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The head and then each row; a text that a spreadsheet would run stands behind a quote."""
    writer = csv.writer(_Line())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


def _safe(cell: Any) -> Any:
    runs = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if runs else cell
