"""The mode of an order, which its images decide, and why a model does not take such images."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.catalog.entries import Mode, Model
from videos.models import Video


@dataclass(frozen=True)
class OrderImages:
    """Which images an order has: a first frame, a last one, and how many reference images."""

    first: bool = False
    last: bool = False
    references: int = 0

    @property
    def mode(self) -> Mode:
        if self.references:
            return "reference"
        if self.last:
            return "first_last"
        return "image" if self.first else "text"


NO_IMAGES = OrderImages()


def images_of(video: Video) -> OrderImages:
    """Which images the order of a video still has."""
    references = len(video.reference_images)
    return OrderImages(bool(video.first_image), bool(video.last_image), references)


def find_problem(model: Model, images: OrderImages) -> tuple[str, str] | None:
    """The field and a sentence that says why the model takes no such images; None if it does."""
    if images.references and (images.first or images.last):
        text = _("Reference images cannot be combined with a first or a last image.")
        return "reference_images", text
    if images.last and not images.first:
        return "last_image", _("A last image needs a first image.")
    if images.mode in model.modes:
        if images.references <= model.max_references:
            return None
        text = ngettext(
            "%(model)s takes one reference image.",
            "%(model)s takes up to %(n)d reference images.",
            model.max_references,
        )
        return "reference_images", text % {"model": model.label, "n": model.max_references}
    refusals = {
        "image": ("input_reference", _("%(model)s takes no first image.")),
        "first_last": ("last_image", _("%(model)s takes no last image.")),
        "reference": ("reference_images", _("%(model)s takes no reference images.")),
    }
    if images.mode not in refusals:
        return None
    field, text = refusals[images.mode]
    text %= {"model": model.label}
    taken = describe(model)
    return field, f"{text} {_('It takes %(images)s.') % {'images': taken}}" if taken else text


def describe(model: Model) -> str:
    """The images that a model takes, in words; "" for none."""
    references = ngettext(
        "one reference image", "up to %(n)d reference images", model.max_references
    )
    words = {
        "image": _("a first image"),
        "first_last": _("a first and a last image"),
        "reference": references % {"n": model.max_references},
    }
    return ", ".join(text for mode, text in words.items() if mode in model.modes)
