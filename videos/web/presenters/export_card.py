"""What pages show of formats and exports."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from videos.editing import failures
from videos.editing.exports import formats, representation
from videos.editing.exports.formats import FORMATS, Format
from videos.models import MediaExport, MediaJob, Video


@dataclass(frozen=True)
class ExportCard:
    """One export: its row, its job, and its video."""

    row: MediaExport

    @property
    def job(self) -> MediaJob:
        return self.row.job

    @property
    def video(self) -> Video:
        return self.row.video

    @property
    def label(self) -> str:
        form = FORMATS.get(self.row.format)
        name = str(form.label) if form else self.row.format
        is_barred = form and form.aspect and self.job.recipe.get("fit") == "bars"
        return f"{name} · {_('bars')}" if is_barred else name

    @property
    def size(self) -> str:
        """The picture of the finished file in pixels; "" for sound."""
        return f"{self.row.width}×{self.row.height}" if self.row.width else ""

    @property
    def percent(self) -> int:
        return int(self.job.progress)

    @property
    def failure(self) -> str:
        return failures.sentence(self.job)

    @property
    def is_there(self) -> bool:
        return bool(self.row.file)

    @property
    def has_sidecar(self) -> bool:
        return representation.credentials_of(self.row) == "beside"


def export_cards(rows: Iterable[MediaExport]) -> list[ExportCard]:
    """Return the cards of exports, in their order."""
    return [ExportCard(row) for row in rows]


def groups_of(offered: Sequence[Format]) -> list[dict[str, Any]]:
    """The offered formats by what they are for."""
    found = []
    for group, label in formats.GROUPS.items():
        if of_group := [form for form in offered if form.group == group]:
            has_shapes = any(form.aspect for form in of_group)
            found.append({"label": label, "formats": of_group, "has_shapes": has_shapes})
    return found
