"""What a render depends on, and where its files are; shared by the server and the renderer."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clip:
    """One video to render: equal clips share one render.

    `text` chooses the scene and its seed. `changes` are the texts of the remixes since, oldest
    first: a remix keeps its parent's scene and changes light and weather. `take` tells clips of
    the same text apart. Images are named by the SHA-256 of their files, "" for none.
    """

    text: str
    size: str
    seconds: int
    changes: tuple[str, ...] = ()
    take: int = 0
    first_image: str = ""
    last_image: str = ""
    references: tuple[str, ...] = ()
    detail: str = "full"
    silent: bool = False

    @property
    def name(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:40]

    @property
    def width(self) -> int:
        return int(self.size.partition("x")[0])

    @property
    def height(self) -> int:
        return int(self.size.partition("x")[2])

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def from_json(text: str) -> Clip:
    fields = json.loads(text)
    lists = {name: tuple(fields[name]) for name in ("changes", "references")}
    return Clip(**{**fields, **lists})


@dataclass(frozen=True, slots=True)
class RenderDirectory:
    """The directory the renderer writes to; a clip's MP4 exists only when it is complete."""

    path: Path

    @property
    def renders(self) -> Path:
        return self.path / "renders"

    def video(self, clip: Clip) -> Path:
        return self.renders / f"{clip.name}.mp4"

    def thumbnail(self, clip: Clip) -> Path:
        return self.renders / f"{clip.name}.webp"

    def spritesheet(self, clip: Clip) -> Path:
        return self.renders / f"{clip.name}.jpg"

    def failure(self, clip: Clip) -> Path:
        """The file that says why rendering failed: an exception, or a process that died."""
        return self.renders / f"{clip.name}.failed"

    def progress(self, clip: Clip) -> Path:
        """The file with the whole percents that are encoded, while a clip is rendered."""
        return self.renders / f"{clip.name}.progress"

    def encoded_percent(self, clip: Clip) -> int:
        """How much of a clip that is rendered is encoded, in whole percents; 0 before it begins."""
        try:
            return int(self.progress(clip).read_text())
        except FileNotFoundError:
            return 0

    def image(self, name: str) -> Path:
        return self.path / "images" / name
