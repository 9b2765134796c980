"""When a request arrived: before its body came, and before it waited for a thread."""

from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

NAME = "firstlight.arrived_at"


def note(scope: MutableMapping[str, Any]) -> None:
    """Keep the present time in the ASGI scope of a request whose headers have come."""
    scope[NAME] = timezone.now()


def time_of(request: HttpRequest) -> datetime:
    """Return when a request arrived; the present time for one that came without an ASGI scope."""
    found: datetime = getattr(request, "scope", {}).get(NAME) or timezone.now()
    return found
