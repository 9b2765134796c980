"""Pages of account-wide webhook endpoints: add, change, pause, test and delete."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.lib.web.responses import UserRequest
from videos.models import WebhookEndpoint
from videos.web.developers.webhook_forms import EndpointForm
from videos.web.developers.webhooks import report_test
from videos.webhooks import deliveries, endpoints


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_endpoint(request: UserRequest) -> HttpResponse:
    """Show the form of a new endpoint, or add it."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            endpoints.create(request.user, **form.cleaned_data)
        except (endpoints.UnusableUrl, endpoints.TooManyEndpoints) as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, _("The endpoint is added."))
            return redirect("webhooks")
    return _render(request, form, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_endpoint(request: UserRequest, endpoint_id: UUID) -> HttpResponse:
    """Show the form of an endpoint, or change it."""
    endpoint = _own(request, endpoint_id)
    form = EndpointForm(request.POST) if request.method == "POST" else EndpointForm.of(endpoint)
    if form.is_valid():
        try:
            _change(endpoint, **form.cleaned_data)
        except endpoints.UnusableUrl as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, _("The endpoint is changed."))
            return redirect("webhooks")
    return _render(request, form, endpoint)


@login_required
@require_POST
def switch_endpoint(request: UserRequest, endpoint_id: UUID) -> HttpResponse:
    """Disable an endpoint, or enable it and send what waits for it."""
    endpoint = _change(_own(request, endpoint_id), enabled=request.POST.get("enabled") == "1")
    if endpoint.enabled:
        messages.success(request, _("The endpoint is enabled. What waited for it is sent."))
    else:
        messages.success(request, _("The endpoint is paused. It gets nothing until you enable it."))
    return redirect("webhooks")


@login_required
@require_POST
def test_endpoint(request: UserRequest, endpoint_id: UUID) -> HttpResponse:
    """Send a test webhook to an endpoint now and show the answer."""
    try:
        report_test(request, deliveries.send_test_to(_own(request, endpoint_id)))
    except (deliveries.TooOften, endpoints.UnusableUrl) as error:
        messages.error(request, str(error))
    return redirect("webhooks")


@login_required
@require_POST
def delete_endpoint(request: UserRequest, endpoint_id: UUID) -> HttpResponse:
    """Delete an endpoint with its log."""
    endpoints.delete(_own(request, endpoint_id))
    messages.success(request, _("The endpoint is deleted."))
    return redirect("webhooks")


def _change(endpoint: WebhookEndpoint, **fields: Any) -> WebhookEndpoint:
    """Change an endpoint. Raises UnusableUrl, or Http404 if it was deleted meanwhile."""
    try:
        return endpoints.change(endpoint, **fields)
    except endpoints.EndpointGone as error:
        raise Http404 from error


def _render(
    request: UserRequest, form: EndpointForm, endpoint: WebhookEndpoint | None
) -> HttpResponse:
    context = {"at": "developers", "tab": "webhooks", "form": form, "endpoint": endpoint}
    return render(request, "developers/endpoint.html", context)


def _own(request: UserRequest, endpoint_id: UUID) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.select_related("user").filter(user_id=request.user.pk)
    return get_object_or_404(rows, pk=endpoint_id)
