"""The pricing page."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.payments import packages
from videos.catalog import offers, prices
from videos.models import Price
from videos.web.composer import MAX_TAKES

TAKES = range(1, MAX_TAKES + 1)
MOST_LENGTHS, USUAL = 8, (4, 5, 6, 8, 10, 15, 20, 30)


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """Show the packages and the price of every kind of video, for the chosen number of takes."""
    asked = request.GET.get("takes", "")
    takes = int(asked) if asked in map(str, TAKES) else 1
    lengths = _lengths()
    context = {
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "rows": list(_rows(lengths, takes)),
        "lengths": lengths,
        "takes": takes,
        "takes_offered": TAKES,
        "grace_days": settings.GRACE_LIFETIME.days,
        "bonus_days": settings.BONUS_LIFETIME.days,
        "days": settings.PURCHASE_LIFETIME.days,
    }
    return render(request, "pages/pricing.html", context)


def _lengths() -> list[int]:
    """The lengths that the table shows, in seconds: all that are offered, or the usual ones."""
    offered = sorted({n for model in offers.offered() for n in model.lengths})
    return offered if len(offered) <= MOST_LENGTHS else [n for n in USUAL if n in offered]


def _rows(lengths: list[int], takes: int) -> Iterator[dict[str, Any]]:
    """One row for each model, resolution and kind; None for a length that is not offered."""
    now = prices.current()
    for model in offers.offered():
        sizes = {frame.resolution: frame.size for frame in reversed(model.frames)}
        shown = (
            dict(reversed(sizes.items()))
            if isinstance(model.price.text, dict)
            else {"": model.default_size}
        )
        for (resolution, size), kind in product(shown.items(), Price.Kind):
            credits = [
                now.credits(kind, model.id, size, n) if n in model.lengths else None
                for n in lengths
            ]
            yield {
                "label": model.label,
                "resolution": resolution,
                "image": kind == Price.Kind.IMAGE,
                "prices": [one and one * takes for one in credits],
            }
