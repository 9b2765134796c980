"""Files people send: checked by content, kept without what is not the picture, counted, swept.

    reserved ──► stored ──► unused for a day, or used only by deleted videos: gone
        └── its sender went away, or the process died: gone after a day

A row is reserved before its file goes to storage, so no file is ever there without one.
"""

import json
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path, PurePath
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import feed
from videos.media import probe
from videos.models import Upload, UploadQuerySet, Video

Kind = Upload.Kind

IMAGE_MAX_PIXELS = 40_000_000
IMAGE_MAX_SIDE = 16_000  # every encoding here takes that
REFERENCE_FORMATS = ("JPEG", "PNG", "WEBP")
# What may be sent, by its extension: what its content must be. Source: C09.
IMAGES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}
CLIPS = {
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
STORED_AS = {
    "JPEG": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "WEBP": ("webp", "image/webp"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95},
    "PNG": {"compress_level": 3},
    "WEBP": {"quality": 95},
}
PROBE_SECONDS = 30
NAME_MAX = 64
PATH = "/api/videos/uploads/"
# Decoded pixels are large: so many images at a time.
DECODING = threading.BoundedSemaphore(2)


class BadFile(Exception):
    """The file is not one we take; the text says what is wrong with it."""


class BadImage(BadFile):
    """It was sent as an image and is none we take."""


class TooLarge(Exception):
    """The file is larger than UPLOAD_MAX_BYTES."""

    def __init__(self) -> None:
        most = settings.UPLOAD_MAX_BYTES // 1024**2
        super().__init__(_("The file is larger than %(most)s MB.") % {"most": most})


class QuotaFull(Exception):
    """The sender keeps as many files, or bytes, here as one may."""


class BadImageUrl(Exception):
    """An address that is not that of an image its sender uploaded here."""


# ---- what comes in ----


def keep_image(user: AbstractBaseUser, file: UploadedFile) -> Upload:
    """Check a reference image, re-encode it without its metadata, and store it.

    JPEG, PNG or WebP decided by content, at most UPLOAD_MAX_BYTES and 40 megapixels.
    Raises BadImage or QuotaFull; then nothing is stored.
    """
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        most = settings.UPLOAD_MAX_BYTES // 1024**2
        raise BadImage(_("The image is larger than %(most)s MB.") % {"most": most})
    image = _decoded(file, REFERENCE_FORMATS)
    return _keep_picture(user, file, image, "PNG" if image.mode == "RGBA" else "JPEG", None)


def keep(
    user: AbstractBaseUser, file: UploadedFile, kind: str, request_key: RequestKey | None = None
) -> Upload:
    """Check an image or a clip by its extension and its content, and store it.

    Raises BadFile, TooLarge, QuotaFull, or what idempotency.record raises; then nothing is stored.
    """
    suffix = PurePath(file.name or "").suffix.lower()
    _check_words(kind, suffix, file.size or 0)
    if kind == Kind.IMAGE:
        image = _decoded(file, (IMAGES[suffix],))
        encoding = IMAGES[suffix] if IMAGES[suffix] in STORED_AS else "PNG"
        return _keep_picture(user, file, image, encoding, request_key)
    found = _probed(file, suffix.removeprefix("."))
    draft = Upload(
        user_id=user.pk,
        kind=Kind.VIDEO,
        name=_safe_name(file.name or "", suffix.removeprefix("."), "clip"),
        content_type=CLIPS[suffix],
        size_bytes=file.size or 0,
        width=found["width"],
        height=found["height"],
    )
    return _keep(draft, file, request_key)


def _check_words(kind: str, suffix: str, size_bytes: int) -> None:
    allowed = {Kind.IMAGE.value: IMAGES, Kind.VIDEO.value: CLIPS}.get(kind)
    if allowed is None:
        raise BadFile(_("Invalid file type. file_type is image or video."))
    if suffix not in allowed:
        text = _("Invalid file type. Allowed for %(kind)s: %(allowed)s.")
        raise BadFile(text % {"kind": kind, "allowed": ", ".join(allowed)})
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise TooLarge
    if size_bytes < settings.UPLOAD_MIN_BYTES:
        raise BadFile(_("Invalid file size. A file has at least 1 KB."))


def _of(formats: Collection[str]) -> str:
    """The formats in words."""
    *most, last = (name.replace("WEBP", "WebP") for name in formats)
    names = {"most": ", ".join(most), "last": last}
    return _("%(most)s or %(last)s") % names if most else last


def _decoded(file: IO[bytes] | UploadedFile, formats: Collection[str]) -> Image.Image:
    try:
        with DECODING, Image.open(file, formats=list(formats)) as image:
            if image.width * image.height > IMAGE_MAX_PIXELS:
                raise BadImage(_("The image has more than 40 megapixels."))
            if max(image.size) > IMAGE_MAX_SIDE:
                text = _("The image has more than %(most)s pixels a side.")
                raise BadImage(text % {"most": IMAGE_MAX_SIDE})
            turned = ImageOps.exif_transpose(image)
            plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
            plain.info.clear()  # a comment or a profile would be written out again
            return plain
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadImage(_("The file is not a %(names)s image.") % {"names": _of(formats)}) from error
    except Image.DecompressionBombError as error:
        raise BadImage(_("The image has more than 40 megapixels.")) from error


def _keep_picture(
    user: AbstractBaseUser,
    file: UploadedFile,
    image: Image.Image,
    encoding: str,
    request_key: RequestKey | None,
) -> Upload:
    suffix, content_type = STORED_AS[encoding]
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as body:
        image.save(body, encoding, **OPTIONS[encoding])
        draft = Upload(
            user_id=user.pk,
            kind=Kind.IMAGE,
            name=_safe_name(file.name or "", suffix, "image"),
            content_type=content_type,
            size_bytes=body.tell(),
            width=image.width,
            height=image.height,
        )
        body.seek(0)
        return _keep(draft, File(body), request_key)


def _safe_name(name: str, suffix: str, otherwise: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).stem).strip(".-")[:NAME_MAX]
    return f"{stem or otherwise}.{suffix}"


