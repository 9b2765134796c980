"""Fetch the result of a video again that ended although its job finished at the engine.

Staff ask for it (`request`) while the engine keeps the job; a worker fetches the file and moves the
video to SUCCEEDED, or records why it could not (`record_failure`). The video has failed and stays
refunded meanwhile, and its job is deleted once `result_kept_until` has passed.
"""

import logging
from datetime import timedelta

from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from config.lib import clock
from config.lib.queues import wakeups
from videos.engines.errors import EngineError, Gone, NotFound
from videos.jobs import state_machine
from videos.models import Video

log = logging.getLogger(__name__)

# Seconds between the tries.
PAUSES = (2, 5, 15, 30)
# A file that is being fetched is kept at least so long.
TIME_TO_FETCH = timedelta(hours=1)


def is_possible(video: Video) -> bool:
    """Whether the engine still keeps the result, and nobody has it fetched already."""
    until = video.result_kept_until
    return (
        video.status in Video.RESCUABLE
        and video.deleted_at is None
        and not video.fetches_again
        and until is not None
        and until > clock.now()
    )


def request(video: Video) -> None:
    """Have a worker fetch the result again. Raises NotPossible, also when somebody was first."""
    now = clock.now()
    rows = Video.objects.filter(
        pk=video.pk,
        status__in=Video.RESCUABLE,
        deleted_at=None,
        needs_cleanup=True,
        fetches_again=False,
        lease=None,
        result_kept_until__gt=now,
    )
    if not rows.update(
        fetches_again=True,
        fetch_again_error="",
        result_kept_until=Greatest(F("result_kept_until"), Value(now + TIME_TO_FETCH)),
        attempts=0,
        next_step_at=now,
    ):
        raise state_machine.NotPossible(
            _("The state of the video changed meanwhile. Reload the page.")
        )
    wakeups.announce(Video)


def record_failure(video: Video, error: EngineError) -> None:
    """Try again soon where that can help, else tell staff why and let the job wait."""
    log.warning("the result of video %s could not be fetched again: %s", video.pk, error)
    rows = Video.objects.filter(pk=video.pk, lease=video.lease)
    if error.retryable and video.attempts < len(PAUSES):
        pause = error.retry_after or PAUSES[video.attempts]
        rows.update(attempts=F("attempts") + 1, **state_machine.due_in(pause))
        return
    now = clock.now()
    ended = {"fetches_again": False, "attempts": 0, "lease": None}
    kept_until = None if isinstance(error, Gone | NotFound) else video.result_kept_until
    if not rows.filter(deleted_at=None).update(
        **ended,
        fetch_again_error=str(error),
        result_kept_until=kept_until,
        next_step_at=kept_until or now,
    ):
        # Its owner has deleted it meanwhile: nothing is kept.
        rows.update(**ended, result_kept_until=None, next_step_at=now)


def describe(video: Video) -> str:
    """What staff need to know about the file at the engine; "" when there is nothing to say."""
    if video.rescued_at:
        return _("Fetched again after the video had failed. The credits stay refunded.")
    if video.fetches_again:
        return _("A worker fetches the file again.")
    said = []
    if error := video.fetch_again_error:
        failed = _("It could not be fetched again: %(error)s.")
        said = [failed % {"error": error.rstrip(".")}]
        if video.result_kept_until is None:
            said = [_("The engine says that the job or its file is gone."), *said]
    if is_possible(video):
        until = {"time": date_format(localtime(video.result_kept_until), "DATETIME_FORMAT")}
        said.append(_("The engine has the finished file. It is deleted there at %(time)s.") % until)
    return " ".join(said)
