"""Export everything we store about one user as a ZIP of JSON files."""

import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, QuerySet
from django.http import StreamingHttpResponse

from accounts.models import ApiRequest, User
from billing.ledger import credits
from billing.referrals import invitations
from billing.reports import imported_history
from config.lib import rate_limits
from config.lib.models import OutgoingEmail
from config.lib.rate_limits import Rate
from videos import failures
from videos.account import avatars
from videos.media import zip_download
from videos.media.concurrency import ConcurrencyLimit
from videos.models import (
    Collection,
    CollectionLink,
    ContentCredential,
    FeedEvent,
    MediaExport,
    MediaJob,
    Preset,
    PushSubscription,
    RejectedPrompt,
    ReviewComment,
    ReviewLink,
    SavedPrompt,
    ShareLink,
    Storyboard,
    Tag,
    Upload,
    Video,
    WebhookDelivery,
)

PROFILE = (
    "id", "username", "email", "display_name", "avatar_url", "avatar_uploaded_at", "region",
    "language", "is_verified", "date_joined", "updated_at", "last_login",
)  # fmt: skip
VIDEO = (
    "id", "operation", "title", "take_group", "take_number", "take_count", "picked_at",
    "prompt", "negative_prompt", "model", "requested_model", "size", "seconds",
    "seed", "audio", "credits", "status", "progress",
    "failure_code", "source_id", "public_source_id", "retry_of_id",
    "first_image_id", "last_image_id",
    "created_at", "completed_at", "deleted_at", "file_bytes", "file_sha256",
    "file_stays_at_engine", "expires_at", "metadata",
)  # fmt: skip
UPLOAD = ("id", "name", "content_type", "size_bytes", "width", "height", "seconds", "created_at")
EDIT = (
    "id", "recipe", "video_ids", "sound_id", "retry_of_id", "credits", "status", "failure_code",
    "result_id", "created_at", "started_at", "ended_at",
)  # fmt: skip
EXPORT = (
    "id", "video_id", "format", "created_at", "file_bytes", "file_sha256", "kept_until",
    "removed_at",
)  # fmt: skip
ENTRY = (
    "id", "type", "amount", "balance_before", "balance_after", "reference_type", "reference_id",
    "description", "expires_at", "created_at",
)  # fmt: skip
ENTRY_BEFORE = ("old_id", "type", "amount", "balance_after", "description", "created_at")
PAYMENT = (
    "id", "package", "name", "credits", "amount_minor", "currency", "status", "refunded_minor",
    "created_at", "paid_at",
)  # fmt: skip
# The user's page in the showcase, an app that this one may not import.
MAKER = {
    "showcase_page": F("maker__slug"),
    "showcase_about": F("maker__about"),
    "showcase_is_public": F("maker__is_public"),
}
# Who the friends are is theirs to tell.
REFERRAL = ("created_at", "settled_at", "inviter_credits")
SIGN_IN = ("grant", "created_at", "refreshed_at", "expires_at", "revoked_at")
KEY = (
    "name", "prefix", "last4", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
    "credits_per_day", "allowed_models", "ip_ranges",
)  # fmt: skip
REQUEST = (
    "created_at", "method", "path", "status", "took_ms", "credits", "request_id", "api_key_id",
)  # fmt: skip
PRESET = (
    "name", "model", "size", "seconds", "takes", "audio", "negative_prompt", "seed", "ending",
)  # fmt: skip
STORYBOARD = ("id", "title", "style", "model", "size", "film_id", "created_at", "updated_at")
SHOT = ("id", "position", "prompt", "seconds", "model", "first_image_id", "continues", "picked_id")
SAVED_PROMPT = ("text", "created_at")
COLLECTION_LINK = ("collection__name", "with_prompts", "created_at", "expires_at", "revoked_at")
LINK = ("video_id", "with_prompt", "created_at", "expires_at", "revoked_at")
WEBHOOK = (
    "video_id", "endpoint_id", "url", "state", "tries", "created_at", "delivered_at",
    "acknowledged_at",
)  # fmt: skip
ENDPOINT = (
    "id", "url", "events", "format", "description", "enabled", "created_at", "disabled_at",
)  # fmt: skip
EVENT = ("sequence", "body", "created_at")
PUSH = ("endpoint", "created_at")
EMAIL = ("kind", "recipient", "subject", "state", "created_at", "ended_at")
CREDENTIAL = ("video_id", "sha256", "manifest", "signer", "made_at")
REVIEW_LINK = (
    "id", "video_id", "label", "full_file", "created_at", "expires_at", "ended_at",
)  # fmt: skip
REVIEW_COMMENT = (
    "link_id", "kind", "name", "text", "at", "x", "y", "created_at", "hidden_at", "resolved_at",
)  # fmt: skip
REFUSED = ("prompt", "had_image", "categories", "overruled", "created_at")

