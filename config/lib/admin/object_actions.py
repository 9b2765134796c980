"""Buttons on the admin page of one row, such as "Overrule", that lead to a page of ours."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise


class ObjectAction(NamedTuple):
    """A button: its label, and the URL it opens."""

    label: str | Promise
    url: str


class ObjectActions(admin.ModelAdmin):
    """Base class of admin pages with such buttons."""

    change_form_template = "admin/object_actions.html"

    def object_actions(self, request: HttpRequest, row: Any) -> Sequence[ObjectAction]:
        """Return the buttons that this member of staff may press on this row now."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: Model | None = kwargs.get("obj")
        actions = self.object_actions(request, row) if row else ()
        shown = {**context, "object_actions": actions}
        return super().render_change_form(request, shown, *args, **kwargs)
