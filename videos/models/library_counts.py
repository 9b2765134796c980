"""How many videos a user's library has."""

from django.conf import settings
from django.db import models


class LibraryCounts(models.Model):
    """How many videos of a user that are not deleted have each state, kept by triggers.

    The triggers of migration 0019 write it, in the statement that changes a video, so that every
    page can show it without counting. `videos.library.counts` reads and checks it, and the audit
    has it repair what is wrong.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    active = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    timeout = models.BigIntegerField(default=0)
    # Those that failed or timed out and were not retried.
    attention = models.BigIntegerField(default=0)
    favourites = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.total}"

    @property
    def total(self) -> int:
        return self.active + self.succeeded + self.failed + self.cancelled + self.timeout

    @property
    def rendering(self) -> int:
        """The number of videos that have not ended, by the word of the library's filter."""
        return self.active

    @property
    def ready(self) -> int:
        return self.succeeded
