"""Avatars: a small square image of a user, made of a file that they upload.

The file lies in the storage of all media, under a name made of the user's id. The column says that
there is one, so a page needs no look into the storage.
"""

from io import BytesIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from accounts.models import User
from videos.media import images
from videos.media.upload_checks import BadImage

SIDE = 256
MAX_BYTES = 10 * 1024**2
CONTENT_TYPE = "image/webp"


def store(user: User, file: UploadedFile) -> None:
    """Cut a square from the middle of a JPEG, PNG or WebP and store it without its metadata.

    Raises BadImage or TooManyAtOnce; then the avatar stays as it was.
    """
    if (file.size or 0) > MAX_BYTES:
        text = _("The image is larger than %(most)s MB.")
        raise BadImage(text % {"most": MAX_BYTES // 1024**2})
    with images.decoded(file, owner_id=user.pk) as image:
        square = ImageOps.fit(image, (SIDE, SIDE), Image.Resampling.LANCZOS)
    body = BytesIO()
    square.save(body, "WEBP", quality=85, method=4)
    default_storage.save(_name_of(user), ContentFile(body.getvalue()))
    _note(user, uploaded=True)


def remove(user: User) -> None:
    """Delete the avatar, if there is one. Safe to repeat."""
    _note(user, uploaded=False)
    default_storage.delete(_name_of(user))


def read(user: User) -> bytes | None:
    """Return the avatar of a user as WebP; None when there is none."""
    if user.avatar_uploaded_at is None:
        return None
    try:
        with default_storage.open(_name_of(user)) as file:
            return bytes(file.read())
    except FileNotFoundError:  # it was removed meanwhile
        return None


def _note(user: User, *, uploaded: bool) -> None:
    user.avatar_uploaded_at = timezone.now() if uploaded else None
    user.save(update_fields=["avatar_uploaded_at", "updated_at"])


def _name_of(user: User) -> str:
    return f"avatars/{user.pk}.webp"
