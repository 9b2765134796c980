"""Account deletion, the part that concerns videos.

A request cancels running videos and returns their credits; after 30 days everything is erased.
accounts.people.deletion locks and anonymises the account itself. Ledger and payments stay, under
the anonymised user.
"""

import logging
from contextlib import suppress

from django.db import transaction

from accounts.models import User
from accounts.people import deletion
from billing.ledger import erasure
from config.lib.models import IdempotencyKey
from videos import feed
from videos.account import avatars
from videos.credentials import records
from videos.editing import jobs as edits
from videos.jobs import cancellation, removal, state_machine
from videos.media import uploads
from videos.models import (
    Collection,
    DigestSubscription,
    FeedEvent,
    MediaJob,
    Preset,
    PushSubscription,
    RejectedPrompt,
    ReviewMailStop,
    SavedPrompt,
    ShareLink,
    Storyboard,
    Tag,
    Upload,
    Video,
    VideoEvent,
    VideoReference,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from videos.reviews import links

log = logging.getLogger(__name__)


def request_deletion(user: User) -> None:
    """Close the account and cancel its videos. Safe to repeat.

    What an engine has begun beyond CANCELLATIONS_PER_DAY is rendered and paid for: otherwise
    deleting and restoring the account would return the credits of any number of videos.
    """
    deletion.request_deletion(user)
    _cancel_active_videos(user)
    edits.cancel_all(user)


def erase_due_accounts() -> None:
    """Erase accounts whose 30 days are over, and cancel videos that a crash left running.

    Safe to repeat.
    """
    closed = User.objects.filter(erased_at=None, deletion_requested_at__isnull=False)
    for user in closed.filter(videos__status__in=Video.ACTIVE).distinct():
        _cancel_active_videos(user)
    for user in closed.filter(media_jobs__status__in=MediaJob.ACTIVE).distinct():
        edits.cancel_all(user)
    for user in deletion.find_due():
        try:
            erase_account(user)
        except Exception:  # one account must not keep the others from being erased
            log.exception("account %s could not be erased", user.pk)


def erase_account(user: User) -> None:
    """Erase prompts and uploads, then the account; the worker erases files and engine jobs."""
    _end_active_videos(user)
    edits.cancel_all(user)
    for video in Video.objects.filter(user=user, deleted_at=None):
        removal.delete(video)
    links.forget(user)
    with transaction.atomic():
        VideoEvent.objects.filter(video__user=user).update(note="")
        VideoReference.objects.filter(video__user=user).delete()
        Video.objects.filter(user=user).update(
            prompt="",
            title=None,
            search_text="",
            negative_prompt="",
            failure_detail="",
            fetch_again_error="",
            first_image=None,
            last_image=None,
            webhook_url="",
            metadata={},
        )
        # A worker removes what they have left.
        MediaJob.objects.filter(user=user).update(recipe={}, failure_detail="", sound=None)
        ShareLink.objects.filter(video__user=user).delete()
        personal = (
            WebhookDelivery,
            WebhookEndpoint,
            FeedEvent,
            DigestSubscription,
            ReviewMailStop,
            PushSubscription,
            RejectedPrompt,
            WebhookSecret,
            IdempotencyKey,
            Collection,
            Tag,
            Preset,
            SavedPrompt,
            Storyboard,
        )
        for model in personal:
            model.objects.filter(user=user).delete()
    records.forget(user)
    for upload in Upload.objects.filter(user=user):
        uploads.discard(upload)
    avatars.remove(user)
    erasure.erase_descriptions(user)
    # Deleting keys changes the videos that they ordered, and so the usage that triggers keep.
    with feed.lock(user.pk):
        deletion.erase(user)


def _cancel_active_videos(user: User) -> None:
    """Cancel videos that are waiting or rendering; their credits are returned."""
    for video in Video.objects.filter(user=user, status__in=Video.ACTIVE):
        with suppress(state_machine.NotPossible, cancellation.TooManyCancellations):
            cancellation.cancel(video)


def _end_active_videos(user: User) -> None:
    """Cancel whatever is still active when the account is erased."""
    for video in Video.objects.filter(user=user, status__in=Video.ACTIVE):
        state_machine.end(video, Video.Status.CANCELLED, fenced=False)
