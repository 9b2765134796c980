"""Staff: rate limits."""

from datetime import UTC, datetime

from django.contrib import admin
from django.utils.translation import gettext_lazy

from config.lib.admin.model_admin import ReadOnlyAdmin
from config.lib.models import RateCounter


@admin.register(RateCounter)
class RateCounterAdmin(ReadOnlyAdmin):
    """The rate limits of a site without Redis."""

    list_display = ("key", "hits", "ends")
    fields = readonly_fields = list_display
    search_fields = ("key",)
    ordering = ("-hits",)

    @admin.display(description=gettext_lazy("window ends"), ordering="ends_ms")
    def ends(self, row: RateCounter) -> datetime:
        return datetime.fromtimestamp(row.ends_ms / 1000, tz=UTC)