CHUNK_BYTES = 256 * 1024
# Writing the rows of a user with many videos takes a core for seconds.
_exports = ConcurrencyLimit(2)


def count(user: User) -> None:
    """Count one export, by page or by API, against RATE_AUTH. Raises TooManyAttempts."""
    rate_limits.check(f"export:{user.pk.hex}", Rate(*settings.RATE_AUTH))


def download_response(user: User) -> StreamingHttpResponse:
    """Return the ZIP as a download. Raises TooManyAtOnce."""
    # Written to disk, not to memory; the unnamed file disappears when the answer is sent.
    file = TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
    try:
        with _exports.slot(user.pk):
            write_zip(user, file)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    headers = {
        "Content-Disposition": 'attachment; filename="export.zip"',
        "Content-Length": str(length),
    }
    return StreamingHttpResponse(_chunks(file), content_type="application/zip", headers=headers)


def bundle_response(user: User) -> StreamingHttpResponse:
    """Return the ZIP with the files of the videos, which are read while it is sent.

    Raises TooManyAtOnce.
    """
    file = TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115
    try:
        with _exports.slot(user.pk):
            write_zip(user, file)
        items = zip_download.list_bundle(finished_of(user))
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": 'attachment; filename="export.zip"'}
    stream = zip_download.stream_zip(items, first=file)
    return StreamingHttpResponse(stream, content_type="application/zip", headers=headers)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await sync_to_async(file.read, thread_sensitive=False)(CHUNK_BYTES):
            yield chunk


def write_zip(user: User, target: IO[bytes]) -> None:
    """Write the ZIP; rows are read and written in batches, so any number fits in memory."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _file(archive, "profile.json", User.objects.filter(pk=user.pk).values(*PROFILE, **MAKER))
        if avatar := avatars.read(user):
            archive.writestr("avatar.webp", avatar)
        _file(archive, "videos.json", _videos(user))
        _file(archive, "edits.json", _edits(user))
        _file(archive, "exports.json", _rows(MediaExport.objects.filter(user=user), EXPORT))
        _file(archive, "uploads.json", _rows(Upload.objects.filter(user=user), UPLOAD))
        _file(archive, "collections.json", _collections(user))
        _file(archive, "tags.json", _tags(user))
        _file(archive, "presets.json", _rows(Preset.objects.filter(user=user), PRESET))
        prompts = SavedPrompt.objects.filter(user=user)
        _file(archive, "prompts.json", _rows(prompts, SAVED_PROMPT))
        _file(archive, "storyboards.json", _storyboards(user))
        _file(archive, "links.json", _rows(ShareLink.objects.filter(video__user=user), LINK))
        reviews = ReviewLink.objects.filter(video__user=user).order_by("created_at")
        _file(archive, "review_links.json", _rows(reviews, REVIEW_LINK))
        said = ReviewComment.objects.filter(link__video__user=user)
        _file(archive, "review_comments.json", _rows(said, REVIEW_COMMENT))
        of_collections = CollectionLink.objects.filter(collection__user=user)
        _file(archive, "collection_links.json", _rows(of_collections, COLLECTION_LINK))
        _file(archive, "webhooks.json", _rows(WebhookDelivery.objects.filter(user=user), WEBHOOK))
        _file(archive, "endpoints.json", _rows(user.webhook_endpoints.all(), ENDPOINT))
        _file(archive, "events.json", _rows(FeedEvent.objects.filter(user=user), EVENT))
        browsers = PushSubscription.objects.filter(user=user).order_by("created_at")
        _file(archive, "push_subscriptions.json", _rows(browsers, PUSH))
        _file(archive, "emails.json", _rows(OutgoingEmail.objects.filter(user=user), EMAIL))
        _file(archive, "refused.json", _rows(RejectedPrompt.objects.filter(user=user), REFUSED))
        _file(archive, "credits.json", _rows(credits.history(user), ENTRY))
        before = imported_history.entries_of(user)
        _file(archive, "credits_before.json", _rows(before, ENTRY_BEFORE))
        _file(archive, "payments.json", _rows(user.payments.order_by("created_at"), PAYMENT))
        _file(archive, "referrals.json", _rows(invitations.of_inviter(user), REFERRAL))
        _file(archive, "sign_ins.json", _rows(user.api_sessions.order_by("created_at"), SIGN_IN))
        _file(archive, "api_keys.json", _rows(user.api_keys.order_by("created_at"), KEY))
        credentials = ContentCredential.objects.filter(video__user=user).order_by("made_at")
        _file(archive, "content_credentials.json", _rows(credentials, CREDENTIAL))
        requests = ApiRequest.objects.filter(user=user).order_by("pk")
        _file(archive, "requests.json", _rows(requests, REQUEST))


def add_files(user: User, archive: zipfile.ZipFile) -> int:
    """Add the files of the user's finished videos to an export; returns how many there are."""
    items = zip_download.list_bundle(finished_of(user))
    return sum(zip_download.add_file(archive, item) for item in items)


