"""/welcome/ at the beginning, /settings/data/ at the end: taking one's data along, and leaving."""

from typing import Any, cast
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth import tokens
from accounts.models import User
from accounts.people import deletion as people_deletion
from accounts.people import profile
from billing.ledger import credits
from config.lib import rate_limits
from config.lib.rate_limits import Rate
from videos import catalog
from videos.account import data_export, email_digests
from videos.account import deletion as account_deletion
from videos.models import Price, Video
from videos.web.forms import WelcomeForm

STARTERS = (
    gettext_lazy(
        "Morning fog pours between mountain ridges as the sun clears the last peak, slow "
        "aerial push"
    ),
    gettext_lazy(
        "A paper boat sails down a rainy gutter at street level, neon lights in the water"
    ),
    gettext_lazy(
        "A fox crosses fresh snow at blue hour, breath in the air, the camera follows low"
    ),
    gettext_lazy("A ceramic cup on a wooden table, steam curling in window light, close and still"),
)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Two steps after signing up: a scene to begin with, and what the credits buy."""
    user = _user(request)
    known = {"language": user.language, "mails": email_digests.wanted(user)}
    form = WelcomeForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        return _begin(request, user, form.cleaned_data)
    if request.method != "POST" and request.GET.get("step") != "2":
        return render(request, "welcome/prompt.html", {"step": 1, "prompts": STARTERS})
    available = credits.available(user)
    scene = request.GET.get("scene", "")
    flat = catalog.prices()
    prices = [
        (model.label, catalog.at_length(flat[Price.Kind.TEXT, name], catalog.DEFAULT_SECONDS))
        for name, model in catalog.MODELS.items()
    ]
    context = {
        "step": 2,
        "form": form,
        "available": available,
        "prompt": STARTERS[int(scene)] if scene in {"0", "1", "2", "3"} else "",
        "rows": [
            {"label": label, "price": price, "videos": available // price}
            for label, price in prices
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "welcome/credits.html", context, status=status)


def _begin(request: HttpRequest, user: User, chosen: dict[str, Any]) -> HttpResponse:
    """Keep what was chosen and go to the studio, in that language, with the scene filled in."""
    profile.update(user, language=chosen["language"])
    email_digests.want(user, chosen["mails"])
    prompt = request.POST.get("prompt", "")[: catalog.PROMPT_MAX]
    return redirect(f"{resolve_url('studio')}?{urlencode({'prompt': prompt})}")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mails(request: HttpRequest) -> HttpResponse:
    """Which e-mails we send, and whether to send those that are only handy."""
    user = _user(request)
    if request.method == "POST":
        email_digests.want(user, bool(request.POST.get("videos")))
        messages.success(request, _("Your choice is saved."))
        return redirect("mails")
    context = {"at": "settings", "tab": "mails", "wanted": email_digests.wanted(user)}
    return render(request, "settings/mails.html", context)


@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """What may be taken along, and the way out."""
    return render(request, "settings/data.html", {"at": "settings", "tab": "data"})


@login_required
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator]
def export_data(request: HttpRequest) -> HttpResponseBase:
    """All that is kept about the asker, as a ZIP."""
    user, rate = _user(request), Rate(*settings.RATE_AUTH)
    if rate.limit and not rate_limits.hit(f"export:{user.pk.hex}", rate).allowed:
        messages.error(request, _("That was often. Wait a minute before you export again."))
        return redirect("data")
    return data_export.answer(user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Say what goes and what stays; then lock the account, with the password given again."""
    user, refused = _user(request), ""
    if request.method == "POST":
        refused = _refused(user, request.POST)
        if not refused:
            account_deletion.leave(user)
            logout(request)
            words = _("Your account is closed. It will be deleted within %(n)d days.")
            messages.success(request, words % {"n": people_deletion.GRACE.days})
            return redirect("account_login")
    context = {
        "at": "settings",
        "tab": "data",
        "refused": refused,
        "days": people_deletion.GRACE.days,
        "credits": credits.available(user),
        "videos": Video.objects.of(user).count(),
        "rendering": Video.objects.of(user).filter(status__in=Video.ACTIVE).count(),
    }
    return render(request, "settings/leave.html", context, status=422 if refused else 200)


def _refused(user: User, sent: dict[str, str]) -> str:
    """Why this form does not close the account; "" when it does."""
    if not user.has_usable_password():
        same = sent.get("username", "").strip() == user.username
        return "" if same else _("This is not your username.")
    try:
        tokens.confirm(user, sent.get("password", ""))
    except tokens.BadCredentials:
        return _("This is not your password.")
    except tokens.TooManyFailures as error:
        return _("Too many wrong passwords. Try again in %(n)d seconds.") % {"n": error.wait}
    return ""


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)
