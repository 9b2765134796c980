"""Filters of staff lists that say in words what holds, where Django says "Yes" and "Empty"."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class _Worded(admin.FieldListFilter):
    """Says `yes` and `no` in the place of the values "1" and "0" of a filter."""

    yes: ClassVar[str | Promise]
    no: ClassVar[str | Promise]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        everything, *others = super().choices(changelist)
        yield everything
        for one, word in zip(others, self._order(), strict=True):
            yield {**one, "display": word}

    def _order(self) -> tuple[str | Promise, str | Promise]:
        return self.yes, self.no


class _WordedBoolean(_Worded, admin.BooleanFieldListFilter):
    pass


class _WordedEmpty(_Worded, admin.EmptyFieldListFilter):
    def _order(self) -> tuple[str | Promise, str | Promise]:
        return self.no, self.yes  # Django names what is empty first


def boolean(yes: str | Promise, no: str | Promise) -> type[admin.FieldListFilter]:
    """Return a filter by a boolean column, whose values it calls `yes` and `no`."""
    return type("WordedBoolean", (_WordedBoolean,), {"yes": yes, "no": no})


def filled(yes: str | Promise, no: str | Promise) -> type[admin.FieldListFilter]:
    """Return a filter by whether a column has a value (`yes`) or none (`no`)."""
    return type("WordedEmpty", (_WordedEmpty,), {"yes": yes, "no": no})


ON_OFF = boolean(_("on"), _("off"))
