"""The showcase: owners offer videos, staff publish them as clips.

offered (owner agrees) ──staff publish──► public ──staff hide, owner withdraws──► hidden
"""

from django.conf import settings
from django.db import OperationalError, ProgrammingError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from showcase.models import Clip, ClipQuerySet
from showcase.styles import guess
from videos.models import Video


class NotOpen(Exception):
    """The showcase is switched off, or its tables do not exist yet."""


class NotReady(Exception):
    """Only a finished video can be shown; nothing was changed."""


def public() -> ClipQuerySet:
    """Return the public clips. Raises NotOpen."""
    if not settings.SHOWCASE:
        raise NotOpen(_("The showcase is being set up."))
    try:
        Clip.objects.exists()
    except (OperationalError, ProgrammingError) as error:
        raise NotOpen(_("The showcase is being set up.")) from error
    return Clip.objects.public()


def offer(video: Video) -> Clip:
    """Record that the owner agrees to show this video. Raises NotReady."""
    if video.status != Video.Status.SUCCEEDED or video.deleted_at:
        raise NotReady(_("Only a finished video can be offered to the showcase."))
    title = Truncator(video.prompt.strip().splitlines()[0]).chars(80)
    own = {"title": title, "style": guess(video.prompt)}
    clip, _made = Clip.objects.get_or_create(video=video, defaults=own)
    Clip.objects.filter(pk=clip.pk, consented_at=None).update(consented_at=timezone.now())
    clip.refresh_from_db()
    return clip


def withdraw(video: Video) -> None:
    """Withdraw the owner's consent and hide the clip. Safe to repeat."""
    Clip.objects.filter(video=video).update(consented_at=None, is_active=False)


def count_offered() -> int:
    """Return how many offered clips wait for a decision of staff."""
    return Clip.objects.filter(is_offered()).count()


def is_offered() -> Q:
    """Return the condition for clips that are offered and not published."""
    return Q(is_active=False, consented_at__isnull=False)


def publish(clips: QuerySet[Clip]) -> list[Clip]:
    """Publish offered clips; return those that became public."""
    published = list(clips.filter(is_offered()))
    Clip.objects.filter(is_offered(), pk__in=[clip.pk for clip in published]).update(is_active=True)
    return published


def hide(clips: QuerySet[Clip]) -> list[Clip]:
    """Hide clips, which stay offered; return those that were public."""
    hidden = list(clips.filter(is_active=True))
    Clip.objects.filter(pk__in=[clip.pk for clip in hidden]).update(is_active=False)
    return hidden


def publish_when_finished(video: Video, title: str | Promise) -> None:
    """Create a clip, with consent, that becomes public as soon as its video is finished.

    A lazy title is kept in all languages.
    """
    titles = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            titles[code] = str(title)
    english = titles.pop(settings.LANGUAGE_CODE)
    others = {code: text for code, text in titles.items() if text != english}
    Clip.objects.create(
        video=video,
        title=english,
        titles=others or None,
        style=guess(video.prompt),
        is_active=True,
        consented_at=timezone.now(),
    )


def move(clip: Clip, *, up: bool) -> None:
    """Move a clip one place up or down, and renumber all clips."""
    with transaction.atomic():
        clips = list(Clip.objects.select_for_update().order_by("display_order", "-pk"))
        at = next(n for n, each in enumerate(clips) if each.pk == clip.pk)
        to = max(at - 1, 0) if up else min(at + 1, len(clips) - 1)
        clips.insert(to, clips.pop(at))
        for n, each in enumerate(clips, 1):
            each.display_order = n * 10
        Clip.objects.bulk_update(clips, ["display_order"])


def delete_clips_of_deleted_videos() -> None:
    """Delete clips whose videos were deleted. Safe to repeat."""
    Clip.objects.exclude(video__in=Video.objects.kept()).delete()


def clip_remixed_by(video: Video) -> Clip | None:
    """Return the public clip that a video remixes; None when there is none any more."""
    source = video.public_source_id
    return Clip.objects.public().filter(video=source).first() if source else None


def absolute(url: str) -> str:
    """Return a URL of our own pages for others; one at the CDN has a host already."""
    return settings.BASE_URL + url if url.startswith("/") else url


def video_url(clip: Clip) -> str:
    """Return the public URL of the MP4, at the CDN if there is one. Source: C39."""
    return absolute(video_path(clip))


def poster_url(clip: Clip) -> str:
    """Return the public URL of the poster."""
    return absolute(poster_path(clip))


def video_path(clip: Clip) -> str:
    """Return the MP4's URL for our own pages, which may be open under another host name."""
    return _path(clip, "clip-video", str(clip.video.file.name or ""))


def poster_path(clip: Clip) -> str:
    """Return the poster's URL for our own pages."""
    return _path(clip, "clip-poster", str(clip.video.thumbnail.name))


def _path(clip: Clip, view: str, name: str) -> str:
    if settings.CDN_URL and name:
        return f"{settings.CDN_URL}/{name}"
    return reverse(view, args=[clip.pk])
