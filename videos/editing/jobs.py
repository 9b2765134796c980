"""Order, cancel and retry edits. A worker makes them: videos.editing.worker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.editing import job_states, recipes
from videos.editing.recipes import NotEditable, Recipe
from videos.jobs import key_limits
from videos.jobs.money import charges
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.models import MediaJob, Upload, Video


class TooManyEdits(Exception):
    """The user has as many edits that wait or run as are allowed; nothing was ordered."""

    wait = 60

    def __init__(self) -> None:
        text = _("You have %(n)s edits that wait or run. Try again when one has ended.")
        super().__init__(text % {"n": settings.EDITS_WAITING})


@dataclass(frozen=True)
class EditOrder:
    """What a user asks for: videos in their order, the recipe, and the sound file if it has one."""

    videos: Sequence[Video]
    recipe: Recipe
    sound: Upload | None = None
    api_key_id: UUID | None = None
    max_credits: int | None = None
    retry_of: MediaJob | None = None


def price() -> int:
    """What an edit costs now, in credits."""
    return settings.EDIT_CREDITS if settings.BILLING else 0


def submit(
    user: AbstractBaseUser, order: EditOrder, request_key: RequestKey | None = None
) -> MediaJob:
    """Order an edit and charge its credits.

    Raises NotEditable, NotPossible for a second retry, PriceChanged, TooManyEdits, KeyLimitReached,
    NotEnoughCredits, AlreadyDone or IdempotencyMismatch; then nothing is written.
    """
    recipes.check(order.recipe, order.videos, order.sound)
    cost = price()
    if order.max_credits is not None and cost > order.max_credits:
        raise PriceChanged(cost, order.max_credits)
    job = MediaJob(
        user_id=user.pk,
        recipe=order.recipe.stored(),
        sound=order.sound,
        api_key_id=order.api_key_id,
        credits=cost,
        retry_of=order.retry_of,
    )
    with feed.lock(job.user_id):
        idempotency.record(request_key, job)
        if order.retry_of and order.retry_of.retries.filter(status__in=MediaJob.ACTIVE).exists():
            raise NotPossible(_("This edit is being tried again already."))
        waiting = MediaJob.objects.of(user).active().filter(kind=MediaJob.Kind.EDIT)
        if waiting.count() >= settings.EDITS_WAITING:
            raise TooManyEdits
        key_limits.check_price(order.api_key_id, cost)
        _lock_what_it_needs(order)
        job_states.enqueue(job, order.videos)
        if cost:
            described = charges.describe_edit(order.videos[0])
            purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(job.pk), described)
            credits.spend(user, cost, charges.job_spend_key(job.pk), purpose)
    return job


def _lock_what_it_needs(order: EditOrder) -> None:
    """Raise NotEditable when a video or the sound was deleted meanwhile.

    The owner deletes videos while holding the feed, as the caller does.
    """
    wanted = {video.pk for video in order.videos}
    if Video.objects.filter(pk__in=wanted, deleted_at=None).count() != len(wanted):
        raise NotEditable("videos", _("A video of this edit was deleted."))
    if order.sound:
        rows = Upload.objects.select_for_update(no_key=True)
        if not rows.filter(pk=order.sound.pk, stored=True).exists():
            raise NotEditable("sound", _("The sound file was deleted. Upload it again."))


def cancel(job: MediaJob) -> None:
    """End a job that waits or runs; its credits are returned. Raises NotPossible."""
    job_states.cancel(job)


def retry(
    user: AbstractBaseUser,
    job: MediaJob,
    request_key: RequestKey | None = None,
    *,
    api_key_id: UUID | None = None,
    max_credits: int | None = None,
) -> MediaJob:
    """Order the same edit once more, after it failed or was cancelled.

    Raises NotPossible or what submit raises; then nothing is written.
    """
    if not job.is_lost:
        raise NotPossible(_("Only an edit that failed or was cancelled can be retried."))
    recipe = recipes.of_job(job)
    if any(video.deleted_at for video in job.videos):
        raise NotPossible(_("A video of this edit was deleted."))
    if recipe.sound and job.sound is None:
        raise NotPossible(_("The sound file was deleted. Upload it again."))
    order = EditOrder(job.videos, recipe, job.sound, retry_of=job)
    return submit(user, replace(order, api_key_id=api_key_id, max_credits=max_credits), request_key)


def cancel_all(user: AbstractBaseUser) -> None:
    """Cancel every job of a user that waits or runs, and return the credits."""
    for job in MediaJob.objects.of(user).active():
        try:
            job_states.cancel(job)
        except NotPossible:  # it has just ended
            continue
