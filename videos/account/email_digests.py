"""E-mails about videos, for those who want them: one for all that ended, not one for each.

It is written when the last video that was running has ended, or the first one waits for so long.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.lib import mail
from videos.models import Digest, Video

log = logging.getLogger(__name__)

# A transaction that ends a video may be seen a little later than the time it wrote down.
SETTLED = timedelta(seconds=20)
LONGEST = timedelta(minutes=15)
NAMED = 5
Status = Video.Status
FAILED = (Status.FAILED, Status.TIMEOUT)


def wanted(user: AbstractBaseUser) -> bool:
    return Digest.objects.filter(user_id=user.pk).exists()


def want(user: AbstractBaseUser, yes: bool) -> None:
    """Turn the letters on, for what ends from now on, or off. Safe to repeat."""
    if yes:
        Digest.objects.get_or_create(user_id=user.pk)
    else:
        Digest.objects.filter(user_id=user.pk).delete()


def write() -> int:
    """Write what is due; returns how many letters that was.

    What is told is marked first, so that of two sweeps one writes; if the mail cannot be handed
    over the mark is taken back and the next sweep tries again.
    """
    until, sent = timezone.now() - SETTLED, 0
    for digest in Digest.objects.filter(user__is_active=True).select_related("user"):
        ended = _ended(digest, until)
        if not ended or not _is_time(digest, ended, until):
            continue
        mine = Digest.objects.filter(pk=digest.pk)
        if not mine.filter(told_until=digest.told_until).update(told_until=until):
            continue
        try:
            sent += mail.send(digest.user, partial(_letter, ended))
        except SMTPRecipientsRefused:  # and would be again
            log.warning("digest of %s was refused", digest.user_id)
        except OSError:  # the mail server is away, for everybody
            mine.filter(told_until=until).update(told_until=digest.told_until)
            raise
        except Exception:  # one broken letter must not keep the others uninformed
            log.exception("digest of %s", digest.user_id)
            mine.filter(told_until=until).update(told_until=digest.told_until)
    return sent


def _ended(digest: Digest, until: datetime) -> list[Video]:
    rows = Video.objects.filter(
        user_id=digest.user_id,
        deleted_at=None,
        status__in=(Status.SUCCEEDED, *FAILED),
        completed_at__gt=digest.told_until,
        completed_at__lte=until,
    )
    return list(rows.order_by("completed_at"))


def _is_time(digest: Digest, ended: list[Video], until: datetime) -> bool:
    first = ended[0].completed_at
    assert first
    running = Video.objects.filter(user_id=digest.user_id, status__in=Video.ACTIVE)
    return until - first >= LONGEST or not running.exists()


def _letter(ended: list[Video]) -> mail.Letter:
    ready = [video for video in ended if video.status == Status.SUCCEEDED]
    failed = [video for video in ended if video.status in FAILED]
    said = []
    if ready:
        words = ngettext("%(n)d video is ready.", "%(n)d videos are ready.", len(ready))
        said += [words % {"n": len(ready)}, *_named(ready)]
    if failed:
        words = ngettext(
            "%(n)d video failed. Its credits are back: %(credits)d.",
            "%(n)d videos failed. Their credits are back: %(credits)d.",
            len(failed),
        )
        credits = sum(video.credits for video in failed)
        said += [words % {"n": len(failed), "credits": credits}, *_named(failed)]
    alone = ended[0] if len(ended) == 1 else None
    path = reverse("video", args=[alone.pk]) if alone else reverse("library")
    off = settings.BASE_URL + reverse("mails")
    return mail.Letter(
        said[0],
        tuple(said),
        _("Open the video") if alone else _("Open the library"),
        settings.BASE_URL + path,
        _("You asked for these letters. They are switched off here: %(url)s") % {"url": off},
    )


def _named(videos: list[Video]) -> list[str]:
    """The first prompts, shortened, and how many more there are."""
    named = [f"– {Truncator(video.prompt).chars(80)}" for video in videos[:NAMED]]
    more = len(videos) - NAMED
    if more > 0:
        named.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    return named
