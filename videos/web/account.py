"""Welcome steps, e-mail settings, data export and account deletion."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth import errors, passwords
from accounts.models import User
from accounts.people import deletion as people_deletion
from accounts.people import profile
from billing.ledger import credits
from config.lib import rate_limits, texts
from config.lib.web.responses import UserRequest
from videos.account import data_export, email_digests, storage
from videos.account import deletion as account_deletion
from videos.catalog import offers, prices
from videos.credentials import records
from videos.library import counts
from videos.push import keys
from videos.reviews import mails
from videos.web.forms import WelcomeForm

# Each with the sample clip in static/samples that shows it.
STARTERS = (
    (
        "mountains",
        gettext_lazy("Morning fog pours between mountain ridges as the sun clears the last peak"),
    ),
    (
        "neon",
        gettext_lazy("Rain on a neon city at night, signs shining in the water below"),
    ),
    (
        "cabin",
        gettext_lazy("Snow falls on a cabin in a winter wood, warm light in one window"),
    ),
    (
        "reef",
        gettext_lazy("Fish turn in shafts of light above a coral reef, slow and wide"),
    ),
    (
        "balloons",
        gettext_lazy("Balloons drift over a sea of clouds at dawn, seen from above"),
    ),
    (
        "lavender",
        gettext_lazy("Lavender fields at last light, the camera glides low along the rows"),
    ),
)


# So many models beside the default one are shown with what the credits buy.
CHEAPEST = 2


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: UserRequest) -> HttpResponse:
    """Show the two steps after signing up: choose a first prompt, then see what the credits buy."""
    user = request.user
    known = {"language": user.language, "mails": email_digests.is_enabled(user)}
    form = WelcomeForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        return _finish_welcome(request, form.cleaned_data)
    if request.method != "POST" and request.GET.get("step") != "2":
        return render(request, "welcome/prompt.html", {"step": 1, "starters": STARTERS})
    available = credits.available(user)
    scene = request.GET.get("scene", "")
    number = int(scene) if scene.isascii() and scene.isdigit() and len(scene) < 3 else -1
    now = prices.current()
    default, *others = offers.offered()
    others.sort(key=now.of_default)
    context = {
        "step": 2,
        "form": form,
        "available": available,
        "prompt": dict(enumerate(prompt for _name, prompt in STARTERS)).get(number, ""),
        "rows": [
            {
                "label": model.label,
                "seconds": model.default_seconds,
                "price": now.of_default(model),
                "videos": available // now.of_default(model),
            }
            for model in ((default, *others[:CHEAPEST]) if settings.BILLING else ())
        ],
        "more": len(others[CHEAPEST:]),
    }
    status = 422 if form.errors else 200
    return render(request, "welcome/credits.html", context, status=status)


def _finish_welcome(request: UserRequest, chosen: dict[str, Any]) -> HttpResponse:
    """Save the choices and open the studio with the chosen prompt."""
    profile.update(request.user, language=chosen["language"])
    email_digests.set_enabled(request.user, chosen["mails"])
    prompt = texts.use_plain_line_breaks(request.POST.get("prompt", ""))[: offers.PROMPT_MAX]
    return redirect(f"{resolve_url('studio')}?{urlencode({'prompt': prompt})}")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def emails(request: UserRequest) -> HttpResponse:
    """Show which e-mails we send, and switch the optional ones on or off."""
    user = request.user
    if request.method == "POST":
        email_digests.set_enabled(user, bool(request.POST.get("videos")))
        mails.set_enabled(user, bool(request.POST.get("reviews")))
        messages.success(request, _("Your choice was saved."))
        return redirect("email-settings")
    context = {"at": "settings", "tab": "emails", "wanted": email_digests.is_enabled(user)}
    context["reviews_wanted"] = mails.is_enabled(user)
    context["push_on"] = keys.is_enabled()
    return render(request, "settings/emails.html", context)


@login_required
@require_safe
def data(request: UserRequest) -> HttpResponse:
    """Show how much is stored, the data export and the account deletion."""
    context = {
        "at": "settings",
        "tab": "data",
        "storage": storage.used_by(request.user),
        "credentials_on": settings.CONTENT_CREDENTIALS,
        "discloses_prompts": records.discloses_prompts(request.user),
    }
    return render(request, "settings/data.html", context)


@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator]
def export_data(request: UserRequest) -> HttpResponseBase:
    """Send everything we store about the user as a ZIP."""
    user = request.user
    try:
        data_export.count(user)
    except rate_limits.TooManyAttempts:
        messages.error(request, _("Too many exports. Try again in a minute."))
        return redirect("data")
    if "files" in request.POST:
        return data_export.bundle_response(user)
    return data_export.download_response(user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_account(request: UserRequest) -> HttpResponse:
    """Show what is deleted and what stays; close the account after the password was given again."""
    user, refusal = request.user, ""
    if request.method == "POST":
        refusal = _refusal(user, request.POST)
        if not refusal:
            account_deletion.request_deletion(user)
            logout(request)
            text = _("Your account is closed. We will delete it in %(n)d days.")
            messages.success(request, text % {"n": people_deletion.GRACE_PERIOD.days})
            return redirect("account_login")
    kept = counts.counts_of(user)
    context = {
        "at": "settings",
        "tab": "data",
        "refusal": refusal,
        "days": people_deletion.GRACE_PERIOD.days,
        "credits": credits.available(user) if settings.BILLING else 0,
        "videos": kept.total,
        "rendering": kept.active,
    }
    return render(request, "settings/delete_account.html", context, status=422 if refusal else 200)


def _refusal(user: User, sent: dict[str, str]) -> str:
    """Return why the form does not confirm the deletion; "" when it does."""
    if not user.has_usable_password():
        is_same = sent.get("username", "").strip() == user.username
        return "" if is_same else _("This is not your username.")
    try:
        passwords.confirm_password(user, sent.get("password", ""))
    except errors.BadCredentials:
        return _("This is not your password.")
    except rate_limits.TooManyAttempts as error:
        return str(error)
    return ""
