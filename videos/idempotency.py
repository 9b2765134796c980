"""Requests sent twice under one Idempotency-Key make one thing; a key is honoured for a day.

What was made is written down in the transaction that makes it, under the lock of the user's feed:
no crash comes between the two, and of many equal requests at once one is first.
"""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from config.lib.idempotency import HONOURED, IdempotencyMismatch
from videos.models import KeyedRequest, Upload, Video


@dataclass(frozen=True)
class Claim:
    """The key a client chose for a request, and the fingerprint of that request."""

    key: str
    fingerprint: str


class AlreadyMade(Exception):
    """The same request was answered before; `made` is the video or the upload it made."""

    def __init__(self, made: Video | Upload) -> None:
        self.made = made
        super().__init__(str(made.pk))


def check(user_id: UUID, claim: Claim | None) -> None:
    """Nothing when the claim is new or there is none.

    Raises AlreadyMade, or IdempotencyMismatch when another request used the key.
    """
    if claim is None:
        return
    rows = KeyedRequest.objects.filter(user_id=user_id, key=claim.key)
    row = rows.select_related("video", "upload").first()
    if row is None:
        return
    if row.created_at <= timezone.now() - HONOURED:
        row.delete()
        return
    if row.fingerprint != claim.fingerprint:
        raise IdempotencyMismatch
    made = row.video or row.upload
    assert made is not None  # a constraint of the table
    raise AlreadyMade(made)


def record(user_id: UUID, claim: Claim | None, made: Video | Upload) -> None:
    """Write down what a claim made; its caller holds the user's feed and has checked the claim."""
    if claim is None:
        return
    KeyedRequest.objects.create(
        user_id=user_id,
        key=claim.key,
        fingerprint=claim.fingerprint,
        video=made if isinstance(made, Video) else None,
        upload=made if isinstance(made, Upload) else None,
        created_at=timezone.now(),
    )


def forget_old() -> None:
    """Drop the keys that are no longer honoured."""
    KeyedRequest.objects.filter(created_at__lte=timezone.now() - HONOURED).delete()
