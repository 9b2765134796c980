"""What reviewers say of a video: comments at a moment of the film, and verdicts.

Reviewers have no account. The owner of the video hides what should not be there.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.lib import clock, rate_limits, texts
from config.lib.rate_limits import Rate
from videos.models import ReviewComment, ReviewLink, Video
from videos.models.review import MAX_NAME, MAX_TEXT

Kind = ReviewComment.Kind
# A form that is sent twice says one thing.
TWICE = timedelta(minutes=1)
# The library rounds lengths to seconds, so a film may go on a little after its length.
AFTER_END = 1.0


class NotAccepted(Exception):
    """What somebody said cannot be kept; `field` says which part. Nothing was written."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


@dataclass(frozen=True)
class NewComment:
    """What a reviewer writes. `at` is in seconds; the point goes from 0 (left, top) to 1."""

    name: str
    text: str
    kind: str = Kind.COMMENT
    at: float | None = None
    point: tuple[float, float] | None = None


def count(request: HttpRequest, link: ReviewLink) -> None:
    """Count one comment or verdict for the address and for the link. Raises TooManyAttempts."""
    rate = Rate(*settings.RATE_REVIEWS)
    rate_limits.check(f"review:{rate_limits.network_of(request)}", rate)
    rate_limits.check(f"review:link:{link.pk.hex}", rate)


def count_password(request: HttpRequest, link: ReviewLink) -> None:
    """Count one try of a password for the address and the link. Raises TooManyAttempts."""
    rate = Rate(*settings.RATE_REVIEW_PASSWORDS)
    network = rate_limits.network_of(request)
    rate_limits.check(f"review-password:{network}", rate)
    # Many addresses together may try more, but not without end.
    rate_limits.check(f"review-password:{link.pk.hex}", Rate(rate.limit * 10, rate.seconds))


def add(link: ReviewLink, new: NewComment) -> ReviewComment:
    """Keep what a reviewer says. Raises NotAccepted.

    The same from the same name within a minute is kept once, and returned again.
    """
    comment = _checked(link, new)
    with transaction.atomic():
        # Comments of one link are counted and written one after the other.
        ReviewLink.objects.select_for_update().get(pk=link.pk)
        written = ReviewComment.objects.filter(link=link)
        same = written.filter(
            kind=comment.kind, name=comment.name, text=comment.text, at=comment.at,
            x=comment.x, y=comment.y, created_at__gt=comment.created_at - TWICE,
        )  # fmt: skip
        if kept := same.first():
            return kept
        if written.count() >= settings.REVIEW_COMMENTS:
            raise NotAccepted(
                "text",
                _("This review has %(n)d comments, which is the most. Ask for another link.")
                % {"n": settings.REVIEW_COMMENTS},
            )
        comment.save(force_insert=True)
    return comment


def _checked(link: ReviewLink, new: NewComment) -> ReviewComment:
    name = " ".join(new.name.split())
    if texts.is_blank(name):
        raise NotAccepted("name", _("Enter your name."))
    if len(name) > MAX_NAME:
        raise NotAccepted("name", _("Enter a name of at most %(n)d characters.") % {"n": MAX_NAME})
    text = texts.use_plain_line_breaks(new.text).strip()
    for field, value in (("name", name), ("text", text)):
        if texts.CONTROLS.search(value):
            raise NotAccepted(field, _("Remove the control characters."))
    if new.kind != Kind.APPROVED and texts.is_blank(text):
        raise NotAccepted("text", _("Write what you think."))
    if len(text) > MAX_TEXT:
        raise NotAccepted("text", _("Write at most %(n)d characters.") % {"n": MAX_TEXT})
    x, y = new.point or (None, None)
    at = new.at if new.kind == Kind.COMMENT else None
    if new.kind == Kind.COMMENT and (at is None or not 0 <= at <= link.video.seconds + AFTER_END):
        raise NotAccepted("at", _("Enter a time that lies in the film, in seconds."))
    if x is not None and y is not None and not (0 <= x <= 1 and 0 <= y <= 1):
        raise NotAccepted("x", _("Choose a place in the picture."))
    return ReviewComment(
        link=link, kind=new.kind, name=name, text=text, at=at, x=x, y=y, created_at=clock.now()
    )


def of_link(link: ReviewLink) -> QuerySet[ReviewComment]:
    """What was said through a link, without what its owner has hidden; the oldest first."""
    return ReviewComment.objects.filter(link=link, hidden_at=None)


def of_video(video: Video) -> QuerySet[ReviewComment]:
    """All that was said of a video, hidden or not, the oldest first."""
    return ReviewComment.objects.filter(link__video=video).select_related("link")


def of_user(user: AbstractBaseUser, comment_id: int) -> ReviewComment | None:
    """Return a comment on a video of this user; None for any other."""
    rows = ReviewComment.objects.filter(link__video__user_id=user.pk, link__video__deleted_at=None)
    return rows.select_related("link").filter(pk=comment_id).first()


def of_link_and_user(
    user: AbstractBaseUser, link_id: UUID, comment_id: int
) -> ReviewComment | None:
    """Return a comment of this link, if its video is the user's."""
    found = of_user(user, comment_id)
    return found if found and found.link_id == link_id else None


def hide(comment: ReviewComment, hidden: bool) -> None:
    """Take a comment off the reviewers' page, or show it again. Safe to repeat."""
    _mark(comment, "hidden_at", hidden)


def resolve(comment: ReviewComment, resolved: bool) -> None:
    """Say that a comment was dealt with, or that it is open again. Safe to repeat."""
    _mark(comment, "resolved_at", resolved)


def _mark(comment: ReviewComment, field: str, is_on: bool) -> None:
    time = (getattr(comment, field) or clock.now()) if is_on else None
    ReviewComment.objects.filter(pk=comment.pk).update(**{field: time})
    setattr(comment, field, time)
