"""Place checked orders: write videos, reference images, charges and idempotency key together.

Several orders are placed in one transaction: all of them, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.request_log import buffer
from billing.ledger import credits
from config.lib import idempotency, tracing
from config.lib.idempotency import RequestKey
from videos import feed
from videos.catalog import offers
from videos.jobs import key_limits, moderation, state_machine
from videos.jobs.money import charges
from videos.models import Upload, Video, VideoReference


@dataclass(frozen=True)
class Draft:
    """A video that is not stored yet, and its reference images in their order."""

    video: Video
    references: tuple[Upload, ...] = ()

    @property
    def images(self) -> list[Upload]:
        """All images of the order."""
        frames = [image for image in (self.video.first_image, self.video.last_image) if image]
        return [*frames, *self.references]


def check(user: AbstractBaseUser, draft: Draft) -> None:
    """Check engine and moderation; asks the network, so never call it in a transaction.

    Raises offers.NotOffered or moderation.NotAllowed.
    """
    check_engine(draft)
    moderation.check(user, draft.video.prompt, draft.images)


def check_engine(draft: Draft) -> None:
    """Raise offers.NotOffered when no engine can make the video."""
    video = draft.video
    if not video.engine:
        gone = _("The engine that made this video is not available.")
        raise offers.NotOffered(
            "model", gone if video.is_remix else _("No engine can make this video.")
        )


def place(user: AbstractBaseUser, draft: Draft, request_key: RequestKey | None) -> Video:
    """Place one order.

    Raises key_limits.KeyLimitReached, offers.NotOffered when an image was deleted meanwhile,
    NotEnoughCredits, AlreadyDone or IdempotencyMismatch; then nothing is written.
    """
    return place_all(user, [draft], request_key)[0]


def place_all(
    user: AbstractBaseUser, drafts: Sequence[Draft], request_key: RequestKey | None
) -> list[Video]:
    """Place all of these orders, of one user and one API key, or none; the key has the first.

    Raises what `place` raises; NotEnoughCredits names the price of all.
    """
    videos = [draft.video for draft in drafts]
    total = sum(video.credits for video in videos)
    with tracing.span("order", videos=len(drafts)), transaction.atomic():
        # Locks the feed, so that one user's orders are placed one after the other.
        last = feed.allocate_sequence(videos[0].user_id, len(videos))
        idempotency.record(request_key, videos[0])
        # After the key: an order that was placed before is answered again, whatever it used up.
        key_limits.check_orders(videos)
        if len(drafts) > 1 and total:
            _check_credits(user, total)
        for sequence, draft in enumerate(drafts, last - len(drafts) + 1):
            draft.video.sequence = sequence
            _write(user, draft)
    return videos


def _check_credits(user: AbstractBaseUser, total: int) -> None:
    """Lock the user's credits. Raises NotEnoughCredits, before anything is written."""
    credits.lock(user)
    available = credits.available(user)
    if available < total:
        raise credits.NotEnoughCredits(total, available)


def _write(user: AbstractBaseUser, draft: Draft) -> None:
    video = draft.video
    _lock_images(draft)
    video.traceparent = tracing.current()
    state_machine.enqueue(video)
    VideoReference.objects.bulk_create(
        VideoReference(video=video, upload=upload, position=position)
        for position, upload in enumerate(draft.references)
    )
    if video.credits:
        purpose = credits.Purpose(credits.VIDEO_REFERENCE, str(video.pk), charges.describe(video))
        credits.spend(user, video.credits, charges.spend_key(video), purpose)
        transaction.on_commit(partial(buffer.count_charge, video.credits))


def _lock_images(draft: Draft) -> None:
    """Lock the images, so that none is deleted as unused before the order is written."""
    wanted = {image.pk for image in draft.images}
    if not wanted:
        return
    rows = Upload.objects.select_for_update(no_key=True).filter(pk__in=wanted, stored=True)
    found = set(rows.order_by("pk").values_list("pk", flat=True))
    if found == wanted:
        return
    names = {"image": "input_reference", "first_last": "input_reference"}
    if draft.video.first_image_id in found:
        names["first_last"] = "last_image"
    field = names.get(draft.video.operation, "reference_images")
    raise offers.NotOffered(field, _("The image was deleted. Upload it again."))
