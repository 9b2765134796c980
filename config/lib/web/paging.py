"""Pages of a list that is too long to count."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# From this row on, the database finds the rows of a page by their ids alone.
FAR = 1000
# A page further on would take as long as all pages before it.
MOST_PAGES = 100_000


class CountedPaginator(Paginator):
    """Pages of a list whose length is known without counting it here.

    The rows are all columns of one table, in an order that tells any two apart. A database reads
    each row before a page whole, so for a page far down the list it only passes their ids, from the
    nearer end; an index may hold those.
    """

    def __init__(self, rows: QuerySet[Any], per_page: int, total: int) -> None:
        super().__init__(rows, per_page)
        self._rows, self._total = rows, total

    @cached_property
    def count(self) -> int:
        return self._total

    def page(self, number: Any) -> "Page[Any]":
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        if first < FAR:
            return super().page(number)
        last = min(first + self.per_page, self.count)
        rows = self._rows
        ids = rows.values("pk")[first:last]
        if first > self.count - last:
            ids = rows.reverse().values("pk")[self.count - last : self.count - first]
        of_page = rows.model._default_manager.filter(pk__in=ids)
        return Page(of_page.order_by(*rows.query.order_by), number, self)


class UncountedPage(Page):
    """A page of a list whose length nobody knows; it knows whether another one follows."""

    def __init__(
        self, rows: list[Any], number: int, paginator: "Paginator[Any]", more: bool
    ) -> None:
        super().__init__(rows, number, paginator)
        self._more = more

    def has_next(self) -> bool:
        return self._more

    def next_page_number(self) -> int:
        return self.number + 1

    def previous_page_number(self) -> int:
        return self.number - 1


class UncountedPaginator(Paginator):
    """Pages of a list that is not counted: one row more tells whether another page follows."""

    # Nobody knows how many there are.
    num_pages = 0

    def get_page(self, number: Any) -> "Page[Any]":
        """Return this page; the first one for a number that is none or beyond the last page."""
        wanted = int(number) if str(number).isdecimal() and len(str(number)) < 7 else 1
        wanted = min(max(wanted, 1), MOST_PAGES)
        start = (wanted - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        if not rows and wanted > 1:
            return self.get_page(1)
        return UncountedPage(rows[: self.per_page], wanted, self, len(rows) > self.per_page)


def page_of(
    request: HttpRequest, rows: QuerySet[Any], per_page: int, total: int | None = None
) -> "Page[Any]":
    """Return the page named by the `page` parameter; the nearest page when it is out of range.

    `total` is the number of the rows where it is known already.
    """
    known = Paginator(rows, per_page) if total is None else CountedPaginator(rows, per_page, total)
    return known.get_page(request.GET.get("page"))


def uncounted_page_of(request: HttpRequest, rows: QuerySet[Any], per_page: int) -> "Page[Any]":
    """Return the page named by the `page` parameter, without counting the rows."""
    return UncountedPaginator(rows, per_page).get_page(request.GET.get("page"))
