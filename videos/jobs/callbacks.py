"""The inbox of upstreams' webhooks: each genuine one is kept once and rings its video's bell.

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

from videos.engines.base import AuthFailed, Bell
from videos.jobs import state_machine
from videos.models import UpstreamEvent, Video

KEPT = timedelta(days=30)
# An upstream may name so many jobs for a video before the video's own is known.
GUESSES = 20
EVENT_MAX = 200
JOB_MAX = 512
_signer = Signer(sep=".", salt="videos.callback")


def address_of(video: Video) -> str:
    """Where an upstream calls back about a video."""
    token = _signer.sign(video.pk.hex)
    return f"{settings.BASE_URL}/api/videos/sora/callback?{urlencode({'t': token})}"


def video_of(token: str) -> Video | None:
    """The video whose callback address holds this token. Raises AuthFailed for a made-up one."""
    try:
        return Video.objects.filter(pk=UUID(_signer.unsign(token))).first()
    except (BadSignature, ValueError) as error:
        raise AuthFailed("callback: a made-up token") from error


def take(upstream: str, bell: Bell, video: Video | None = None) -> bool:
    """Keep a bell and ring it for the video it is about, if that is known by now.

    False, and nothing is kept, when it names another job than the video's own.
    """
    if video and video.upstream_id and video.upstream_id != bell.job_id:
        return False
    if video and not video.upstream_id and video.bells.count() >= GUESSES:
        return False
    if not _is_storable(bell):
        return True
    _keep(upstream, bell, video)
    # Looked for after the bell is kept: whoever learns the job's id now finds one or the other.
    known = video or Video.objects.filter(provider=upstream, upstream_id=bell.job_id).first()
    if known:
        state_machine.ring(known)
    return True


def ring_early(video: Video) -> None:
    """Ring for a video whose job's id has just become known, if its bell came before that."""
    waiting = UpstreamEvent.objects.filter(upstream=video.provider, job_id=video.upstream_id)
    if waiting.exists():
        state_machine.ring(video)


def _keep(upstream: str, bell: Bell, video: Video | None) -> None:
    now = timezone.now()
    row = UpstreamEvent(
        upstream=upstream, event=bell.event, job_id=bell.job_id, video=video, at=now
    )
    UpstreamEvent.objects.bulk_create([row], ignore_conflicts=True)
    UpstreamEvent.objects.filter(at__lt=now - KEPT).delete()


def _is_storable(bell: Bell) -> bool:
    """What is not printable is no id, and some databases refuse to look for it."""
    short = len(bell.event) <= EVENT_MAX and len(bell.job_id) <= JOB_MAX
    return short and f"{bell.event}{bell.job_id}".isprintable() and bool(bell.event and bell.job_id)
