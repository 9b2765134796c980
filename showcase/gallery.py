"""The showcase: who agrees, what is public, and how often it was seen and liked.

offered (owner agrees) ──staff publish──► public ──staff hide, owner withdraws──► hidden
"""

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError, ProgrammingError, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from config.lib import rate_limits
from showcase.models import Clip, ClipQuerySet, Like, View
from videos.engines.base import Variant
from videos.media import files
from videos.models import Video

VIEWS_KEPT = timedelta(days=2)


class NotOpen(Exception):
    """The showcase is switched off, or its tables are not there yet."""


class NotReady(Exception):
    """Only a finished video can be shown; nothing was changed."""


def public() -> ClipQuerySet:
    """What anybody may see. Raises NotOpen."""
    if not settings.SHOWCASE:
        raise NotOpen(_("The showcase is being set up."))
    try:
        Clip.objects.exists()
    except (OperationalError, ProgrammingError) as error:
        raise NotOpen(_("The showcase is being set up.")) from error
    return Clip.objects.public()


# ---- owners ----


def offer(video: Video) -> Clip:
    """The owner agrees that staff may show this video. Raises NotReady."""
    if video.status != Video.Status.SUCCEEDED or video.deleted_at:
        raise NotReady(_("Only a finished video can be offered to the showcase."))
    title = Truncator(video.prompt.strip().splitlines()[0]).chars(80)
    clip, _made = Clip.objects.get_or_create(video=video, defaults={"title": title})
    Clip.objects.filter(pk=clip.pk, consented_at=None).update(consented_at=timezone.now())
    clip.refresh_from_db()
    return clip


def withdraw(video: Video) -> None:
    """The owner takes the consent back; the video is public no longer."""
    Clip.objects.filter(video=video).update(consented_at=None, is_active=False)


# ---- staff ----


def offered() -> int:
    """How many clips wait for staff."""
    return Clip.objects.filter(waiting()).count()


def waiting() -> Q:
    """What its owner offers and staff have not published."""
    return Q(is_active=False, consented_at__isnull=False)


def publish(clips: QuerySet[Clip]) -> list[Clip]:
    """Show to everybody what its owners agreed to; what became public by that."""
    shown = list(clips.filter(waiting()))
    Clip.objects.filter(waiting(), pk__in=[clip.pk for clip in shown]).update(is_active=True)
    return shown


def hide(clips: QuerySet[Clip]) -> list[Clip]:
    """Take clips from the public, which their owners still agree to; what was public before."""
    hidden = list(clips.filter(is_active=True))
    Clip.objects.filter(pk__in=[clip.pk for clip in hidden]).update(is_active=False)
    return hidden


def promise(video: Video, title: str) -> None:
    """A clip that everybody sees as soon as its video is finished; its owner has agreed."""
    Clip.objects.create(video=video, title=title, is_active=True, consented_at=timezone.now())


def move(clip: Clip, *, up: bool) -> None:
    """One place up or down; every clip gets a number of its own."""
    with transaction.atomic():
        clips = list(Clip.objects.select_for_update().order_by("display_order", "-pk"))
        at = next(n for n, each in enumerate(clips) if each.pk == clip.pk)
        to = max(at - 1, 0) if up else min(at + 1, len(clips) - 1)
        clips.insert(to, clips.pop(at))
        for n, each in enumerate(clips, 1):
            each.display_order = n * 10
        Clip.objects.bulk_update(clips, ["display_order"])


# ---- visitors ----


def seen(clip: Clip, address: str, agent: str) -> bool:
    """Count a look; once for a visitor and an hour. False when it was counted before."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    who = f"{clip.pk}|{hour.timestamp()}|{address}|{agent}".encode()
    visitor = hmac.new(settings.SECRET_KEY.encode(), who, hashlib.sha256).hexdigest()
    with transaction.atomic():
        _row, is_new = View.objects.get_or_create(clip=clip, visitor=visitor, hour=hour)
        if is_new:
            Clip.objects.filter(pk=clip.pk).update(view_count=F("view_count") + 1)
    return is_new


def look(request: HttpRequest, clip: Clip) -> bool:
    """Count a request as a look, unless a browser only fetched ahead."""
    ahead = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    if request.method != "GET" or "prefetch" in ahead:
        return False
    agent = request.headers.get("User-Agent", "")
    return seen(clip, rate_limits.network_of(request), agent)


def like(clip: Clip, user: AbstractBaseUser) -> int:
    """Like a clip, once; how many do now."""
    with transaction.atomic():
        _row, is_new = Like.objects.get_or_create(clip=clip, user_id=user.pk)
        if is_new:
            Clip.objects.filter(pk=clip.pk).update(like_count=F("like_count") + 1)
    return _likes(clip)


def unlike(clip: Clip, user: AbstractBaseUser) -> int:
    """Take a like back; how many are left."""
    with transaction.atomic():
        gone, _what = Like.objects.filter(clip=clip, user_id=user.pk).delete()
        if gone:
            Clip.objects.filter(pk=clip.pk).update(like_count=F("like_count") - 1)
    return _likes(clip)


def sweep() -> None:
    """Drop the traces of visitors that have been counted, and the clips of deleted videos."""
    View.objects.filter(hour__lt=timezone.now() - VIEWS_KEPT).delete()
    Clip.objects.exclude(video__in=Video.objects.kept()).delete()


def file_of(clip: Clip, variant: Variant) -> files.Deliverable:
    """A clip's stored file, as a visitor gets it."""
    video = clip.video
    if variant is Variant.VIDEO:
        return files.Deliverable(
            video.file.name or "", "video/mp4", f"clip-{clip.pk}.mp4", video.file_sha256
        )
    etag = f"{video.file_sha256}-poster"
    return files.Deliverable(video.thumbnail.name or "", "image/webp", f"clip-{clip.pk}.webp", etag)


def video_url(clip: Clip) -> str:
    """Where its MP4 is for everybody: at the CDN when there is one. Source: C39."""
    return _address(clip, "clip-video", str(clip.video.file.name))


def poster_url(clip: Clip) -> str:
    """Where its still is for everybody."""
    return _address(clip, "clip-poster", str(clip.video.thumbnail.name))


def _address(clip: Clip, door: str, name: str) -> str:
    if settings.CDN_URL:
        return f"{settings.CDN_URL}/{name}"
    return settings.BASE_URL + reverse(door, args=[clip.pk])


def _likes(clip: Clip) -> int:
    return Clip.objects.values_list("like_count", flat=True).get(pk=clip.pk)
