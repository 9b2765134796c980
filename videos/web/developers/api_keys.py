"""/developers/keys/: create, list, change and revoke API keys, and see what each one used."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.auth import api_keys, key_limits
from accounts.models import ApiKey
from config.lib.web.responses import user_of
from videos.reports import key_usage
from videos.web.developers.key_forms import ChangeKeyForm, NewKeyForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keys_page(request: HttpRequest) -> HttpResponse:
    """Show the user's keys and create one; its text is shown in this answer only."""
    form, made, text = NewKeyForm(request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        asked, limits = form.cleaned_data, key_limits.KeyLimits(**form.limits())
        try:
            made, text = api_keys.issue(
                user_of(request), asked["name"], asked["scopes"], form.expires_at(), limits
            )
        except api_keys.TooManyKeys as error:
            form.add_error(None, str(error))
        else:
            form = NewKeyForm()
    context = {
        "at": "developers",
        "tab": "keys",
        "form": form,
        "made": made,
        "text": text,
        "keys": _keys_with_usage(request),
        "now": timezone.now(),
        "most": api_keys.MAX_ACTIVE,
    }
    status = 422 if form.errors else 201 if made else 200
    response = render(request, "developers/keys.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def key_page(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Show what a key used, and change its name, expiry and limits."""
    key = _own_key(request, key_id)
    form = ChangeKeyForm(key, request.POST or None)
    if request.method == "POST" and form.is_valid():
        api_keys.change(key, **form.changes())
        messages.success(request, _("You changed the API key %(name)s.") % {"name": key.name})
        return redirect("key", key.pk)
    context = {
        "at": "developers",
        "tab": "keys",
        "form": form,
        "key": _own_key(request, key_id),
        "usage": key_usage.usage_of(key),
        "now": timezone.now(),
    }
    return render(request, "developers/key.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Revoke a key."""
    key = _own_key(request, key_id)
    api_keys.revoke(key)
    messages.success(request, _("You revoked the API key %(name)s.") % {"name": key.name})
    return redirect("keys")


def _own_key(request: HttpRequest, key_id: UUID) -> ApiKey:
    return get_object_or_404(ApiKey.objects.of(user_of(request)), pk=key_id)


def _keys_with_usage(request: HttpRequest) -> list[dict[str, Any]]:
    user = user_of(request)
    keys = ApiKey.objects.of(user).order_by("-created_at")
    used, nothing = key_usage.usage_by_key(user), key_usage.no_usage()
    return [{"key": key, "usage": used.get(key.pk, nothing)} for key in keys]
