"""The actions of a manifest in plain words, and when the first one was done."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Promise] = {
    "c2pa.created": _("It was created"),
    "c2pa.opened": _("Made from another file"),
    "c2pa.placed": _("Another file was put in"),
    "c2pa.edited": _("Edited"),
    "c2pa.edited.metadata": _("Its texts were edited"),
    "c2pa.transcoded": _("Converted to another format"),
    "c2pa.converted": _("Converted to another format"),
    "c2pa.repackaged": _("Put into another container"),
    "c2pa.trimmed": _("Trimmed"),
    "c2pa.cropped": _("Cropped"),
    "c2pa.resized": _("Resized"),
    "c2pa.resized.proportional": _("Resized"),
    "c2pa.color_adjustments": _("Colours were changed"),
    "c2pa.dubbed": _("Dubbed"),
    "c2pa.removed": _("Something was removed"),
    "c2pa.redacted": _("Facts were removed from its credentials"),
    "c2pa.published": _("Published"),
    "c2pa.watermarked": _("A watermark was added"),
}


def describe(manifest: dict[str, Any] | None) -> list[str]:
    """What was done to a file, in its order; an action that we do not know keeps its name."""
    if manifest is None:
        return []
    said = []
    for action in manifest["actions"]:
        words = str(WORDS.get(action["action"], action["action"]))
        description = action["description"]
        said.append(f"{words}: {description}" if description else words)
    return said


def time_of(manifest: dict[str, Any] | None) -> datetime | None:
    """When the first action was done, as the file tells it; None if that is no time."""
    try:
        found = parse_datetime(manifest["made_at"]) if manifest else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
