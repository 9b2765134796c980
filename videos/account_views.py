"""/settings/data/: taking one's data along, and leaving. Both concern the library too."""

from typing import cast

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import auth, counters, leaving
from accounts.counters import Rate
from accounts.models import User
from billing import ledger
from videos import departure, export
from videos.models import Video


@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """What may be taken along, and the way out."""
    return render(request, "settings/data.html", {"at": "settings", "tab": "data"})


@login_required
@require_POST
@reauthentication_required
def export_data(request: HttpRequest) -> HttpResponseBase:
    """All that is kept about the asker, as a ZIP."""
    user, rate = _user(request), Rate(*settings.RATE_AUTH)
    if rate.limit and not counters.hit(f"export:{user.pk.hex}", rate).allowed:
        messages.error(request, _("That was often. Wait a minute before you export again."))
        return redirect("data")
    return export.answer(user)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Say what goes and what stays; then lock the account, with the password given again."""
    user, refused = _user(request), ""
    if request.method == "POST":
        refused = _refused(user, request.POST)
        if not refused:
            departure.leave(user)
            logout(request)
            words = _("Your account is closed. It will be deleted within %(n)d days.")
            messages.success(request, words % {"n": leaving.GRACE.days})
            return redirect("account_login")
    context = {
        "at": "settings",
        "tab": "data",
        "refused": refused,
        "days": leaving.GRACE.days,
        "credits": ledger.available(user),
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
        auth.confirm(user, sent.get("password", ""))
    except auth.BadCredentials:
        return _("This is not your password.")
    except auth.TooManyFailures as error:
        return _("Too many wrong passwords. Try again in %(n)d seconds.") % {"n": error.wait}
    return ""


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)
