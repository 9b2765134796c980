"""What people write to us: reports of abuse and feedback, kept for staff."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts import counters
from accounts.counters import Rate
from showcase.models import Feedback, Letter, Report


class TooMany(Exception):
    """This address wrote often enough for now; `wait` seconds are left."""

    def __init__(self, wait: int) -> None:
        text = ngettext(
            "Too many letters. Try again in %(n)d second.",
            "Too many letters. Try again in %(n)d seconds.",
            wait,
        )
        super().__init__(text % {"n": wait})
        self.wait = wait


def take(request: HttpRequest, kind: type[Report] | type[Feedback], **said: str) -> Letter:
    """Keep a letter, with who wrote it where that is known. Raises TooMany."""
    rate = Rate(*settings.RATE_FORMS)
    if rate.limit:
        verdict = counters.hit(f"letters:{counters.network_of(request)}", rate)
        if not verdict.allowed:
            raise TooMany(verdict.reset)
    user = request.user if request.user.is_authenticated else None
    letter: Letter = kind.objects.create(user=user, **said)
    return letter


def open_letters() -> dict[str, int]:
    """How many letters of each kind wait for staff."""
    return {
        kind.__name__.lower(): kind.objects.filter(state=Letter.State.OPEN).count()
        for kind in (Report, Feedback)
    }
