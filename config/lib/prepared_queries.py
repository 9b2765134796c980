"""Queries whose SQL is built once, for those that run in almost every request.

Building the SQL of a queryset takes several times as long as running it on a row that is found by
its key. The values of a prepared query are parameters; everything else in it, such as settings,
stays as it was at its first run.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class Parameter(Expression):
    """The place of a value in a prepared query."""

    def __init__(self, place: int, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.place = place

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class PreparedRows:
    """A query for tuples of values; `build` makes its queryset of one Parameter for each field."""

    def __init__(
        self, build: Callable[..., "QuerySet[Any, Any]"], *fields: "type[Field[Any, Any]]"
    ) -> None:
        self._build = build
        self._places = [Parameter(place, field()) for place, field in enumerate(fields)]
        self._compiler_of = cache(self._compile)

    def all(self, *values: Any) -> list[Any]:
        """Return a tuple for each row that is found with these values, one for each field."""
        compiled = self._compiler_of(connection.vendor)
        parameters = [
            each.output_field.get_db_prep_value(values[each.place], connection)
            if isinstance(each, Parameter)
            else each
            for each in compiled.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, parameters)
            return [compiled.convert(row) for row in cursor.fetchall()]

    def _compile(self, _vendor: str) -> "_Compiled":
        return _Compiled(self._build(*self._places))


class PreparedQuery(PreparedRows, Generic[M]):
    """A query for instances of a model.

    Joined models come by select_related; annotations and prefetch_related are not supported.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *fields: "type[Field[Any, Any]]") -> None:
        super().__init__(build, *fields)

    def all(self, *values: Any) -> list[M]:
        """Return the instances that are found with these values, one for each field."""
        instance_of = self._compiler_of(connection.vendor).instance_of
        return [instance_of(row) for row in super().all(*values)]

    def first(self, *values: Any) -> M | None:
        """Return the first of the instances, or None; all of them are fetched."""
        return next(iter(self.all(*values)), None)


class _Compiled:
    """The SQL of a queryset, and how its rows are read. Source: Django's ModelIterable."""

    def __init__(self, queryset: "QuerySet[Any, Any]") -> None:
        compiler: Any = queryset.query.get_compiler(using=queryset.db)
        self.sql, self.parameters = compiler.as_sql()
        self._select, self._model_info = compiler.select, compiler.klass_info
        self._database = queryset.db
        columns = [column[0] for column in self._select]
        self._converters = list(compiler.get_converters(columns).items())
        if self._model_info:
            self._prepare_instances()

    def convert(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for position, (converters, column) in self._converters:
            for convert in converters:
                values[position] = convert(values[position], column, connection)
        return tuple(values)

    def instance_of(self, values: tuple[Any, ...]) -> Any:
        instance = self._model_info["model"].from_db(self._database, self._names, values[self._own])
        for related in self._related:
            related.populate(values, instance)
        return instance

    def _prepare_instances(self) -> None:
        own = self._model_info["select_fields"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [column[0].target.attname for column in self._select[self._own]]
        populators: Any = get_related_populators
        self._related = populators(self._model_info, self._select, self._database)
