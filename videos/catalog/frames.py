"""Sizes of videos with their aspect ratio and resolution."""

from dataclasses import dataclass

# Lines of the shorter side.
LINES = {
    "360p": 360, "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080,
    "1440p": 1440, "2k": 1440, "2160p": 2160, "4k": 2160,
}  # fmt: skip
# The documented sizes of the first models, whose names a ratio of sides does not give.
KNOWN = {"1792x1024": ("7:4", "1024p"), "1024x1792": ("4:7", "1024p")}


@dataclass(frozen=True)
class Frame:
    """A size in pixels, such as "1280x720", with its aspect ratio and resolution."""

    size: str
    aspect: str
    resolution: str

    @property
    def lines(self) -> int:
        """Pixels of the shorter side."""
        return min(map(int, self.size.split("x")))

    @property
    def is_portrait(self) -> bool:
        width, height = map(int, self.size.split("x"))
        return height > width


def frame_of(size: str) -> Frame:
    """The frame of a size that is given in pixels. Raises ValueError."""
    width, height = map(int, size.split("x"))
    if size in KNOWN:
        return Frame(size, *KNOWN[size])
    lines = min(width, height)
    near = min(ASPECTS, key=lambda aspect: abs(_ratio(aspect) - width / height))
    return Frame(size, near, f"{lines}p")


def combine(aspects: tuple[str, ...], resolutions: tuple[str, ...]) -> tuple[Frame, ...]:
    """Every aspect ratio in every resolution; the longer side is rounded to even pixels.

    Raises ValueError for an unknown resolution.
    """
    return tuple(_frame(aspect, resolution) for resolution in resolutions for aspect in aspects)


def _frame(aspect: str, resolution: str) -> Frame:
    if resolution not in LINES:
        raise ValueError(f"unknown resolution {resolution}: use one of {', '.join(LINES)}")
    lines, ratio = LINES[resolution], _ratio(aspect)
    longer = round(lines * max(ratio, 1 / ratio) / 2) * 2
    width, height = (longer, lines) if ratio >= 1 else (lines, longer)
    return Frame(f"{width}x{height}", aspect, resolution)


ASPECTS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21", "3:2", "2:3")


def _ratio(aspect: str) -> float:
    width, height = map(int, aspect.split(":"))
    return width / height
