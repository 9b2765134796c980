"""/developers/: a first call, and the webhooks with their log."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from videos import catalog
from videos.models import Delivery
from videos.webhooks import deliveries, http_client

PER_PAGE = 20
STATES = {
    "": gettext_lazy("All"),
    Delivery.State.PENDING.value: gettext_lazy("On the way"),
    Delivery.State.DELIVERED.value: gettext_lazy("Delivered"),
    Delivery.State.FAILED.value: gettext_lazy("Failed"),
    Delivery.State.BLOCKED.value: gettext_lazy("Blocked"),
}


@login_required
@require_safe
def quick_start(request: HttpRequest) -> HttpResponse:
    """From a key to a file, in calls that can be pasted."""
    context = {"at": "developers", "tab": "start", "model": catalog.DEFAULT_MODEL.name}
    return render(request, "developers/start.html", context)


@login_required
@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """What signs this user's webhooks, and which were sent."""
    user = _user(request)
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows = Delivery.objects.filter(user_id=user.pk).order_by("-created_at", "-pk")
    if state:
        rows = rows.filter(state=state)
    page = Paginator(rows.select_related("video").prefetch_related("attempts"), PER_PAGE)
    context = {
        "at": "developers",
        "tab": "webhooks",
        "secret": deliveries.secret_of(user),
        "states": STATES.items(),
        "state": state,
        "page": page.get_page(request.GET.get("page")),
    }
    response = render(request, "developers/webhooks.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def change_secret(request: HttpRequest) -> HttpResponse:
    """Sign with a new secret; the former one stays good for a day."""
    deliveries.change_secret(_user(request))
    messages.success(request, _("There is a new secret. The former one works for one more day."))
    return redirect("webhooks")


@login_required
@require_POST
def try_webhook(request: HttpRequest) -> HttpResponse:
    """Send a test message to an address, now, and say what came of it."""
    url = request.POST.get("url", "").strip()[: http_client.URL_MAX]
    try:
        said = deliveries.try_out(_user(request), url)
    except deliveries.TooOften as error:
        messages.error(request, str(error))
        return redirect("webhooks")
    if said.code is None:
        words = _("The test did not arrive: %(reason)s") % {"reason": said.error}
        messages.error(request, words)
    elif 200 <= said.code < 300:
        words = _("The test arrived: HTTP %(code)d after %(ms)d ms.")
        messages.success(request, words % {"code": said.code, "ms": said.took_ms})
    else:
        words = _("The test was answered with HTTP %(code)d, so an event would be sent again.")
        messages.error(request, words % {"code": said.code})
    return redirect("webhooks")


@login_required
@require_POST
def redeliver(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Send one again, with the same webhook-id."""
    own = Delivery.objects.filter(user_id=_user(request).pk)
    try:
        deliveries.redeliver(get_object_or_404(own, pk=delivery_id))
    except deliveries.NotRedeliverable as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is sent again."))
    return redirect("webhooks")


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