def _probed(file: UploadedFile, kind: str) -> dict[str, Any]:
    """What another process, which may die of it, found in a clip. Raises BadFile."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        path = getattr(file, "temporary_file_path", lambda: "")()
        if not path:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
        command = [sys.executable, "-I", probe.__file__, path or copy.name, kind]
        try:
            ended = subprocess.run(  # noqa: S603 - our own program, on a name we made
                command, capture_output=True, timeout=PROBE_SECONDS, check=True
            )
            found: dict[str, Any] = json.loads(ended.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise BadFile(_("The clip cannot be played.")) from error
    if "refused" in found:
        raise BadFile(found["refused"])
    return found


# ---- reserved, then stored ----


def _keep(draft: Upload, content: Any, request_key: RequestKey | None) -> Upload:
    day = timezone.now().strftime("%Y/%m/%d")
    unique = secrets.token_hex(8)
    draft.file.name = f"uploads/{draft.kind}/{draft.user_id}/{day}/{unique}_{draft.name}"
    draft.stored = False
    _reserve(draft)
    try:
        draft.file.name = default_storage.save(str(draft.file.name), content)
        _settle(draft, request_key)
    except BaseException:
        discard(draft)
        raise
    return draft


def _reserve(draft: Upload) -> None:
    with feed.lock(draft.user_id):
        rows = Upload.objects.filter(user_id=draft.user_id)
        kept = rows.aggregate(bytes=Sum("size_bytes", default=0))["bytes"]
        if rows.count() >= settings.UPLOAD_QUOTA_FILES:
            text = _("You keep %(n)s files here, which is the most.")
            raise QuotaFull(text % {"n": settings.UPLOAD_QUOTA_FILES})
        if kept + draft.size_bytes > settings.UPLOAD_QUOTA_BYTES:
            most = settings.UPLOAD_QUOTA_BYTES // 1024**2
            text = _("With this file you would keep more than %(most)s MB here.")
            raise QuotaFull(text % {"most": most})
        draft.save(force_insert=True)


def _settle(draft: Upload, request_key: RequestKey | None) -> None:
    with feed.lock(draft.user_id):
        idempotency.record(request_key, draft)
        draft.stored = True
        draft.save(update_fields=["stored", "file"])


def pictures_of(user: AbstractBaseUser) -> UploadQuerySet:
    """The images this user may begin a video with."""
    return Upload.objects.of(user).filter(kind=Kind.IMAGE)


def discard(upload: Upload) -> None:
    """Forget a file that no video came to use."""
    default_storage.delete(str(upload.file.name))
    Upload.objects.filter(pk=upload.pk).delete()


def sweep() -> int:
    """Remove what nobody has used for a day, or only videos that are deleted; how many that were.

    Safe to repeat, and while files are sent and videos ordered.
    """
    old = Upload.objects.filter(created_at__lte=timezone.now() - settings.UPLOAD_UNUSED)
    unused = old.exclude(pk__in=_in_use()).values_list("pk", flat=True)
    return sum(_sweep(pk) for pk in list(unused[:1000]))


def _in_use() -> Any:
    return Video.objects.kept().filter(reference__isnull=False).values("reference_id")


def _sweep(pk: UUID) -> bool:
    with transaction.atomic():
        upload = Upload.objects.select_for_update().filter(pk=pk).first()
        # Asked again under the lock, which an order of a video takes too.
        if upload is None or _in_use().filter(reference_id=pk).exists():
            return False
        Video.objects.filter(reference_id=pk).update(reference=None)
        # No order can take it from now on, and its row stays until its file is gone.
        Upload.objects.filter(pk=pk).update(stored=False)
    discard(upload)
    return True


# ---- addresses ----


def url_of(upload: Upload) -> str:
    return f"{settings.BASE_URL}{PATH}{upload.pk}"


def images_at(user: AbstractBaseUser, urls: list[str]) -> list[Upload]:
    """The user's own images at addresses that url_of gave, in their order. Raises BadImageUrl."""
    wanted = [_id_in(url) for url in urls]
    found = pictures_of(user).in_bulk([pk for pk in wanted if pk])
    if None in wanted or set(wanted) != set(found):
        raise BadImageUrl(_("Upload the file first: image_urls takes your own file_url addresses."))
    return [found[cast("UUID", pk)] for pk in wanted]


def _id_in(url: str) -> UUID | None:
    """The upload an address of ours names; None for any other address."""
    found = re.fullmatch(re.escape(settings.BASE_URL + PATH) + r"([0-9a-f-]{36})", url)
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None
