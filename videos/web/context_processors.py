"""Values for every template that need the database: the wallet and the library's counts."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.people import signup
from billing.referrals import invitations, switch
from videos.catalog import offers
from videos.library import counts
from videos.web.presenters import wallet


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the values; those that need a query run it when a template reads them."""
    user: Any = SimpleLazyObject(lambda: request.user)  # may be missing on an error page
    return {
        "site_name": settings.SITE_NAME,
        "welcome_credits": settings.WELCOME_CREDITS if settings.BILLING else 0,
        "credits_after_confirmation": settings.WELCOME_CREDITS_AFTER_CONFIRMATION,
        "referral_credits": SimpleLazyObject(switch.credits_each),
        "is_invited": SimpleLazyObject(lambda: _is_invited(request)),
        "waits_for_welcome_credits": SimpleLazyObject(lambda: _waits_for_welcome_credits(user)),
        "sandbox": SimpleLazyObject(_sandbox),
        "wallet": SimpleLazyObject(lambda: wallet.wallet_of(user)),
        "library": SimpleLazyObject(lambda: counts.counts_of(user)),
    }


def _is_invited(request: HttpRequest) -> bool:
    code = request.COOKIES.get(invitations.COOKIE, "")
    return bool(code and switch.credits_each() and invitations.is_code(code))


def _waits_for_welcome_credits(user: Any) -> bool:
    return bool(user.is_authenticated and signup.waits_for_welcome_credits(user))


def _sandbox() -> dict[str, Any]:
    """Return whether the sandbox engine is in use, and how to sign in as the demo user."""
    on = settings.SANDBOX and not settings.PRODUCTION
    demo = on and User.objects.filter(username="demo", is_active=True).exists()
    password = "demo-firstlight" if settings.ENVIRONMENT == "development" else ""
    draws = offers.are_all_of_sandbox()
    return {"on": on, "demo": demo, "password": password, "draws": draws}
