"""Order exports. The same export of the same file is made once while it is kept."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.editing import job_states, jobs
from videos.editing.exports import formats, records
from videos.editing.exports.formats import Format
from videos.editing.jobs import TooManyEdits
from videos.editing.recipes import NotEditable
from videos.jobs import key_limits
from videos.jobs.money import charges
from videos.jobs.orders import PriceChanged
from videos.models import MediaExport, MediaJob, Video

# Raised when the same export has to be made anew: a change of what files are made like.
EDITION = 1


class TooManyExports(TooManyEdits):
    """The user has as many exports that wait or run as are allowed; nothing was ordered."""

    def __init__(self) -> None:
        text = _("You have %(n)s exports that wait or run. Try again when one has ended.")
        Exception.__init__(self, text % {"n": settings.EXPORTS_WAITING})


@dataclass(frozen=True)
class Options:
    """The format, and for one with another shape how the picture is brought to it.

    `crop` cuts what is too much, at a `position` from 0, left or top, to 1; `bars` adds black.
    """

    format: str
    fit: str = "crop"
    position: float = 0.5


def price() -> int:
    """What an export costs now, in credits."""
    return settings.EXPORT_CREDITS if settings.BILLING else 0


def submit(
    user: AbstractBaseUser,
    video: Video,
    options: Options,
    request_key: RequestKey | None = None,
    *,
    api_key_id: UUID | None = None,
    max_credits: int | None = None,
) -> MediaJob:
    """Order an export and charge its credits, or return the same one that there is, for nothing.

    Raises NotEditable, PriceChanged, TooManyExports, KeyLimitReached, NotEnoughCredits, AlreadyDone
    or IdempotencyMismatch; then nothing is written.
    """
    form = _check(video, options.format)
    cost, recipe = price(), _recipe(form, options)
    mark = fingerprint(video, recipe)
    job = MediaJob(
        user_id=user.pk,
        kind=MediaJob.Kind.EXPORT,
        recipe=recipe,
        api_key_id=api_key_id,
        credits=cost,
    )
    with feed.lock(job.user_id):
        if same := records.find_same(user, video, mark):
            idempotency.record(request_key, same)
            return same
        if max_credits is not None and cost > max_credits:
            raise PriceChanged(cost, max_credits)
        idempotency.record(request_key, job)
        waiting = MediaJob.objects.of(user).active().filter(kind=MediaJob.Kind.EXPORT)
        if waiting.count() >= settings.EXPORTS_WAITING:
            raise TooManyExports
        key_limits.check_price(api_key_id, cost)
        if not Video.objects.filter(pk=video.pk, deleted_at=None).exists():
            raise NotEditable("video", _("The video was deleted."))
        job_states.enqueue(job, [video])
        records.create(job, video, form.name, mark)
        if cost:
            described = charges.describe_job(job)
            purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(job.pk), described)
            credits.spend(user, cost, charges.job_spend_key(job.pk), purpose)
    return job


def fingerprint(video: Video, recipe: dict[str, Any]) -> str:
    """What is the same for the same export of the same file."""
    said = json.dumps([EDITION, video.file_sha256, recipe], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def cancel(job: MediaJob) -> None:
    """End an export that waits or runs; its credits are returned. Raises NotPossible."""
    jobs.cancel(job)


def delete(export: MediaExport) -> None:
    """Remove an export; one that waits or runs is cancelled first. Safe to repeat."""
    if export.job.is_active:
        jobs.cancel(export.job)
    records.remove(export)


def _check(video: Video, name: str) -> Format:
    form = formats.find(name)
    if form is None:
        raise NotEditable("format", _("This format is not offered here."))
    if video.status != Video.Status.SUCCEEDED or not video.has_file or video.is_expired:
        raise NotEditable("video", _("Only a finished video with a file can be exported."))
    if video.width * video.height > settings.EDIT_MAX_PIXELS:
        raise NotEditable("video", _("The picture of a video is too large to be exported."))
    if video.seconds > settings.EDIT_MAX_SECONDS + 1:
        most = settings.EDIT_MAX_SECONDS
        raise NotEditable("video", _("The video is longer than %(n)s seconds.") % {"n": most})
    return form


def _recipe(form: Format, options: Options) -> dict[str, Any]:
    """The options as they are stored: only those that change the file."""
    recipe = asdict(options)
    if not form.aspect:
        recipe |= {"fit": "crop", "position": 0.5}
    elif options.fit == "bars":
        recipe["position"] = 0.5
    return recipe
