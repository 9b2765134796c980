"""/developers/keys/: create, list and revoke API keys."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth import api_keys
from accounts.models import ApiKey
from accounts.web.forms import KeyForm
from config.lib.web.responses import user_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys_page(request: HttpRequest) -> HttpResponse:
    """Show the user's keys and create one; its text is shown in this answer only."""
    form, made, text = KeyForm(request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        days = asked["days"]
        until = timezone.now() + timedelta(days=int(days)) if days else None
        try:
            made, text = api_keys.issue(user_of(request), asked["name"], asked["scopes"], until)
        except api_keys.TooManyKeys as error:
            form.add_error(None, str(error))
        else:
            form = KeyForm()
    rows = ApiKey.objects.filter(user=user_of(request), revoked_at=None).order_by("-created_at")
    context = {
        "at": "developers",
        "tab": "keys",
        "form": form,
        "made": made,
        "text": text,
        "keys": rows,
        "now": timezone.now(),
        "most": api_keys.MAX_ACTIVE,
    }
    status = 422 if form.errors else 201 if made else 200
    response = render(request, "developers/keys.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Revoke a key."""
    rows = ApiKey.objects.filter(user=user_of(request), revoked_at=None)
    key = get_object_or_404(rows, pk=key_id)
    api_keys.revoke(key)
    messages.success(request, _("You revoked the API key %(name)s.") % {"name": key.name})
    return redirect("keys")
