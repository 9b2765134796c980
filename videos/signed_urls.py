"""Addresses of finished videos that need no sign-in: signed, for one file, for a limited time.

A client of system C plays `result_url` as it stands, and passes it on to what plays it.
"""

from uuid import UUID

from django.conf import settings
from django.core.signing import Signer
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from videos.engines.base import Variant
from videos.models import Video

# Ends fall on whole hours, so that a list read twice shows the same addresses.
STEP_SECONDS = 3600
SIGNER = Signer(salt="videos.signed_urls")


def signed_url(video: Video, variant: Variant = Variant.VIDEO) -> str:
    """The address of a video's file for whoever holds it, for RESULT_URL_LIFETIME at least."""
    last = timezone.now() + settings.RESULT_URL_LIFETIME
    expires = (int(last.timestamp()) // STEP_SECONDS + 1) * STEP_SECONDS
    query = f"variant={variant.value}&expires={expires}"
    signature = _signature(video.pk, variant, expires)
    return f"{settings.BASE_URL}/api/videos/{video.pk}/content?{query}&signature={signature}"


def allows(video_id: UUID, variant: Variant, expires: int, signature: str) -> bool:
    """Whether a signature is ours, for this very file, and not over."""
    ours = constant_time_compare(signature, _signature(video_id, variant, expires))
    return ours and timezone.now().timestamp() < expires


def _signature(video_id: UUID, variant: Variant, expires: int) -> str:
    return SIGNER.signature(f"{video_id}:{variant.value}:{expires}")
