"""One e-mail to the owner of a video about all that reviewers have said within some minutes."""

import logging
from functools import partial

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.lib import clock, mail
from videos.models import ReviewComment, ReviewLink, ReviewMailStop

log = logging.getLogger(__name__)

MAX_NAMED = 10
QUOTED = 200


def is_enabled(user: AbstractBaseUser) -> bool:
    """Return whether a user gets e-mails about reviews."""
    return not ReviewMailStop.objects.filter(user_id=user.pk).exists()


def set_enabled(user: AbstractBaseUser, enabled: bool) -> None:
    """Switch the e-mails on, for what is said from now on, or off. Safe to repeat."""
    if enabled:
        ReviewMailStop.objects.filter(user_id=user.pk).delete()
    else:
        ReviewMailStop.objects.get_or_create(user_id=user.pk)


def send_due() -> int:
    """Queue an e-mail for each link with news that have waited REVIEW_MAIL_WAIT.

    Returns how many were queued. Comments are marked in the same transaction, so of two workers
    one queues the e-mail.
    """
    queued = 0
    waited = ReviewComment.objects.filter(
        notified_at=None, created_at__lte=clock.now() - settings.REVIEW_MAIL_WAIT
    )
    ids = waited.order_by().values_list("link_id", flat=True).distinct()[:200]
    links = ReviewLink.objects.select_related("video__user").filter(pk__in=list(ids))
    for link in links:
        try:
            queued += _queue(link)
        except Exception:  # one broken e-mail must not hold up the others
            log.exception("the e-mail about review link %s failed", link.pk)
    return queued


@transaction.atomic
def _queue(link: ReviewLink) -> int:
    now = clock.now()
    if not ReviewComment.objects.filter(link=link, notified_at=None).update(notified_at=now):
        return 0
    user = link.video.user
    if link.video.deleted_at or not user.is_active or not is_enabled(user):
        return 0
    news = list(ReviewComment.objects.filter(link=link, notified_at=now, hidden_at=None))
    return mail.send("review", user, partial(_compose, link, news)) if news else 0


def _compose(link: ReviewLink, news: list[ReviewComment]) -> mail.EmailContent:
    title = link.video.display_title
    texts = [_line(one) for one in news[:MAX_NAMED]]
    more = len(news) - MAX_NAMED
    if more > 0:
        texts.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    text = ngettext(
        "%(n)d new comment on “%(title)s”", "%(n)d new comments on “%(title)s”", len(news)
    )
    subject = text % {"n": len(news), "title": title}
    settings_url = settings.BASE_URL + reverse("email-settings")
    return mail.EmailContent(
        subject,
        (f"{subject} ({link.label})", *texts),
        _("Open the review"),
        settings.BASE_URL + reverse("video-reviews", args=[link.video_id]),
        _("To stop these e-mails, open %(url)s") % {"url": settings_url},
    )


def _line(one: ReviewComment) -> str:
    said = Truncator(" ".join(one.text.split())).chars(QUOTED)
    if one.at is not None:
        return f"– {one.name}, {one.at:.1f} s: {said}"
    return f"– {one.name}: {one.get_kind_display()}" + (f". {said}" if said else "")
