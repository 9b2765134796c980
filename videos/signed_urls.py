"""Signed URLs of finished videos: they need no sign-in, name one file and expire.

A client of system C plays `result_url` as it is, and passes it on to its player.
"""

from uuid import UUID

from django.conf import settings
from django.core.signing import Signer
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from videos.engines.base import Variant
from videos.models import Video

# Expiry is rounded to whole hours, so that repeated requests return the same URLs.
STEP_SECONDS = 3600
SIGNER = Signer(salt="videos.signed_urls")


def signed_url(video: Video, variant: Variant = Variant.VIDEO) -> str:
    """The URL of a video's file for anyone who has it, valid for RESULT_URL_LIFETIME at least."""
    last = timezone.now() + settings.RESULT_URL_LIFETIME
    expires = (int(last.timestamp()) // STEP_SECONDS + 1) * STEP_SECONDS
    query = f"variant={variant.value}&expires={expires}"
    signature = _signature(video.pk, variant, expires)
    return f"{settings.BASE_URL}/api/videos/{video.pk}/content?{query}&signature={signature}"


def allows(video_id: UUID, variant: Variant, expires: int, signature: str) -> bool:
    """Whether a signature is valid for this file and not expired."""
    ours = constant_time_compare(signature, _signature(video_id, variant, expires))
    return ours and timezone.now().timestamp() < expires


def _signature(video_id: UUID, variant: Variant, expires: int) -> str:
    return SIGNER.signature(f"{video_id}:{variant.value}:{expires}")
