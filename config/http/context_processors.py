"""What every template may say of the place it stands in."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from config.http import request_id


def shell(request: HttpRequest) -> dict[str, Any]:
    """A context processor without a query."""
    return {
        "base_url": settings.BASE_URL,
        "google_on": bool(settings.GOOGLE_CLIENT_ID),
        "support_email": settings.SUPPORT_EMAIL,
        "docs_url": settings.DOCS_URL,
        "status_url": settings.STATUS_URL,
        "request_id": request_id.current.get(),
    }
