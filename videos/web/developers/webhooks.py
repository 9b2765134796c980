"""The page of webhooks: the signing secret, the delivery log, tests and sending again."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from config.lib.web.paging import page_of
from config.lib.web.responses import UserRequest
from videos.models import WebhookDelivery, WebhookEndpoint
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
def webhooks(request: UserRequest) -> HttpResponse:
    """Show the endpoints, the signing secret and the delivery log."""
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows = WebhookDelivery.objects.filter(user_id=request.user.pk).order_by("-created_at", "-pk")
    if state:
        rows = rows.filter(state=state)
    rows = rows.select_related("video", "endpoint").prefetch_related("attempts")
    context = {
        "at": "developers",
        "tab": "webhooks",
        "endpoints": WebhookEndpoint.objects.filter(user_id=request.user.pk),
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
        report_test(request, deliveries.send_test(request.user, url))
    except deliveries.TooOften as error:
        messages.error(request, str(error))
    return redirect("webhooks")


def report_test(request: HttpRequest, answer: deliveries.DeliveryResult) -> None:
    """Say how a server answered a test webhook."""
    if answer.code is None:
        text = _("The test webhook was not delivered: %(reason)s") % {"reason": answer.error}
        messages.error(request, text)
    elif answer.accepted:
        text = _("The test webhook was delivered: HTTP %(code)d after %(ms)d ms.")
        messages.success(request, text % {"code": answer.code, "ms": answer.took_ms})
    else:
        text = _("The server answered HTTP %(code)d. We would retry a webhook answered like this.")
        messages.error(request, text % {"code": answer.code})


@login_required
@require_POST
def redeliver(request: UserRequest, delivery_id: UUID) -> HttpResponse:
    """Send a webhook again, with the same webhook-id."""
    own = WebhookDelivery.objects.select_related("endpoint").filter(user_id=request.user.pk)
    try:
        deliveries.redeliver(get_object_or_404(own, pk=delivery_id))
    except deliveries.NotRedeliverable as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The webhook is being sent again."))
    return redirect("webhooks")


@login_required
@require_POST
def redeliver_failed(request: UserRequest) -> HttpResponse:
    """Send the failed webhooks again, at most REDELIVERED_AT_ONCE at once."""
    rows = WebhookDelivery.objects.filter(
        user_id=request.user.pk, state=WebhookDelivery.State.FAILED
    )
    count = deliveries.redeliver_all(rows)
    if count:
        text = ngettext(
            "%(n)d webhook is being sent again.", "%(n)d webhooks are being sent again.", count
        )
        messages.success(request, text % {"n": count})
    else:
        messages.info(request, _("No failed webhook can be sent again."))
    return redirect("webhooks")
