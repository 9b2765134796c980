"""What people write to us: reports of abuse and feedback, kept for staff."""

from django.conf import settings
from django.http import HttpRequest

from accounts import counters
from accounts.counters import Rate
from showcase.models import Feedback, Letter, Report


class TooMany(Exception):
    """This address wrote often enough for now; `wait` seconds are left."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many letters. Try again in {wait} seconds.")
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
