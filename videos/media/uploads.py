"""Store files that users upload: images re-encoded without metadata, clips and sound.

    reserved ──► stored ──► unused for a day, or used only by deleted videos: deleted
        └── the client left, or the process died: deleted after a day

The row is written before its file is stored, so that no file in storage is without a row.
"""

import re
import secrets
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image

from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.media import images, upload_checks
from videos.models import Upload, UploadQuerySet

Kind = Upload.Kind
STORED_AS = {
    "JPEG": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "WEBP": ("webp", "image/webp"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95},
    "PNG": {"compress_level": 3},
    "WEBP": {"quality": 95, "method": 0},  # the fastest
}
NAME_MAX = 64


class QuotaFull(Exception):
    """The user has reached the limit of files or bytes."""


def store_image(user: AbstractBaseUser, file: UploadedFile) -> Upload:
    """Check a reference image, re-encode it without its metadata, and store it.

    JPEG, PNG or WebP decided by content, at most UPLOAD_MAX_BYTES and 40 megapixels.
    Raises BadImage, QuotaFull or TooManyAtOnce; then nothing is stored.
    """
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        most = settings.UPLOAD_MAX_BYTES // 1024**2
        raise upload_checks.BadImage(_("The image is larger than %(most)s MB.") % {"most": most})
    check_quota(user.pk, file.size or 0)
    return _store_image(user, file, images.FORMATS, None, None)


def store_upload(
    user: AbstractBaseUser, file: UploadedFile, kind: str, request_key: RequestKey | None = None
) -> Upload:
    """Check an image, a clip or sound by its extension and its content, and store it.

    Raises BadFile, TooLarge, QuotaFull, TooManyAtOnce, or what idempotency.record raises; then
    nothing is stored.
    """
    suffix = PurePath(file.name or "").suffix.lower()
    upload_checks.check_name_and_size(kind, suffix, file.size or 0)
    check_quota(user.pk, file.size or 0)
    if kind == Kind.IMAGE:
        format = upload_checks.IMAGES[suffix]
        encoding = format if format in STORED_AS else "PNG"
        return _store_image(user, file, [format], encoding, request_key)
    is_sound = kind == Kind.AUDIO
    check = upload_checks.probe_sound if is_sound else upload_checks.probe_clip
    found = check(file, suffix.removeprefix("."), user.pk)
    draft = Upload(
        user_id=user.pk,
        kind=Kind(kind),
        name=_safe_name(file.name or "", suffix.removeprefix("."), "sound" if is_sound else "clip"),
        content_type=(upload_checks.SOUNDS if is_sound else upload_checks.CLIPS)[suffix],
        size_bytes=file.size or 0,
        width=found.get("width", 0),
        height=found.get("height", 0),
        seconds=found["seconds"] if is_sound else None,
    )
    return _store(draft, file, request_key)


def check_quota(user_id: UUID, size_bytes: int) -> None:
    """Raise QuotaFull unless the user may store one more file of this size."""
    rows = Upload.objects.filter(user_id=user_id)
    kept = rows.aggregate(files=Count("pk"), bytes=Sum("size_bytes", default=0))
    if kept["files"] >= settings.UPLOAD_QUOTA_FILES:
        text = _("You have reached the limit of %(n)s files. Delete some to upload more.")
        raise QuotaFull(text % {"n": settings.UPLOAD_QUOTA_FILES})
    if kept["bytes"] + size_bytes > settings.UPLOAD_QUOTA_BYTES:
        most = settings.UPLOAD_QUOTA_BYTES // 1024**2
        text = _("This file would exceed your limit of %(most)s MB. Delete some to upload more.")
        raise QuotaFull(text % {"most": most})


def _store_image(
    user: AbstractBaseUser,
    file: UploadedFile,
    formats: Collection[str],
    encoding: str | None,
    request_key: RequestKey | None,
) -> Upload:
    """Store an image in this encoding; without one, in that which its transparency needs."""
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as body:
        with images.decoded(file, formats, owner_id=user.pk) as image:
            encoding = _encode(image, encoding, body)
            width, height = image.size
        suffix, content_type = STORED_AS[encoding]
        draft = Upload(
            user_id=user.pk,
            kind=Kind.IMAGE,
            name=_safe_name(file.name or "", suffix, "image"),
            content_type=content_type,
            size_bytes=body.tell(),
            width=width,
            height=height,
        )
        body.seek(0)
        return _store(draft, File(body), request_key)


def _encode(image: Image.Image, encoding: str | None, body: IO[bytes]) -> str:
    """Write an image to `body` and return the encoding."""
    usual = "PNG" if image.mode == "RGBA" else "JPEG"
    encoding = encoding or usual
    try:
        image.save(body, encoding, **OPTIONS[encoding])
    except ValueError:  # a WebP has no room for that much detail
        if encoding != "WEBP":
            raise
        body.seek(0)
        body.truncate()
        return _encode(image, usual, body)
    return encoding


def _safe_name(name: str, suffix: str, otherwise: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).stem).strip(".-")[:NAME_MAX]
    return f"{stem or otherwise}.{suffix}"


def _store(draft: Upload, content: Any, request_key: RequestKey | None) -> Upload:
    day = timezone.now().strftime("%Y/%m/%d")
    unique = secrets.token_hex(8)
    draft.file.name = f"uploads/{draft.kind}/{draft.user_id}/{day}/{unique}_{draft.name}"
    draft.stored = False
    _reserve(draft)
    try:
        draft.file.name = default_storage.save(str(draft.file.name), content)
        _confirm(draft, request_key)
    except BaseException:
        discard(draft)
        raise
    return draft


def _reserve(draft: Upload) -> None:
    with feed.lock(draft.user_id):
        check_quota(draft.user_id, draft.size_bytes)
        draft.save(force_insert=True)


def _confirm(draft: Upload, request_key: RequestKey | None) -> None:
    with feed.lock(draft.user_id):
        idempotency.record(request_key, draft)
        draft.stored = True
        draft.save(update_fields=["stored", "file"])


def sounds_of(user: AbstractBaseUser) -> UploadQuerySet:
    """The sound files this user may add to a video."""
    return Upload.objects.of(user).filter(kind=Kind.AUDIO)


def reference_images_of(user: AbstractBaseUser) -> UploadQuerySet:
    """The images this user may use as reference image of a video."""
    return Upload.objects.of(user).filter(kind=Kind.IMAGE)


@contextmanager
def images_of_order(
    user: AbstractBaseUser, files: Iterable[UploadedFile | None]
) -> Iterator[list[Upload | None]]:
    """Store the images of an order for a block that writes it; if it raises, they are discarded.

    None stays None. Raises what store_image raises.
    """
    stored: list[Upload | None] = []
    try:
        for file in files:
            stored.append(store_image(user, file) if file else None)  # noqa: PERF401 - one may fail
        yield stored
    except Exception:
        for upload in filter(None, stored):
            discard(upload)
        raise


def discard(upload: Upload) -> None:
    """Delete an upload and its file."""
    default_storage.delete(str(upload.file.name))
    Upload.objects.filter(pk=upload.pk).delete()
