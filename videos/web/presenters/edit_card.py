"""What the list of edits shows of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.editing import failures, recipes
from videos.models import MediaJob, Video


@dataclass(frozen=True)
class EditCard:
    """One edit: its job, its first video, and what it changes in words."""

    job: MediaJob
    video: Video
    changes: str

    @property
    def percent(self) -> int:
        return int(self.job.progress)

    @property
    def failure(self) -> str:
        return failures.sentence(self.job)

    @property
    def result(self) -> Video | None:
        """The video that it has made, unless it was deleted."""
        made = self.job.result
        return made if made and made.deleted_at is None else None

    @property
    def can_be_retried(self) -> bool:
        return self.job.is_lost and self.video.deleted_at is None

    @property
    def token(self) -> UUID:
        """A new token for one form, so that a double click orders one edit."""
        return uuid4()


def edit_cards(jobs: Sequence[MediaJob]) -> list[EditCard]:
    """Return the cards of edits, in their order; one query for the videos that they made."""
    made = Video.objects.in_bulk([job.result_id for job in jobs if job.result_id])
    for job in jobs:
        if job.result_id:
            job.result = made[job.result_id]
    return [EditCard(job, job.videos[0], describe(job)) for job in jobs]


def describe(job: MediaJob) -> str:
    """Say what an edit changes, such as "trimmed · 9:16 · muted"."""
    if not job.recipe:  # the account was erased
        return ""
    recipe, count = recipes.of_job(job), len(job.videos)
    loops = ngettext("%(n)d time", "%(n)d times", recipe.loops) % {"n": recipe.loops}
    is_mix = recipe.sound is not None and recipe.sound.mode == "mix"
    parts = {
        _("trimmed"): recipe.trim,
        ngettext("%(n)d video joined", "%(n)d videos joined", count) % {"n": count}: recipe.join,
        recipe.reframe.aspect if recipe.reframe else "": recipe.reframe,
        _("speed %(n)s") % {"n": f"{recipe.speed:g}×"}: recipe.speed != 1,
        loops: recipe.loops > 1,
        _("muted"): recipe.mute,
        _("sound mixed") if is_mix else _("other sound"): recipe.sound,
        _("another poster"): recipe.poster is not None,
    }
    return " · ".join(text for text, is_so in parts.items() if is_so)
