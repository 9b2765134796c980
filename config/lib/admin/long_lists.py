"""Staff lists of tables that grow without end: they count a part, and no filter reads all rows."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

# Rows that a list counts and leads to; filters and the search lead to the others.
MOST_COUNTED = 1000


class CappedPaginator(Paginator):
    """Pages of a list, counted up to MOST_COUNTED rows."""

    @cached_property
    def counted_ids(self) -> list[Any]:
        """The ids of the rows that were counted."""
        rows: QuerySet[Any] | Any = self.object_list
        return list(rows.order_by().values_list("pk", flat=True)[:MOST_COUNTED])

    @cached_property
    def count(self) -> int:
        return len(self.counted_ids)

    @property
    def is_cut(self) -> bool:
        """Whether the list may have more rows than its pages show."""
        return self.count == MOST_COUNTED


class LongChangeList(ChangeList):
    """Reads the only page of a list by the ids that were counted, so that it searches once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page and isinstance(self.paginator, CappedPaginator):
            self.result_list = self.queryset.filter(pk__in=self.paginator.counted_ids)


class LongList(admin.ModelAdmin):
    """Base class of such lists."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    # They would count every value of every filter.
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LongChangeList

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *more: Any) -> Any:
        """Refuse an action on "all" rows when the page names fewer than there are."""
        if request.POST.get("select_across") == "1" and self.paginator(queryset, 1).is_cut:
            text = _("The list has more rows than it shows. Filter it, or choose rows of a page.")
            self.message_user(request, text, messages.WARNING)
            return None
        return super().response_action(request, queryset, *more)


class KnownValuesFilter(admin.SimpleListFilter):
    """Filter by a column of which the values are known; Django's own filter reads all rows."""

    values: ClassVar[Any]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        found: Iterable[tuple[str, str]] = type(self).values()
        return sorted(found)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset.filter(Q((str(self.parameter_name), wanted))) if wanted else queryset
