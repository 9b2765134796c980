"""The public pages with words: prices, help, what we promise and ask, and how to write to us."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing.payments import packages
from config.lib import rate_limits
from showcase import abuse_reports, faq
from showcase.forms import FeedbackForm, ReportForm
from showcase.models import Feedback, Report
from videos import catalog
from videos.models import Price
from videos.web.composer import MAX_TAKES

# When the words of the legal pages last changed.
DATED = date(2026, 11, 21)
TAKES = range(1, MAX_TAKES + 1)


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """What credits cost, and what videos cost in credits; of several takes, when that is asked."""
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


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Every topic, or those with the words looked for."""
    words = request.GET.get("q", "").strip()[:100]
    return render(request, "pages/help.html", {"topics": faq.matching(words), "q": words})


@require_safe
def topic(request: HttpRequest, topic: str) -> HttpResponse:
    found = faq.named(topic)
    if found is None:
        raise Http404
    others = [one for one in faq.TOPICS if one is not found]
    return render(request, "pages/topic.html", {"topic": found, "others": others[:5]})


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


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Somebody says that a video should not be here."""
    form = ReportForm(request.POST or None, initial=_known(request, "subject"))
    return _letter(request, form, Report, "report")


@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest) -> HttpResponse:
    """Somebody says what they think."""
    form = FeedbackForm(request.POST or None, initial=_known(request, "text"))
    return _letter(request, form, Feedback, "feedback")


def _letter(
    request: HttpRequest, form: forms.Form, kind: type[Report] | type[Feedback], name: str
) -> HttpResponse:
    status = 200
    if form.is_bound and not form.is_valid():
        status = 422
    elif form.is_bound:
        try:
            abuse_reports.take(request, kind, **form.cleaned_data)
        except rate_limits.TooManyAttempts as error:
            status = 429
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Thank you. Somebody of our staff reads it."))
            return redirect(name)
    return render(request, f"pages/{name}.html", {"form": form}, status=status)


def _known(request: HttpRequest, field: str) -> dict[str, Any]:
    """What a link fills in beforehand, and who is signed in."""
    return {
        field: request.GET.get(field, "")[:500],
        "email": getattr(request.user, "email", ""),
    }
