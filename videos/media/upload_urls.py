"""URLs of uploads, and the uploads that such URLs name."""

import re
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from videos.media import uploads
from videos.models import Upload

PATH = "/api/videos/uploads/"


class BadImageUrl(Exception):
    """The URL is not that of an image the same user uploaded."""


def url_of(upload: Upload) -> str:
    """The URL of an upload, as clients name it in an order."""
    return f"{settings.BASE_URL}{PATH}{upload.pk}"


def get_images(user: AbstractBaseUser, urls: list[str]) -> list[Upload]:
    """The user's images that these URLs of `url_of` name, in their order. Raises BadImageUrl."""
    wanted = [_id_in(url) for url in urls]
    found = uploads.reference_images_of(user).in_bulk([pk for pk in wanted if pk])
    if None in wanted or set(wanted) != set(found):
        raise BadImageUrl(
            _("Upload the file first: images are given by their own file_url addresses.")
        )
    return [found[cast("UUID", pk)] for pk in wanted]


def find_sound(user: AbstractBaseUser, url: str) -> Upload | None:
    """The user's sound file that this URL of `url_of` names, if it is one."""
    pk = _id_in(url)
    return uploads.sounds_of(user).filter(pk=pk).first() if pk else None


def _id_in(url: str) -> UUID | None:
    """The id in a URL of `url_of`; None for any other URL."""
    found = re.fullmatch(re.escape(settings.BASE_URL + PATH) + r"([0-9a-f-]{36})", url)
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None