def finished_of(user: User) -> QuerySet[Video]:
    """Return the user's finished videos, the newest first."""
    return Video.objects.of(user).filter(status=Video.Status.SUCCEEDED).newest()


def _rows(rows: QuerySet[Any], fields: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    return rows.values(*fields).iterator(500)


def _videos(user: User) -> Iterator[dict[str, Any]]:
    videos = Video.objects.filter(user=user).prefetch_related("references")
    for video in videos.newest().iterator(500):
        row = {name: getattr(video, name) for name in VIDEO}
        failure = failures.explain(video)
        row["failure_code"] = failure.code if failure else ""
        stored = (video.file, video.thumbnail, video.spritesheet)
        row["reference_image_ids"] = [image.pk for image in video.reference_images]
        row["files"] = [str(file) for file in stored if file and not video.deleted_at]
        yield row


def _edits(user: User) -> Iterator[dict[str, Any]]:
    jobs = MediaJob.objects.of(user).filter(kind=MediaJob.Kind.EDIT)
    jobs = jobs.prefetch_related("sources").newest()
    for job in jobs.iterator(500):
        video_ids = [video.pk for video in job.videos]
        yield {n: video_ids if n == "video_ids" else getattr(job, n) for n in EDIT}


def _collections(user: User) -> Iterator[dict[str, Any]]:
    for one in Collection.objects.filter(user=user).prefetch_related("videos"):
        kept = [video.pk for video in one.videos.all()]
        yield {"name": one.name, "created_at": one.created_at, "videos": kept}


def _tags(user: User) -> Iterator[dict[str, Any]]:
    for tag in Tag.objects.filter(user=user).prefetch_related("videos"):
        yield {"name": tag.name, "videos": [video.pk for video in tag.videos.all()]}


def _storyboards(user: User) -> Iterator[dict[str, Any]]:
    for board in Storyboard.objects.of(user).prefetch_related("shots__takes"):
        shots = [
            {name: getattr(shot, name) for name in SHOT}
            | {"video_ids": [take.video_id for take in shot.takes.all()]}
            for shot in board.shots.all()
        ]
        yield {name: getattr(board, name) for name in STORYBOARD} | {"shots": shots}


def _file(archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]]) -> None:
    now = datetime.now(UTC).timetuple()[:6]
    with archive.open(zipfile.ZipInfo(name, now), "w") as target:
        target.write(b"[")
        for number, row in enumerate(rows):
            text = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
            target.write((",\n" if number else "\n").encode() + text.encode())
        target.write(b"\n]\n")
