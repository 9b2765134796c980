"""Read a list of prompts: one on each line, or a CSV table whose first line names its columns.

Spreadsheets write CSV in several ways. Read are commas, semicolons and tabs, line breaks inside
quotation marks, UTF-8 with or without its mark, UTF-16 with it, and Excel's line `sep=;`.
"""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

from django.utils.translation import gettext as _

from config.lib import texts

COLUMNS = ("prompt", "model", "size", "seconds", "seed", "negative_prompt", "audio")
DELIMITERS = (",", ";", "\t")
SEPARATOR_LINE = re.compile(r"sep=([,;\t])", re.IGNORECASE)
# What our own CSV files put before a text that a spreadsheet would run.
ESCAPED_FORMULA = re.compile(r"'(?=[=+\-@\t\r])")
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class UnreadableList(Exception):
    """The list cannot be read; the message says what to change."""


class Row(NamedTuple):
    """The cells of one order by column; `has_more` when there are more cells than columns."""

    cells: dict[str, str]
    has_more: bool = False


def decode(body: bytes) -> str:
    """Return the text of a file. Raises UnreadableList."""
    try:
        text = body.decode("utf-16" if body.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnreadableList(_("This file is not in UTF-8. In Excel, save it as “CSV UTF-8”."))
    return text


def read(text: str, *, is_table: bool = False) -> list[Row]:
    """Return the rows of a list, without empty ones; `is_table` when it must have a header.

    Raises UnreadableList.
    """
    lines = texts.use_plain_line_breaks(text).removeprefix("\ufeff").lstrip("\n")
    separator = SEPARATOR_LINE.fullmatch(lines.partition("\n")[0].strip())
    if separator:
        lines = lines.partition("\n")[2]
    for delimiter in [separator[1]] if separator else DELIMITERS:
        columns = _columns(lines.partition("\n")[0], delimiter)
        if "prompt" in columns:
            _check_columns(columns)
            return list(_table(lines, delimiter, columns))
    if is_table or separator:
        raise UnreadableList(_("The first line must name the columns. One of them is “prompt”."))
    return [Row({"prompt": line.strip()}) for line in lines.split("\n") if not texts.is_blank(line)]


def _columns(line: str, delimiter: str) -> list[str]:
    """Return the names of the columns as the first line has them, in our spelling."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [re.sub(r"[\s_-]+", "_", cell.strip().lower()) for cell in cells]


def _check_columns(columns: list[str]) -> None:
    given = [name for name in columns if name]
    if unknown := [name for name in given if name not in COLUMNS]:
        text = _("Unknown column: %(names)s. The columns are: %(known)s.")
        raise UnreadableList(text % {"names": ", ".join(unknown), "known": ", ".join(COLUMNS)})
    if twice := [name for name in dict.fromkeys(given) if given.count(name) > 1]:
        raise UnreadableList(_("This column is there twice: %(name)s.") % {"name": twice[0]})


def _table(lines: str, delimiter: str, columns: list[str]) -> Iterator[Row]:
    reader = csv.reader(StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if all(map(texts.is_blank, cells)):
                continue
            named = zip(columns, map(_plain, cells), strict=False)
            more = any(cell.strip() for cell in cells[len(columns) :])
            yield Row({name: cell for name, cell in named if name}, more)
    except csv.Error as error:
        text = _("Line %(n)s cannot be read. Check its quotation marks.")
        raise UnreadableList(text % {"n": reader.line_num}) from error


def _plain(cell: str) -> str:
    return ESCAPED_FORMULA.sub("", cell.strip(), count=1) if cell.startswith("'") else cell.strip()
