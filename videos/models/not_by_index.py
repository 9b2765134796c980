"""Keep SQLite from an index that costs more than it saves."""

from typing import Any

from django.db.models import Func


class NotByIndex(Func):
    """A column by which SQLite must not look for rows.

    It knows no numbers of rows, and would read all rows of a user to save sorting a few, or sort
    all rows of a status to save reading a few.
    """

    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template="+%(expressions)s", **context)
