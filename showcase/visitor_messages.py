"""Messages of visitors, abuse reports and feedback: accept, count and close them."""

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from config.lib import rate_limits
from config.lib.rate_limits import Rate
from showcase.models import AbuseReport, Feedback, VisitorMessage


def accept(
    request: HttpRequest, kind: type[AbuseReport] | type[Feedback], **fields: str
) -> VisitorMessage:
    """Store a message, with the user when signed in. Raises TooManyAttempts."""
    rate_limits.check(f"messages:{rate_limits.network_of(request)}", Rate(*settings.RATE_FORMS))
    user = request.user if request.user.is_authenticated else None
    message: VisitorMessage = kind.objects.create(user=user, **fields)
    return message


def count_open() -> dict[str, int]:
    """Return how many messages of each kind are open, by lower-case model name."""
    return {
        kind.__name__.lower(): kind.objects.filter(state=VisitorMessage.State.OPEN).count()
        for kind in (AbuseReport, Feedback)
    }


def close(messages: QuerySet[VisitorMessage]) -> list[VisitorMessage]:
    """Close messages without a decision; return those that were open."""
    rows = list(messages.filter(state=VisitorMessage.State.OPEN))
    messages.filter(pk__in=[row.pk for row in rows]).update(state=VisitorMessage.State.CLOSED)
    return rows
