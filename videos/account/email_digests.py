"""E-mail digests: one e-mail about all videos that ended, for users who subscribed.

A digest is sent when no video is running any more, or MAX_WAIT after the first one ended.
"""

import logging
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.lib import clock, mail
from videos.models import DigestSubscription, Video

log = logging.getLogger(__name__)

# A transaction that ends a video may be committed this much later than its completed_at.
COMMIT_DELAY = timedelta(seconds=20)
MAX_WAIT = timedelta(minutes=15)
MAX_NAMED = 5
Status = Video.Status
FAILED = (Status.FAILED, Status.TIMEOUT)


def is_enabled(user: AbstractBaseUser) -> bool:
    """Return whether a user gets digests."""
    return DigestSubscription.objects.filter(user_id=user.pk).exists()


def set_enabled(user: AbstractBaseUser, enabled: bool) -> None:
    """Switch digests on, for videos that end from now on, or off. Safe to repeat."""
    if enabled:
        since = {"reported_until": clock.now()}
        DigestSubscription.objects.get_or_create(user_id=user.pk, defaults=since)
    else:
        DigestSubscription.objects.filter(user_id=user.pk).delete()


def send_due() -> int:
    """Queue the digests that are due; return how many e-mails were queued.

    The subscription is marked in the same transaction, so of two workers one queues the e-mail.
    """
    until, queued = clock.now() - COMMIT_DELAY, 0
    for digest in DigestSubscription.objects.filter(user__is_active=True).select_related("user"):
        ended = _ended(digest, until)
        if not ended or not _is_time(digest, ended, until):
            continue
        try:
            queued += _queue(digest, ended, until)
        except Exception:  # one broken e-mail must not hold up the others
            log.exception("digest e-mail of user %s failed", digest.user_id)
    return queued


@transaction.atomic
def _queue(digest: DigestSubscription, ended: list[Video], until: datetime) -> int:
    mine = DigestSubscription.objects.filter(pk=digest.pk, reported_until=digest.reported_until)
    if not mine.update(reported_until=until):
        return 0
    return mail.send("digest", digest.user, partial(_compose, ended))


def _ended(digest: DigestSubscription, until: datetime) -> list[Video]:
    rows = Video.objects.filter(
        user_id=digest.user_id,
        deleted_at=None,
        status__in=(Status.SUCCEEDED, *FAILED),
        completed_at__gt=digest.reported_until,
        completed_at__lte=until,
    )
    return list(rows.order_by("completed_at"))


def _is_time(digest: DigestSubscription, ended: list[Video], until: datetime) -> bool:
    first = ended[0].completed_at
    assert first
    running = Video.objects.filter(user_id=digest.user_id, status__in=Video.ACTIVE)
    return until - first >= MAX_WAIT or not running.exists()


def _compose(ended: list[Video]) -> mail.EmailContent:
    ready = [video for video in ended if video.status == Status.SUCCEEDED]
    failed = [video for video in ended if video.status in FAILED]
    paragraphs = []
    if ready:
        text = ngettext("%(n)d video is ready.", "%(n)d videos are ready.", len(ready))
        paragraphs += [text % {"n": len(ready)}, *_named(ready)]
    if failed:
        text = ngettext(
            "%(n)d video failed. Credits returned: %(credits)d.",
            "%(n)d videos failed. Credits returned: %(credits)d.",
            len(failed),
        )
        credits = sum(video.credits for video in failed)
        if not credits:
            text = ngettext("%(n)d video failed.", "%(n)d videos failed.", len(failed))
        paragraphs += [text % {"n": len(failed), "credits": credits}, *_named(failed)]
    single = ended[0] if len(ended) == 1 else None
    path = reverse("video", args=[single.pk]) if single else reverse("library")
    settings_url = settings.BASE_URL + reverse("email-settings")
    return mail.EmailContent(
        paragraphs[0],
        tuple(paragraphs),
        _("Open the video") if single else _("Open the library"),
        settings.BASE_URL + path,
        _("You subscribed to these e-mails. To stop them, open %(url)s") % {"url": settings_url},
    )


def _named(videos: list[Video]) -> list[str]:
    """Return the first titles, and how many more there are."""
    named = [f"– {video.display_title}" for video in videos[:MAX_NAMED]]
    more = len(videos) - MAX_NAMED
    if more > 0:
        named.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    return named
