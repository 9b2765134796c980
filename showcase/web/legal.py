"""The legal pages: privacy, terms, content rules and the accessibility statement."""

from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

# When the legal texts were last changed.
DATED = date(2026, 11, 21)
# When the accessibility statement was last compared with the tests.
TESTED = date(2026, 11, 30)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/privacy.html", {"dated": DATED})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    days = {"days": settings.PURCHASE_LIFETIME.days, "bonus_days": settings.BONUS_LIFETIME.days}
    return render(request, "pages/terms.html", {"dated": DATED, **days})


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/rules.html", {"dated": DATED})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/accessibility.html", {"dated": TESTED})
