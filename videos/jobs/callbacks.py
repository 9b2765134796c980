"""Record callbacks of engines: each verified one is stored once and wakes its video.

A callback never changes a video by itself: the worker polls the engine. A callback that arrives
before the job's id is known is found when the id is. The callback URL of a video contains a signed
token that only this video has.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from config.lib import batches
from videos.engines.base import Callback, ids_named
from videos.engines.errors import AuthFailed
from videos.jobs import state_machine
from videos.models import EngineCallback, Video

KEEP_FOR = timedelta(days=30)
# How many callbacks are stored for a video whose job's id is not known yet.
MAX_EARLY_CALLBACKS = 20
EVENT_MAX = 200
JOB_MAX = 512
_signer = Signer(sep=".", salt="videos.callback")


def url_of(video: Video) -> str:
    """The URL for an engine's callbacks about a video."""
    token = _signer.sign(video.pk.hex)
    return f"{settings.BASE_URL}/api/videos/sora/callback?{urlencode({'t': token})}"


def video_of(token: str) -> Video | None:
    """The video whose callback URL has this token. Raises AuthFailed for a forged token."""
    try:
        return Video.objects.filter(pk=UUID(_signer.unsign(token))).first()
    except (BadSignature, ValueError) as error:
        raise AuthFailed("callback: forged token") from error


def record_callback(engine: str, callback: Callback, video: Video | None = None) -> bool:
    """Store a callback and wake the video it is about, if that is known.

    Returns False, and stores nothing, when it names another job than the video's own.
    """
    if video and video.engine_job_id and callback.job_id not in ids_named(video.engine_job_id):
        return False
    if video and not video.engine_job_id and video.engine_callbacks.count() >= MAX_EARLY_CALLBACKS:
        return False
    if not _is_storable(callback):
        return True
    is_new = _store(engine, callback, video)
    # Search only after storing: who learns the job's id meanwhile finds the callback.
    known = video or Video.objects.filter(engine=engine, engine_job_id=callback.job_id).first()
    if known:
        state_machine.wake(known, by_new_callback=is_new)
    return True


def wake_for_early_callbacks(video: Video) -> None:
    """Wake a video whose job's id has just become known, if callbacks came before that."""
    ids = ids_named(video.engine_job_id)
    waiting = EngineCallback.objects.filter(engine=video.engine, engine_job_id__in=ids)
    if waiting.exists():
        state_machine.wake(video, by_new_callback=True)


def delete_expired() -> None:
    """Delete callbacks that are older than KEEP_FOR."""
    batches.delete(EngineCallback.objects.filter(received_at__lt=timezone.now() - KEEP_FOR))


def _store(engine: str, callback: Callback, video: Video | None) -> bool:
    """Store a callback; return whether it was not known before."""
    known = EngineCallback.objects.filter(engine=engine, event_key=callback.event).exists()
    row = EngineCallback(
        engine=engine,
        event_key=callback.event,
        engine_job_id=callback.job_id,
        video=video,
        received_at=timezone.now(),
    )
    EngineCallback.objects.bulk_create([row], ignore_conflicts=True)
    return not known


def _is_storable(callback: Callback) -> bool:
    """Whether its ids fit the columns and are printable; some databases refuse others."""
    short = len(callback.event) <= EVENT_MAX and len(callback.job_id) <= JOB_MAX
    return (
        short
        and f"{callback.event}{callback.job_id}".isprintable()
        and bool(callback.event and callback.job_id)
    )
