"""Whether credits are sold and spent here: the operator switches it with BILLING.

Switched off, nothing new is bought or charged. What was bought and charged before stays in the
ledger: its payments can still be refunded, and failed videos still return their credits.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

P = ParamSpec("P")


class BillingOff(Exception):
    """This installation sells no credits; nothing was done."""


def require_billing() -> None:
    """Raise BillingOff unless credits are sold here."""
    if not settings.BILLING:
        raise BillingOff("This installation does not sell credits.")


def page_of_billing(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page about prices or credits answer 404 without billing."""

    @wraps(view)
    def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not settings.BILLING:
            raise Http404
        return view(request, *args, **kwargs)

    return checked
