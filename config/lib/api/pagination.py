"""Lists of the API: a view that answers one page, and the two ways a client names that page.

Both paginations read the validated query of a `ListView`. A page past the end is an empty list.
"""

from typing import Any, cast

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.metadata import SimpleMetadata
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.serializers import refuse_doubles, validated
from config.lib.api.strict_fields import WholeNumberField


class OffsetAndAfter(Exception):
    """The query names two places for the list to start at."""

    def __init__(self) -> None:
        super().__init__("Use either offset or after.")


class NameOnlyMetadata(SimpleMetadata):
    """Answer OPTIONS with name, description and media types; the OpenAPI schema has the fields."""

    def determine_actions(self, request: Request, view: APIView) -> dict[str, Any]:
        return {}


class ListView(GenericAPIView[Any]):
    """GET answers one page of `get_queryset()`; a parameter that is out of range is answered 422.

    A subclass names the serializer of its query (its filters and its page), its pagination, the
    field of the answer that holds the list, and an empty `queryset`, from which the OpenAPI schema
    takes the model: without it the schema would call `get_queryset()`, which needs a request.
    """

    metadata_class = NameOnlyMetadata
    query_serializer_class: type[serializers.Serializer]
    results_field: str
    # Whether the list stands before the page's numbers in the answer. Source: C20, C32.
    results_first = False
    # Whether `?status=` counts as left out; otherwise it is answered 422.
    ignores_blank_parameters = True
    # The validated query of this request.
    query: dict[str, Any]

    def get(self, request: Request) -> Response:
        params = request.query_params
        refuse_doubles(self.query_serializer_class, params)
        sent = params if self.ignores_blank_parameters else params.dict()
        self.query = validated(self.query_serializer_class, sent)
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(self.represent(page))

    def rows_to_continue_after(self) -> QuerySet[Any]:
        """Return the rows whose ids `after` may be: those that the list has, or had."""
        return self.get_queryset()

    def newest(self, limit: int) -> list[Any] | None:
        """Return the first rows of the list, newest first, where there is a cheaper way to them."""
        return None

    def count(self, rows: QuerySet[Any]) -> int:
        """Return how many rows the whole list has; a subclass may know it without counting."""
        return rows.count()

    def represent(self, page: list[Any]) -> Any:
        """Return the objects that stand for these rows in the answer."""
        raise NotImplementedError


class PageQuerySerializer(serializers.Serializer):
    """The query that `PageNumberPagination` reads."""

    page = WholeNumberField(min_value=1, max_value=10_000, default=1)
    page_size = WholeNumberField(min_value=1, max_value=100, default=20)


class PageNumberPagination(BasePagination):
    """`page` and `page_size`, as system C documents them."""

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.view = cast("ListView", view)
        self.page, self.size = self.view.query["page"], self.view.query["page_size"]
        self.total = self.view.count(queryset)
        start = (self.page - 1) * self.size
        return list(queryset[start : start + self.size])

    def numbers(self) -> dict[str, int]:
        """Return what the answer says beside the list."""
        return {"total": self.total, "page": self.page, "page_size": self.size}

    def get_paginated_response(self, data: Any) -> Response:
        results, numbers = {self.view.results_field: data}, self.numbers()
        return Response(results | numbers if self.view.results_first else numbers | results)


class LimitOffsetPagination(BasePagination):
    """`limit` and either `offset` or `after`, the id of the last row read, as system A documents.

    Rows come in the order of their `created_at` and then their id, so `after` stays right while
    newer rows appear and others leave the list. Raises OffsetAndAfter, or ValidationError when
    `after` is none of the view's `rows_to_continue_after`.
    """

    unknown_after = "Not in this list."

    def id_of(self, row: Model) -> str:
        """Return a row's id as the answer shows it."""
        return str(row.pk)

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.view = cast("ListView", view)
        query = self.view.query
        if "after" in query and "offset" in query:
            raise OffsetAndAfter
        self.limit, self.offset = query["limit"], query.get("offset", 0)
        self.all_rows = queryset
        is_descending, after = query["order"] == "desc", query.get("after")
        # One row more tells whether another page follows.
        end = self.offset + self.limit + 1
        is_first_page = is_descending and not after and not self.offset
        found = self.view.newest(end) if is_first_page else None
        if found is None:
            rows = self._in_order(queryset, is_descending, after)
            found = list(rows[self.offset : end])
        self.has_more = len(found) > self.limit
        self.page: list[Model] = found[: self.limit]
        return self.page

    def _in_order(self, queryset: QuerySet[Any], descending: bool, after: Any) -> QuerySet[Any]:
        if after:
            last = self.view.rows_to_continue_after().filter(pk=after).first()
            if last is None:
                raise serializers.ValidationError({"after": [self.unknown_after]})
            comparison = "lt" if descending else "gt"
            later = Q(**{f"created_at__{comparison}": last.created_at})
            same_time = Q(created_at=last.created_at, **{f"id__{comparison}": last.pk})
            # The first condition follows from the others; by it an index finds the place.
            beginning = Q(**{f"created_at__{comparison}e": last.created_at})
            queryset = queryset.filter(beginning, later | same_time)
        sign = "-" if descending else ""
        return queryset.order_by(f"{sign}created_at", f"{sign}id")

    def get_paginated_response(self, data: Any) -> Response:
        first, last = (self.page[0], self.page[-1]) if self.page else (None, None)
        return Response(
            {
                self.view.results_field: data,
                "limit": self.limit,
                "offset": self.offset,
                "total": self.view.count(self.all_rows),
                "has_more": self.has_more,
                "first_id": self.id_of(first) if first else None,
                "last_id": self.id_of(last) if last else None,
            }
        )
