"""When a person leaves: running videos end with their credits back; after 30 days all goes.

The account itself is locked and forgotten by accounts.people.deletion. The ledger and the
payments stay, under a user who is nobody any more.
"""

import logging

from django.db import transaction

from accounts.models import User
from accounts.people import deletion
from billing.ledger import erasure
from config.lib.models import IdempotencyKey
from videos.jobs import state_machine
from videos.media import uploads
from videos.models import (
    Collection,
    Delivery,
    Digest,
    Event,
    Preset,
    Refusal,
    Share,
    Upload,
    Video,
    WebhookSecret,
)

log = logging.getLogger(__name__)


def leave(user: User) -> None:
    """Lock the account and stop what it has running. Safe to repeat."""
    deletion.leave(user)
    _stop(user)


def sweep() -> None:
    """What a crash or a race left over, and those whose 30 days are over. Safe to repeat."""
    left = User.objects.filter(forgotten_at=None, left_at__isnull=False)
    for user in left.filter(videos__status__in=Video.ACTIVE).distinct():
        _stop(user)
    for user in deletion.due():
        try:
            forget(user)
        except Exception:  # one account must not keep the others from being forgotten
            log.exception("account %s could not be forgotten", user.pk)


def forget(user: User) -> None:
    """Remove prompts, uploads and, through the worker, files and upstream jobs; then the person."""
    for video in Video.objects.filter(user=user, deleted_at=None):
        state_machine.delete(video)
    with transaction.atomic():
        Event.objects.filter(video__user=user).update(note="")
        Video.objects.filter(user=user).update(
            prompt="", failure_detail="", reference=None, webhook_url=""
        )
        Share.objects.filter(video__user=user).delete()
        mine = (Delivery, Digest, Refusal, WebhookSecret, IdempotencyKey, Collection, Preset)
        for kept in mine:
            kept.objects.filter(user=user).delete()
    for upload in Upload.objects.filter(user=user):
        uploads.discard(upload)
    erasure.forget_words(user)
    deletion.forget(user)


def _stop(user: User) -> None:
    for video in Video.objects.filter(user=user, status__in=Video.ACTIVE):
        state_machine.end(video, Video.Status.CANCELLED, fenced=False)
