"""Invitations: where a link leads, and the page on which staff or users make them."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.people import invitations
from config.lib.web.responses import user_of


class InvitationForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("For whom"),
        max_length=invitations.NOTE_MAX,
        required=False,
        help_text=gettext_lazy("So that you know the invitation again. Only you and staff see it."),
    )


@require_safe
def join(request: HttpRequest, invitation: str) -> HttpResponse:
    """Remember the invitation and lead to signing up, which uses it; opening it does not."""
    if request.user.is_authenticated:
        return redirect("studio")
    response = redirect("account_signup")
    response.set_cookie(
        invitations.COOKIE,
        invitation[:64],
        max_age=invitations.COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitations_page(request: HttpRequest) -> HttpResponse:
    """Show the user's invitations and make one; its link is shown in this answer only."""
    user, made, url = _inviter(request), None, ""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made, url = invitations.create(user, form.cleaned_data["note"])
        except invitations.NotAllowed as error:
            form.add_error(None, str(error))
        else:
            form = InvitationForm()
    context = {
        "at": "settings",
        "tab": "invitations",
        "form": form,
        "made": made,
        "url": url,
        "invitations": invitations.list_for(user),
        "now": timezone.now(),
        "most": 0 if user.is_staff else settings.INVITATIONS_PER_USER,
    }
    status = 422 if form.errors else 201 if made else 200
    response = render(request, "settings/invitations.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Withdraw an unused invitation: its link opens no account any more."""
    if not invitations.withdraw(_inviter(request), invitation_id):
        raise Http404
    messages.success(request, _("The invitation is withdrawn."))
    return redirect("invitations")


def _inviter(request: HttpRequest) -> User:
    """Return the user, who may invite; for others the page does not exist. Raises Http404."""
    user = user_of(request)
    if not invitations.may_invite(user):
        raise Http404
    return user
