"""The images of an order in the composer: files that are sent with it, and images stored before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from videos.catalog import modes, offers
from videos.catalog.entries import Mode, Model
from videos.catalog.modes import OrderImages
from videos.media import upload_checks, uploads
from videos.models import Upload, Video
from videos.web.presenters.model_card import image_limits_of

DELETED = gettext_lazy("This image was deleted. Choose it again.")
# How errors of orders name the fields.
FIELDS = {"input_reference": "first_image"}


class NotStored(Exception):
    """An image cannot be stored; `field` names where it was chosen."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class StoredImages:
    """The stored images of an order."""

    first: Upload | None = None
    last: Upload | None = None
    references: tuple[Upload, ...] = ()

    @property
    def order_images(self) -> OrderImages:
        return OrderImages(bool(self.first), bool(self.last), len(self.references))

    @property
    def mode(self) -> Mode:
        return self.order_images.mode


def images_of(video: Video) -> StoredImages:
    return StoredImages(video.first_image, video.last_image, tuple(video.reference_images))


def find_own(
    user: AbstractBaseUser, first: str = "", last: str = "", references: Iterable[str] = ()
) -> StoredImages:
    """The user's own images with these ids; others are left out."""
    ids = [_uuid(text) for text in (first, last, *references)]
    found = uploads.reference_images_of(user).in_bulk([one for one in ids if one])
    images = [found.get(one) if one else None for one in ids]
    return StoredImages(images[0], images[1], tuple(image for image in images[2:] if image))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files; a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(ManyFilesField, self).clean(each, initial) for each in data or []]


class IdsField(forms.MultipleChoiceField):
    """Any number of ids; which of them exist is asked for all fields at once."""

    def valid_value(self, value: Any) -> bool:
        return True


class ImageFields(forms.Form):
    """The part of the composer for images; `images` are those that are stored."""

    first_file = forms.FileField(required=False)
    last_file = forms.FileField(required=False)
    reference_files = ManyFilesField(required=False)
    # Images uploaded before, such as with an earlier attempt at the same order.
    first_image = forms.CharField(required=False, max_length=36)
    last_image = forms.CharField(required=False, max_length=36)
    reference_images = IdsField(required=False)

    user: AbstractBaseUser
    images = StoredImages()

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        first, last = data.get("first_image", ""), data.get("last_image", "")
        references = data.get("reference_images", [])
        self.images = find_own(self.user, first, last, references)
        lacking = {
            "first_image": first and not self.images.first,
            "last_image": last and not self.images.last,
            "reference_images": len(self.images.references) < len(references),
        }
        for name in filter(lacking.get, lacking):
            self.add_error(name, DELETED)
        return data

    def check_images(self, model: Model) -> None:
        """Check that the model takes such images before any is stored. Raises NotOffered."""
        data = self.cleaned_data
        asked = OrderImages(
            bool(data["first_file"] or self.images.first),
            bool(data["last_file"] or self.images.last),
            len(data["reference_files"]) + len(self.images.references),
        )
        if problem := modes.find_problem(model, asked):
            raise offers.NotOffered(*problem)

    def store_images(self) -> None:
        """Store the files; `images` has them then. Raises NotStored."""
        data = self.cleaned_data
        if data["first_file"]:
            self.images = replace(self.images, first=self._store("first_file", data["first_file"]))
        if data["last_file"]:
            self.images = replace(self.images, last=self._store("last_file", data["last_file"]))
        for file in data["reference_files"]:
            stored = self._store("reference_files", file)
            self.images = replace(self.images, references=(*self.images.references, stored))

    def _store(self, field: str, file: UploadedFile) -> Upload:
        try:
            return uploads.store_image(self.user, file)
        except (upload_checks.BadImage, uploads.QuotaFull) as error:
            raise NotStored(field, str(error)) from error

    @property
    def max_image_bytes(self) -> int:
        """The largest image that is accepted, in bytes."""
        return int(settings.UPLOAD_MAX_BYTES)

    @property
    def max_image_mb(self) -> int:
        return self.max_image_bytes // 1024**2


@dataclass(frozen=True)
class ImageSlot:
    """A place for images in the composer: its fields, its words, and the images that it has.

    `most` is how many the chosen model takes; 0 when it takes none.
    """

    name: str
    field: str
    stored: str
    label: str
    note: str
    most: int
    images: tuple[Upload, ...]


def slots_of(model: Model, images: StoredImages) -> list[ImageSlot]:
    limits = image_limits_of(model)
    first, last = ((image,) if image else () for image in (images.first, images.last))
    return [
        ImageSlot(
            "first", "first_file", "first_image", _("First image"),
            _("The video begins with it"), limits["first"], first,
        ),
        ImageSlot(
            "last", "last_file", "last_image", _("Last image"),
            _("The video ends with it; needs a first image"), limits["last"], last,
        ),
        ImageSlot(
            "references", "reference_files", "reference_images", _("Reference images"),
            _("People, things or a style; without a first image"), limits["references"],
            images.references,
        ),
    ]  # fmt: skip
