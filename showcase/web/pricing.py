"""The pricing page."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.payments import packages
from billing.switch import page_of_billing
from videos.catalog import offers, prices
from videos.catalog.entries import Model
from videos.models import Price
from videos.web.order_fields import MAX_TAKES

TAKES = range(1, MAX_TAKES + 1)
Prices = tuple[int | None, ...]
MOST_LENGTHS, USUAL = 8, (4, 5, 6, 8, 10, 15, 20, 30)


@page_of_billing
@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """Show the packages and the price of every kind of video, for the chosen number of takes."""
    asked = request.GET.get("takes", "")
    takes = int(asked) if asked in map(str, TAKES) else 1
    lengths = _lengths()
    context = {
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "groups": list(_groups(lengths, takes)),
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


def _groups(lengths: list[int], takes: int) -> Iterator[dict[str, Any]]:
    """Each model with its rows: one for all resolutions and kinds of video that cost the same.

    A row has a price for each of the lengths; None for one that the model does not make.
    """
    now = prices.current()
    for model in offers.offered():
        resolutions: dict[tuple[Prices, Prices], list[str]] = {}
        for resolution, size in {frame.resolution: frame.size for frame in model.frames}.items():
            text = _prices(now, Price.Kind.TEXT, model, size, lengths, takes)
            image = _prices(now, Price.Kind.IMAGE, model, size, lengths, takes)
            resolutions.setdefault((text, image), []).append(resolution)
        rows = [row for costs, names in resolutions.items() for row in _rows(names, *costs)]
        yield {"label": model.label, "rows": rows}


def _prices(
    now: prices.PriceList, kind: Price.Kind, model: Model, size: str, lengths: list[int], takes: int
) -> Prices:
    made = offers.lengths_of(model, size=size)
    each = [now.credits(kind, model.id, size, n) if n in made else None for n in lengths]
    return tuple(credits and credits * takes for credits in each)


def _rows(resolutions: list[str], text: Prices, image: Prices) -> Iterator[dict[str, Any]]:
    by_kind = {"any": text} if text == image else {"text": text, "image": image}
    for kind, found in by_kind.items():
        yield {"resolutions": ", ".join(resolutions), "kind": kind, "prices": found}
