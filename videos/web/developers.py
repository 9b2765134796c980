"""The developer pages: the quick start, and the webhooks with their delivery log."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from config.lib.web.responses import UserRequest, page_of
from videos.catalog import offers
from videos.models import WebhookDelivery
from videos.webhooks import deliveries, http_client, signing

PER_PAGE = 20
STATES = {
    "": gettext_lazy("All"),
    WebhookDelivery.State.PENDING.value: gettext_lazy("Waiting"),
    WebhookDelivery.State.DELIVERED.value: gettext_lazy("Delivered"),
    WebhookDelivery.State.FAILED.value: gettext_lazy("Failed"),
    WebhookDelivery.State.BLOCKED.value: gettext_lazy("Blocked"),
}


@login_required
@require_safe
def quick_start(request: UserRequest) -> HttpResponse:
    """Show the calls from an API key to a finished file, ready to paste."""
    context = {"at": "developers", "tab": "start", "model": offers.default_word()}
    return render(request, "developers/start.html", context)


@login_required
@require_safe
def webhooks(request: UserRequest) -> HttpResponse:
    """Show the signing secret and the delivery log."""
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows = WebhookDelivery.objects.filter(user_id=request.user.pk).order_by("-created_at", "-pk")
    if state:
        rows = rows.filter(state=state)
    rows = rows.select_related("video").prefetch_related("attempts")
    context = {
        "at": "developers",
        "tab": "webhooks",
        "secret": signing.secret_of(request.user),
        "states": STATES.items(),
        "state": state,
        "page": page_of(request, rows, PER_PAGE),
    }
    response = render(request, "developers/webhooks.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def change_secret(request: UserRequest) -> HttpResponse:
    """Replace the signing secret; the old one works for another 24 hours."""
    signing.change_secret(request.user)
    messages.success(
        request, _("You have a new signing secret. The old one works for another 24 hours.")
    )
    return redirect("webhooks")


@login_required
@require_POST
def try_webhook(request: UserRequest) -> HttpResponse:
    """Send a test webhook to a URL now and show the answer."""
    url = request.POST.get("url", "").strip()[: http_client.URL_MAX]
    try:
        answer = deliveries.send_test(request.user, url)
    except deliveries.TooOften as error:
        messages.error(request, str(error))
        return redirect("webhooks")
    if answer.code is None:
        text = _("The test webhook was not delivered: %(reason)s") % {"reason": answer.error}
        messages.error(request, text)
    elif 200 <= answer.code < 300:
        text = _("The test webhook was delivered: HTTP %(code)d after %(ms)d ms.")
        messages.success(request, text % {"code": answer.code, "ms": answer.took_ms})
    else:
        text = _("The server answered HTTP %(code)d. We would retry a webhook answered like this.")
        messages.error(request, text % {"code": answer.code})
    return redirect("webhooks")


@login_required
@require_POST
def redeliver(request: UserRequest, delivery_id: UUID) -> HttpResponse:
    """Send a webhook again, with the same webhook-id."""
    own = WebhookDelivery.objects.filter(user_id=request.user.pk)
    try:
        deliveries.redeliver(get_object_or_404(own, pk=delivery_id))
    except deliveries.NotRedeliverable as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The webhook is being sent again."))
    return redirect("webhooks")
