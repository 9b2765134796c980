"""Views and likes of clips."""

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from config.lib import batches, rate_limits
from showcase.models import Clip, ClipLike, ClipView

# Rows of views are needed for the hour they count; they are kept a little longer.
VIEWS_KEPT = timedelta(days=2)


def count_view(clip: Clip, visitor: str) -> bool:
    """Count a view once per visitor and hour; return False when it was counted before.

    `visitor` is a user or a network; only a digest of it is stored, another one each hour.
    """
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    identity = f"{clip.pk}|{hour.timestamp()}|{visitor}".encode()
    digest = hmac.new(settings.SECRET_KEY.encode(), identity, hashlib.sha256).hexdigest()
    with transaction.atomic():
        _row, is_new = ClipView.objects.get_or_create(clip=clip, visitor=digest, hour=hour)
        if is_new:
            Clip.objects.filter(pk=clip.pk).update(view_count=F("view_count") + 1)
    return is_new


def count_request(request: HttpRequest, clip: Clip) -> bool:
    """Count a request as a view of its user, or without one of its network.

    The User-Agent does not matter: a visitor can send any. A page that a browser only prefetched
    is not counted.
    """
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    if request.method != "GET" or "prefetch" in purpose:
        return False
    user = request.user
    signed_in = user.is_authenticated
    return count_view(clip, f"user {user.pk}" if signed_in else rate_limits.network_of(request))


def like(clip: Clip, user: AbstractBaseUser) -> int:
    """Like a clip, at most once per user; return the number of likes."""
    with transaction.atomic():
        _row, is_new = ClipLike.objects.get_or_create(clip=clip, user_id=user.pk)
        if is_new:
            Clip.objects.filter(pk=clip.pk).update(like_count=F("like_count") + 1)
    return _likes(clip)


def unlike(clip: Clip, user: AbstractBaseUser) -> int:
    """Remove a like; return the number of likes."""
    with transaction.atomic():
        deleted, _by_model = ClipLike.objects.filter(clip=clip, user_id=user.pk).delete()
        if deleted:
            Clip.objects.filter(pk=clip.pk).update(like_count=F("like_count") - 1)
    return _likes(clip)


def delete_old_views() -> None:
    """Delete the rows of views that can no longer be counted twice. Safe to repeat."""
    batches.delete(ClipView.objects.filter(hour__lt=timezone.now() - VIEWS_KEPT))


def _likes(clip: Clip) -> int:
    return Clip.objects.values_list("like_count", flat=True).get(pk=clip.pk)
