"""The history of credits as a CSV file."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from billing.ledger import credits
from billing.models import Entry
from billing.reports import imported_history
from billing.switch import page_of_billing
from config.lib import rate_limits
from config.lib.web.csv_export import csv_response
from config.lib.web.responses import user_of

IMPORTED_COLUMNS = ("time", "type", "credits", "balance", "what")
COLUMNS = ("time", "type", "credits", "balance", "what", "reference", "expires")


@page_of_billing
@login_required
@require_safe
def history_csv(request: HttpRequest) -> HttpResponseBase:
    """Send the user's whole history, newest first."""
    rate_limits.use("other", user_of(request))
    entries = credits.history(user_of(request))
    return csv_response("credits.csv", COLUMNS, map(_row, entries.iterator()))


@login_required
@require_safe
def imported_csv(request: HttpRequest) -> HttpResponseBase:
    """Send the history that the user brought along from another installation, newest first."""
    rate_limits.use("other", user_of(request))
    rows = ((at.isoformat(), *more) for at, *more in imported_history.rows_of(user_of(request)))
    return csv_response("credits-before.csv", IMPORTED_COLUMNS, rows)


def _row(entry: Entry) -> tuple[Any, ...]:
    expires = entry.expires_at.isoformat() if entry.expires_at else ""
    posted = (entry.created_at.isoformat(), entry.type, entry.amount, entry.balance_after)
    return (*posted, entry.description, entry.reference_id, expires)
