"""Moderate an order before it is charged.

Rejected prompts are stored for staff, without their image. A user with too many of them within
STRIKE_PERIOD must wait.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import DateTimeField, UUIDField
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from config.lib.prepared_queries import PreparedRows
from videos import content_rules
from videos.engines import moderation
from videos.media import images, pixels
from videos.models import RejectedPrompt, Upload

log = logging.getLogger(__name__)

STRIKE_PERIOD = timedelta(days=1)
# How many prompts of a batch the moderation model is asked about at the same time.
CHECKS_AT_ONCE = 8
REJECTED_SINCE = PreparedRows(
    lambda user_id, since: RejectedPrompt.objects.filter(
        user_id=user_id, created_at__gt=since, overruled=False
    ).values_list("pk"),
    UUIDField,
    DateTimeField,
)
IMAGE_PIXELS = (1024, 1024)


class NotAllowed(Exception):
    """Moderation does not allow the order; nothing was ordered or charged."""


class ContentRefused(NotAllowed):
    """The prompt was rejected, or, by `code`, the user is locked for a while."""

    def __init__(self, message: str, code: str = "moderation_blocked") -> None:
        self.code = code
        super().__init__(message)


class NoVerdict(NotAllowed):
    """Moderation did not answer."""


def check(user: AbstractBaseUser, prompt: str, images: Sequence[Upload]) -> None:
    """Check the prompt and the images of an order.

    Raises ContentRefused and stores a RejectedPrompt for staff; NoVerdict when the check cannot be
    made and MODERATION_ON_ERROR says to block. Must not be called in a transaction: it asks the
    network.
    """
    if settings.MODERATION == "off":
        return
    _check_strikes(user)
    if found := _find_categories(prompt, images):
        raise _reject(user, prompt, found, had_image=bool(images))


def check_prompts(user: AbstractBaseUser, prompts: Iterable[str]) -> dict[str, ContentRefused]:
    """Check the prompts of a batch, several at a time; return why some are refused.

    Stores a RejectedPrompt for each of these. Raises ContentRefused when the user is locked, and
    NoVerdict when a check cannot be made, as `check`. Must not be called in a transaction.
    """
    if settings.MODERATION == "off":
        return {}
    _check_strikes(user)
    different = list(dict.fromkeys(prompts))
    found = dict(zip(different, _find_in_all(different), strict=True))
    return {
        prompt: _reject(user, prompt, categories, had_image=False)
        for prompt, categories in found.items()
        if categories
    }


def overrule(rejected: RejectedPrompt) -> bool:
    """Mark a rejected prompt as overruled; False when it already was."""
    return bool(
        RejectedPrompt.objects.filter(pk=rejected.pk, overruled=False).update(overruled=True)
    )


def _find_in_all(prompts: Sequence[str]) -> list[list[str]]:
    """The categories of each prompt; only the model takes time, so only it has threads."""
    if settings.MODERATION != "model":
        return [_find_categories(prompt, ()) for prompt in prompts]
    language = translation.get_language()

    def find(prompt: str) -> list[str]:
        with translation.override(language):
            return _find_categories(prompt, ())

    with ThreadPoolExecutor(min(CHECKS_AT_ONCE, len(prompts))) as threads:
        asked = [threads.submit(find, prompt) for prompt in prompts]
        try:
            return [one.result() for one in asked]
        except NoVerdict:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _find_categories(prompt: str, images: Sequence[Upload]) -> list[str]:
    """What is wrong with the prompt and the images. Raises NoVerdict."""
    found = moderation.by_rules(prompt)
    if not found and settings.MODERATION == "model":
        found = _ask_model(prompt, images)
    return found


def _reject(
    user: AbstractBaseUser, prompt: str, categories: list[str], *, had_image: bool
) -> ContentRefused:
    """Store a rejected prompt and return what its user is told."""
    RejectedPrompt.objects.create(
        user_id=user.pk, prompt=prompt, had_image=had_image, categories=categories
    )
    return ContentRefused(
        _("The content check stopped this prompt: %(why)s. Nothing was charged.")
        % {"why": content_rules.describe(categories)}
    )


def _ask_model(prompt: str, images: Sequence[Upload]) -> list[str]:
    """The flagged categories of the first image that has any: a request takes one image."""
    try:
        previews = map(_preview, images) if images else [None]
        asked = (moderation.by_model(prompt, preview) for preview in previews)
        return next((found for found in asked if found), [])
    except moderation.NoVerdict as error:
        log.warning("moderation failed: %s", error)
        if settings.MODERATION_ON_ERROR == "allow":
            return []
        text = _("The content check is not responding. Nothing was charged. Try again in a moment.")
        raise NoVerdict(text) from error


def _check_strikes(user: AbstractBaseUser) -> None:
    if not settings.MODERATION_STRIKES:
        return
    rejected = REJECTED_SINCE.all(user.pk, timezone.now() - STRIKE_PERIOD)
    if len(rejected) >= settings.MODERATION_STRIKES:
        text = _("Too many of your prompts were stopped by the content check. Try again tomorrow.")
        raise ContentRefused(text, "generation_locked")


def _preview(upload: Upload) -> bytes:
    body = BytesIO()
    with (
        upload.file.open("rb") as file,
        images.decoded(file, owner_id=upload.user_id, target=IMAGE_PIXELS) as image,
    ):
        small = pixels.on_background(image).copy()
        small.thumbnail(IMAGE_PIXELS)
        small.save(body, "JPEG", quality=85)
    return body.getvalue()
