"""Rows: read and write the ledger's tables by statements that are built once.

The ORM builds the text of a statement at every call, which took ten times as long as the database
needed to execute it, while the account was locked. Other rows are read with the ORM as elsewhere.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model

from billing.models import Account, Allocation, Entry, Lot

Row = TypeVar("Row", bound=Model)
Converter = Callable[[Any], Any]


class Rows(Generic[Row]):
    """The statements of one table; the conditions are SQL of the caller."""

    def __init__(self, model: type[Row]) -> None:
        self.model = model
        meta = model._meta
        self.fields: list[Field[Any, Any]] = list(meta.concrete_fields)
        self.names = [field.attname for field in self.fields]
        self.table = f'"{meta.db_table}"'
        self.columns = ", ".join(f'{self.table}."{field.column}"' for field in self.fields)
        assert meta.pk
        self.pk = meta.pk
        self.select_text = f"SELECT {self.columns} FROM {self.table} "  # noqa: S608 - our names
        self.given = [field for field in self.fields if not _is_numbered(field)]
        columns = ", ".join(f'"{field.column}"' for field in self.given)
        self.insert_text = f"INSERT INTO {self.table} ({columns}) VALUES "  # noqa: S608
        self.places = f"({', '.join(['%s'] * len(self.given))})"
        self.update_text = cache(self._update_text)

    def select(self, where: str, *values: object) -> list[Row]:
        """Return the rows that "WHERE ..." chooses, in its order."""
        return self.query(self.select_text + where, *values)

    def query(self, text: str, *values: object) -> list[Row]:
        """Return the rows of a whole statement, which reads `columns`."""
        with connection.cursor() as cursor:
            cursor.execute(text, [adapt(value) for value in values])
            return [self.read(row) for row in cursor.fetchall()]

    def read(self, values: Sequence[Any]) -> Row:
        """Return the row that has these values, as the database returned them, in its columns."""
        converters = _converters(self.model, connection.vendor)
        if converters:
            values = list(values)
            for index, convert in converters:
                values[index] = convert(values[index])
        return self.model.from_db(connection.alias, self.names, values)

    def insert(self, *rows: Row) -> None:
        """Write new rows in one statement; never `save` them. A numbered key is not read back."""
        with connection.cursor() as cursor:
            self._insert(cursor, rows)

    def create(self, row: Row) -> None:
        """Write a new row and set the key that the database gave it."""
        with connection.cursor() as cursor:
            self._insert(cursor, [row], f' RETURNING "{self.pk.column}"')
            row.pk = cursor.fetchone()[0]

    def update(self, row: Row, *names: str) -> None:
        """Write these fields of a row."""
        values = [adapt(getattr(row, name)) for name in (*names, self.pk.attname)]
        with connection.cursor() as cursor:
            cursor.execute(self.update_text(names), values)

    def _insert(self, cursor: Any, rows: Iterable[Row], then: str = "") -> None:
        rows = list(rows)
        values = [adapt(getattr(row, field.attname)) for row in rows for field in self.given]
        places = ", ".join([self.places] * len(rows))
        cursor.execute(f"{self.insert_text}{places}{then}", values)

    def _update_text(self, names: tuple[str, ...]) -> str:
        columns = {field.attname: field.column for field in self.fields}
        changes = ", ".join(f'"{columns[name]}" = %s' for name in names)
        return f'UPDATE {self.table} SET {changes} WHERE "{self.pk.column}" = %s'  # noqa: S608


def adapt(value: Any) -> Any:
    """Return a value as the database takes it: times, UUIDs and choices differ."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value.value if isinstance(value, Enum) else value


def _is_numbered(field: "Field[Any, Any]") -> bool:
    return field.primary_key and field.get_internal_type() == "BigAutoField"


@cache
def _converters(model: type[Model], vendor: str) -> list[tuple[int, Converter]]:
    """Return how to read the columns whose values the driver does not return as Python has them."""
    found: list[tuple[int, Converter]] = []
    for index, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        functions = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        found += ((index, _bind(function, column)) for function in functions)
    return found


def _bind(function: Callable[..., Any], column: Any) -> Converter:
    return lambda value: function(value, column, connection)


accounts = Rows(Account)
lots = Rows(Lot)
entries = Rows(Entry)
allocations = Rows(Allocation)
