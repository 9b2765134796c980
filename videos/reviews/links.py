"""Review links: anyone with one watches a preview and says what they think, until it ends."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password, make_password
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from config.lib import clock, texts
from videos import feed
from videos.editing import job_states, previews
from videos.library.public_links import LinkNotFound, Tokens
from videos.models import ReviewLink, Video
from videos.models.review import MAX_LABEL

SHORTEST_DAYS, LONGEST_DAYS = 1, 90
USUAL_DAYS = 14
SHORTEST_PASSWORD, LONGEST_PASSWORD = 4, 128
_tokens = Tokens("videos.review")
_passes = signing.Signer(salt="videos.review.pass", sep=".")


class TooManyLinks(Exception):
    """The video has as many links that work as are allowed; nothing was created."""

    def __init__(self) -> None:
        text = _("This video has %(n)d review links. End one first.")
        super().__init__(text % {"n": settings.REVIEW_LINKS})


class UnusableLink(Exception):
    """What the link should be is not allowed; `field` says which part. Nothing was created."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


@dataclass(frozen=True)
class LinkOptions:
    """What a new link should be; `password` is "" for none."""

    label: str
    days: int = USUAL_DAYS
    password: str = ""
    full_file: bool = False


def create(video: Video, options: LinkOptions) -> ReviewLink:
    """Create a link to a finished video, and have its preview made.

    Raises UnusableLink, TooManyLinks, or NotEditable for a video of which no preview can be made;
    then nothing is written.
    """
    label = _checked(options)
    # Hashing takes a while, so it is done before the transaction.
    password = make_password(options.password) if options.password else ""
    now = clock.now()
    with feed.lock(video.user_id):
        if working().filter(video=video).count() >= settings.REVIEW_LINKS:
            raise TooManyLinks
        return ReviewLink.objects.create(
            video=video,
            label=label,
            password=password,
            full_file=options.full_file,
            created_at=now,
            expires_at=now + timedelta(days=options.days),
            preview=previews.order(video, f"{settings.SITE_NAME} · {label}"),
        )


def _checked(options: LinkOptions) -> str:
    """Return the label as it is stored. Raises UnusableLink."""
    label = " ".join(options.label.split())
    if texts.is_blank(label) or texts.CONTROLS.search(label) or len(label) > MAX_LABEL:
        raise UnusableLink(
            "label",
            _("Enter a name of at most %(n)d characters, without control characters.")
            % {"n": MAX_LABEL},
        )
    if not SHORTEST_DAYS <= options.days <= LONGEST_DAYS:
        raise UnusableLink("days", _("Enter 1 to 90 days."))
    if options.password and not SHORTEST_PASSWORD <= len(options.password) <= LONGEST_PASSWORD:
        raise UnusableLink("password", _("Enter a password of 4 to 128 characters."))
    return label


def end(link: ReviewLink) -> None:
    """End a link, and have its preview removed. Safe to repeat; what was said stays."""
    with transaction.atomic():
        ReviewLink.objects.filter(pk=link.pk, ended_at=None).update(ended_at=clock.now())
        _discard_preview(link)


def discard_previews() -> int:
    """Have the previews of links removed that do not work any more; return how many.

    A video that was just deleted keeps its previews until nobody can bring it back.
    """
    now = clock.now()
    gone = Q(video__deleted_at__lt=now - Video.UNDO)
    over = Q(expires_at__lte=now) | Q(ended_at__isnull=False) | gone
    links = list(ReviewLink.objects.filter(over, preview__isnull=False)[:500])
    for link in links:
        with transaction.atomic():
            _discard_preview(link)
    return len(links)


def forget(user: AbstractBaseUser) -> None:
    """Delete a user's links with all that was said; a worker removes their previews."""
    for link in ReviewLink.objects.filter(video__user_id=user.pk):
        with transaction.atomic():
            _discard_preview(link)
            link.delete()


def _discard_preview(link: ReviewLink) -> None:
    held = ReviewLink.objects.select_for_update(of=("self",)).select_related("preview")
    preview = held.get(pk=link.pk).preview
    if preview is not None:
        ReviewLink.objects.filter(pk=link.pk).update(preview=None)
        job_states.discard(preview)


def working() -> QuerySet[ReviewLink]:
    """The links that open their pages."""
    return ReviewLink.objects.filter(
        ended_at=None,
        expires_at__gt=clock.now(),
        video__deleted_at=None,
        video__user__is_active=True,
    )


def of_video(video: Video) -> QuerySet[ReviewLink]:
    """The links of a video, the newest first."""
    rows = ReviewLink.objects.filter(video=video).select_related("preview")
    return rows.order_by("-created_at", "-pk")


def of_user(user: AbstractBaseUser, link_id: UUID) -> ReviewLink | None:
    """Return a link to a video of this user; None for another user's, as for an unknown id."""
    rows = ReviewLink.objects.filter(video__user_id=user.pk, video__deleted_at=None)
    return rows.select_related("video", "preview").filter(pk=link_id).first()


def is_working(link: ReviewLink) -> bool:
    """Whether a link of a video that is not deleted opens its page."""
    return link.ended_at is None and link.expires_at > clock.now()


def token_of(link: ReviewLink) -> str:
    """Return the signed token that stands in the link."""
    return _tokens.of(link.pk)


def link_for_token(token: str) -> ReviewLink:
    """Return the working link with this token. Raises LinkNotFound."""
    rows = working().select_related("video", "preview").filter(pk=_tokens.read(token))
    if found := rows.first():
        return found
    raise LinkNotFound(token)


def pass_of(link: ReviewLink, password: str) -> str | None:
    """Return what a browser keeps to open the link again; None for a wrong password."""
    return _passes.sign(_proof(link)) if check_password(password, link.password) else None


def is_open(link: ReviewLink, kept: str) -> bool:
    """Whether a browser that keeps this may see the page."""
    return not link.password or constant_time_compare(kept, _passes.sign(_proof(link)))


def _proof(link: ReviewLink) -> str:
    return salted_hmac("videos.review", f"{link.pk.hex} {link.password}").hexdigest()
