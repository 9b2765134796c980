"""Site-wide values for every template: addresses, the request id, the theme."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from config.http import request_id
from config.http.presentation import theme

MAIL_FOLDER = str(settings.DATA_DIR / "mail")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return values that need no database query."""
    return {
        "base_url": settings.BASE_URL,
        # Names in their own script, which Django's tag would translate.
        "languages": settings.LANGUAGES,
        "billing_on": settings.BILLING,
        "mcp_on": settings.MCP,
        "social_on": any(app["APPS"] for app in settings.SOCIALACCOUNT_PROVIDERS.values()),
        "sign_up": settings.SIGN_UP,
        "sign_up_domains": settings.SIGN_UP_DOMAINS,
        "users_invite": settings.INVITATIONS_BY == "users",
        "mail_folder": "" if settings.EMAIL_HOST or settings.PRODUCTION else MAIL_FOLDER,
        "support_email": settings.SUPPORT_EMAIL,
        "docs_url": settings.DOCS_URL,
        "status_url": settings.STATUS_URL,
        "request_id": request_id.current.get(),
        "viewing": getattr(request, "viewing", None),
        "theme": theme.theme_of(request),
    }
