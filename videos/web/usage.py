"""The usage page and its CSV file."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.lib import rate_limits
from config.lib.web.csv_export import csv_response
from config.lib.web.responses import UserRequest
from videos import representations
from videos.account import limits
from videos.models import Video
from videos.reports import usage as reports_usage

PERIODS = (7, 30, 90)
DEFAULT_PERIOD = 30
COLUMNS = (
    *("ordered", "model", "kind", "seconds", "size", "status", "credits", "returned"),
    *("waited_seconds", "key", "id", "prompt"),
)


@login_required
@require_safe
def usage(request: UserRequest) -> HttpResponse:
    """Show the credits spent in a period of 7, 30 or 90 days, by day, model, kind and API key."""
    days = _period(request)
    report = reports_usage.usage_of(request.user, days)
    context = {
        "at": "usage",
        "periods": PERIODS,
        "period": days,
        "usage": report,
        "limits": limits.limits_of(request.user),
        "money_value": (report.net_credits * settings.CREDIT_VALUE_RMB).quantize(Decimal("0.01")),
    }
    return render(request, "videos/usage.html", context)


@login_required
@require_safe
def usage_csv(request: UserRequest) -> HttpResponseBase:
    """Send the orders of the period as a CSV file."""
    rate_limits.use("other", request.user)
    days = _period(request)
    videos = reports_usage.ordered_since(request.user, reports_usage.first_day(days)).newest()
    videos = videos.select_related("api_key")
    return csv_response(f"usage-{days}-days.csv", COLUMNS, map(_row, videos.iterator()))


def _period(request: UserRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else DEFAULT_PERIOD


def _row(v: Video) -> list[Any]:
    ended = v.completed_at
    waited = round((ended - v.created_at).total_seconds()) if ended else ""
    was_cancelled = v.status == Video.Status.CANCELLED
    status = representations.LIBRARY_STATUS[Video.Status(v.status)]
    status = "cancelled" if was_cancelled else status
    returned = v.credits if v.is_lost else 0
    key = v.api_key.name if v.api_key else ""
    prompt = "" if v.deleted_at else v.prompt  # a deleted video counts, but its prompt is gone
    facts = [v.created_at.isoformat(), v.model, v.operation, v.seconds, v.size]
    return [*facts, status, v.credits, returned, waited, key, v.pk, prompt]
