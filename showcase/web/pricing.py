"""The pricing page."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.payments import packages
from videos import catalog
from videos.models import Price
from videos.web.composer import MAX_TAKES

TAKES = range(1, MAX_TAKES + 1)


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """Show the packages and the price of every kind of video, for the chosen number of takes."""
    asked = request.GET.get("takes", "")
    takes = int(asked) if asked in map(str, TAKES) else 1
    flat = catalog.prices()
    lengths = catalog.DEFAULT_MODEL.seconds
    rows = [
        {
            "label": model.label,
            "image": kind == Price.Kind.IMAGE,
            "prices": [takes * catalog.at_length(flat[kind, name], n) for n in lengths],
        }
        for name, model in catalog.MODELS.items()
        for kind in Price.Kind
    ]
    context = {
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "rows": rows,
        "lengths": lengths,
        "takes": takes,
        "takes_offered": TAKES,
        "grace_days": settings.GRACE_LIFETIME.days,
        "bonus_days": settings.BONUS_LIFETIME.days,
        "days": settings.PURCHASE_LIFETIME.days,
    }
    return render(request, "pages/pricing.html", context)
