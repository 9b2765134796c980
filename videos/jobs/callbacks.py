"""The inbox of engines' webhooks: each genuine one is kept once and rings its video's bell.

A bell only makes the worker look; what is true is fetched. One that comes before the job's id is
known is found in the inbox when the id is. Who calls back for a video shows the token that only
its own callback address holds.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from videos.engines.base import Callback
from videos.engines.errors import AuthFailed
from videos.jobs import state_machine
from videos.models import EngineCallback, Video

KEPT = timedelta(days=30)
# An engine may name so many jobs for a video before the video's own is known.
GUESSES = 20
EVENT_MAX = 200
JOB_MAX = 512
_signer = Signer(sep=".", salt="videos.callback")


def address_of(video: Video) -> str:
    """Where an engine calls back about a video."""
    token = _signer.sign(video.pk.hex)
    return f"{settings.BASE_URL}/api/videos/sora/callback?{urlencode({'t': token})}"


def video_of(token: str) -> Video | None:
    """The video whose callback address holds this token. Raises AuthFailed for a made-up one."""
    try:
        return Video.objects.filter(pk=UUID(_signer.unsign(token))).first()
    except (BadSignature, ValueError) as error:
        raise AuthFailed("callback: a made-up token") from error


def record_callback(engine: str, bell: Callback, video: Video | None = None) -> bool:
    """Keep a bell and ring it for the video it is about, if that is known by now.

    False, and nothing is kept, when it names another job than the video's own.
    """
    if video and video.engine_job_id and video.engine_job_id != bell.job_id:
        return False
    if video and not video.engine_job_id and video.engine_callbacks.count() >= GUESSES:
        return False
    if not _is_storable(bell):
        return True
    _store(engine, bell, video)
    # Looked for after the bell is kept: whoever learns the job's id now finds one or the other.
    known = video or Video.objects.filter(engine=engine, engine_job_id=bell.job_id).first()
    if known:
        state_machine.wake(known)
    return True


def wake_for_early_callbacks(video: Video) -> None:
    """Ring for a video whose job's id has just become known, if its bell came before that."""
    waiting = EngineCallback.objects.filter(engine=video.engine, engine_job_id=video.engine_job_id)
    if waiting.exists():
        state_machine.wake(video)


def _store(engine: str, bell: Callback, video: Video | None) -> None:
    now = timezone.now()
    row = EngineCallback(
        engine=engine,
        event_key=bell.event,
        engine_job_id=bell.job_id,
        video=video,
        received_at=now,
    )
    EngineCallback.objects.bulk_create([row], ignore_conflicts=True)
    EngineCallback.objects.filter(received_at__lt=now - KEPT).delete()


def _is_storable(bell: Callback) -> bool:
    """What is not printable is no id, and some databases refuse to look for it."""
    short = len(bell.event) <= EVENT_MAX and len(bell.job_id) <= JOB_MAX
    return short and f"{bell.event}{bell.job_id}".isprintable() and bool(bell.event and bell.job_id)
