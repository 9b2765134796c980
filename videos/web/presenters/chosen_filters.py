"""The filters that are set in a library, in words, each with the address without it."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from videos.library.search import TALL, LibraryFilter
from videos.models import Collection

ChosenFilter = tuple[str, str, str]


def chosen_filters(
    request: HttpRequest,
    wanted: LibraryFilter,
    models: Iterable[tuple[str, str]],
    collections: Iterable[Collection],
) -> list[ChosenFilter]:
    """Return the name, the value and the address without it of each filter that is set."""
    shape = (_("Portrait") if wanted.shape == TALL else _("Landscape")) if wanted.shape else ""
    names = {one.pk: one.name for one in collections}
    set_filters = [
        ("model", _("Model"), dict(models).get(wanted.model, wanted.model)),
        ("shape", _("Shape"), shape),
        ("collection", _("Collection"), names.get(wanted.collection, "")),
        ("tag", _("Tag"), wanted.tag),
        ("since", pgettext("day", "From"), wanted.since and date_format(wanted.since)),
        ("until", pgettext("day", "Until"), wanted.until and date_format(wanted.until)),
    ]
    return [(name, str(words), _without(request, key)) for key, name, words in set_filters if words]


def _without(request: HttpRequest, key: str) -> str:
    query = request.GET.copy()
    for name in (key, "page"):
        query.pop(name, None)
    return f"?{query.urlencode()}"
