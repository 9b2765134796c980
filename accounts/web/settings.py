"""/settings/: who somebody is here, and where that somebody is signed in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth import sessions as auth_sessions
from accounts.people import profile, restoration
from accounts.web.forms import ProfileForm
from config.lib.http import user_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """The profile; a value that cannot be taken is said beside its field."""
    user = user_of(request)
    form = ProfileForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            profile.update(user, **form.cleaned_data)
        except profile.BadProfile as error:
            user.refresh_from_db()
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Your profile is saved."))
            return redirect("settings")
    status = 422 if form.errors else 200
    context = {"form": form, "at": "settings", "tab": "profile"}
    return render(request, "settings/profile.html", context, status=status)


@login_required
@require_POST
def shortcuts(request: HttpRequest) -> HttpResponse:
    """Whether single keys are shortcuts; a script is answered with a bare status."""
    on = "on" in request.POST
    profile.update(user_of(request), single_keys=on)
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    said = _("Single keys are shortcuts.") if on else _("Single keys do nothing any more.")
    messages.success(request, said)
    return redirect("settings")


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Every browser and program that is signed in."""
    user = user_of(request)
    context = {
        "at": "settings",
        "tab": "sessions",
        "browsers": [
            (row, auth_sessions.called(row.user_agent)) for row in auth_sessions.browsers(user)
        ],
        "programs": auth_sessions.programs(user),
        "current": request.session.session_key,
    }
    return render(request, "settings/sessions.html", context)


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one sign-in, or all but this one."""
    user = user_of(request)
    if request.POST.get("others"):
        auth_sessions.end_others(user, request.session.session_key)
        messages.success(request, _("You are signed out everywhere else."))
        return redirect("sessions")
    try:
        auth_sessions.end(user, request.POST.get("kind", ""), request.POST.get("id", ""))
    except auth_sessions.Gone as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("That sign-in has ended."))
    return redirect("sessions")


@require_http_methods(["GET", "HEAD", "POST"])
def come_back(request: HttpRequest, token: str) -> HttpResponse:
    """The link of somebody who left: ask once, then undo it."""
    try:
        user = restoration.come_back(token) if request.method == "POST" else restoration.who(token)
    except restoration.Useless:
        return render(request, "account/return.html", status=404)
    if request.method == "POST":
        messages.success(request, _("Your account is back. Sign in to go on."))
        return redirect("account_login")
    return render(request, "account/return.html", {"leaver": user})
