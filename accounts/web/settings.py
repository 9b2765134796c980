"""/settings/: the profile, keyboard shortcuts and sign-ins of a user."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth import sessions as auth_sessions
from accounts.people import profile, restoration
from accounts.web.forms import ProfileForm
from config.lib.web.responses import user_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """Show and change the profile; an error stands beside its field."""
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
    """Switch keyboard shortcuts on or off; a script (`quiet`) gets 204."""
    on = "on" in request.POST
    profile.update(user_of(request), keyboard_shortcuts=on)
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    text = _("Keyboard shortcuts are on.") if on else _("Keyboard shortcuts are off.")
    messages.success(request, text)
    return redirect("settings")


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Show the browsers and programs in which the user is signed in."""
    user = user_of(request)
    context = {
        "at": "settings",
        "tab": "sessions",
        "browsers": [
            (row, auth_sessions.describe_browser(row.user_agent))
            for row in auth_sessions.list_browsers(user)
        ],
        "programs": auth_sessions.list_programs(user),
        "current": request.session.session_key,
    }
    return render(request, "settings/sessions.html", context)


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one sign-in, or all except this one."""
    user = user_of(request)
    if request.POST.get("others"):
        auth_sessions.end_other_sessions(user, request.session.session_key)
        messages.success(request, _("You are signed out everywhere else."))
        return redirect("sessions")
    try:
        auth_sessions.end_session(user, request.POST.get("kind", ""), request.POST.get("id", ""))
    except auth_sessions.NoSuchSession as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("You ended that sign-in."))
    return redirect("sessions")


@require_http_methods(["GET", "HEAD", "POST"])
def restore_account(request: HttpRequest, token: str) -> HttpResponse:
    """The link that restores an account: ask first, then restore it."""
    try:
        user = (
            restoration.restore_by_link(token)
            if request.method == "POST"
            else restoration.user_of_link(token)
        )
    except restoration.BadLink:
        return render(request, "account/restore.html", status=404)
    if request.method == "POST":
        messages.success(request, _("Your account is restored. Sign in to continue."))
        return redirect("account_login")
    return render(request, "account/restore.html", {"deleted_user": user})
