"""Two videos beside each other: the settings in which they differ."""

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from videos.models import Video
from videos.web.presenters.video_card import VideoCard


class Difference(NamedTuple):
    """A setting with another value in each of two videos."""

    label: str
    a: str
    b: str


def differences(a: VideoCard, b: VideoCard) -> list[Difference]:
    """Return the settings of two orders that are not the same, in a fixed order."""
    rows = zip(_settings(a), _settings(b), strict=True)
    return [Difference(label, one, other) for (label, one), (_l, other) in rows if one != other]


def _settings(card: VideoCard) -> list[tuple[str, str]]:
    """Return every setting of an order with its value in words."""
    video = card.video
    images = {label: ", ".join(str(image.name) for image in found) for label, found in card.images}
    rows = [
        (_("Made"), str(Video.Operation(video.operation).label)),
        (_("Model"), card.model),
        (_("Size"), f"{video.width} × {video.height}"),
        (_("Length"), card.length),
        (_("Sound"), card.sound),
        (_("Negative prompt"), video.negative_prompt),
        (_("Seed"), "" if video.seed is None else str(video.seed)),
        *((label, images.get(label, "")) for label in _image_labels()),
    ]
    if settings.BILLING:
        rows.append((_("Credits"), str(video.credits)))
    return [(label, value or "–") for label, value in rows]


def _image_labels() -> tuple[str, str, str]:
    return _("First image"), _("Last image"), _("Reference images")
