"""Inviting a friend: the page with the user's link, and where that link leads."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from billing.referrals import invitations, rewards, switch
from config.lib.web.responses import user_of


@login_required
@require_safe
def invite(request: HttpRequest) -> HttpResponse:
    """Show the user's link, who came by it, and what the user earned."""
    try:
        each = switch.require_referrals()
    except switch.ReferralsOff as error:
        raise Http404 from error
    context = {
        "at": "settings",
        "tab": "invite",
        "each": each,
        "most": settings.REFERRALS_PER_MONTH,
        "month_days": rewards.MONTH.days,
        "days": settings.BONUS_LIFETIME.days,
        "invitations": invitations.invitations_of(user_of(request)),
    }
    return render(request, "settings/invite.html", context)


@require_safe
def invited(request: HttpRequest, code: str) -> HttpResponse:
    """Remember whose link a visitor opened, and lead to signing up; a user goes to the studio."""
    if request.user.is_authenticated:
        return redirect("studio")
    response = redirect("account_signup")
    if switch.credits_each() and invitations.is_code(code):
        response.set_cookie(
            invitations.COOKIE,
            code,
            max_age=invitations.COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
