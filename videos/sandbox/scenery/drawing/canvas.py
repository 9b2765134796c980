"""The canvas: one frame as float planes in YUV 4:2:0, and the colours drawn on it.

Luma runs 0..255, chroma is centred on 0, both BT.709 in full range; `to_frame` makes them 8-bit
limited range. Colours elsewhere are "#rrggbb" or RGB arrays in 0..1.
"""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]

FROM_RGB = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]], np.float32
)
LUMA_SCALE, CHROMA_SCALE = 219 / 255, 224 / 255
GRAIN = 1.1
GRAIN_MARGIN = 61
VIGNETTE = 0.26


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour as three numbers, or one colour per row as three columns."""

    y: Field
    u: Field
    v: Field

    def mixed_with(self, other: "Colour", share: float) -> "Colour":
        return Colour(
            self.y + (other.y - self.y) * share,
            self.u + (other.u - self.u) * share,
            self.v + (other.v - self.v) * share,
        )

    def rows(self, first: int, last: int) -> "Colour":
        """Return the rows first..last (even) of a gradient, chroma at half height."""
        half = slice(first // 2, last // 2)
        return Colour(self.y[first:last], self.u[half], self.v[half])


def rgb(text: str) -> Field:
    """Read "#rrggbb" as an RGB array in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def solid(text: str, strength: float = 1.0) -> Colour:
    """Return one solid colour, scaled by `strength` when it is added as light."""
    y, u, v = FROM_RGB @ rgb(text) * 255 * strength
    return Colour(np.float32(y), np.float32(u), np.float32(v))  # type: ignore[arg-type]


def mix(one: str, other: str, share: float) -> str:
    """Return the colour `share` of the way from one to the other."""
    steps = rgb(one) + (rgb(other) - rgb(one)) * share
    return "#" + "".join(f"{round(float(step) * 255):02x}" for step in steps)


def vertical_gradient(stops: list[tuple[float, str]], height: int) -> Colour:
    """Return a vertical gradient through `stops`, each a share of the height and a colour."""
    places = [place for place, _ in stops]
    colours = np.stack([rgb(text) for _, text in stops])
    # Interpolated in linear light; in gamma space, the middle of a dusk turns grey.
    linear = colours**2.2
    rows = (np.arange(height) + 0.5) / height
    mixed = np.stack([np.interp(rows, places, linear[:, c]) for c in range(3)], -1) ** (1 / 2.2)
    y, u, v = (mixed.astype(np.float32) @ FROM_RGB.T * 255).T
    return Colour(y[:, None], downsample_rows(u)[:, None], downsample_rows(v)[:, None])


def downsample_rows(field: Field) -> Field:
    return (field[::2] + field[1::2]) / 2


def downsample(field: Field) -> Field:
    """Average 2x2 blocks: from the size of luma to that of chroma."""
    rows = field[::2] + field[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)


def upsample(field: Field) -> Field:
    """Enlarge a field twofold with linear interpolation."""
    tall = np.empty((field.shape[0] * 2, field.shape[1]), np.float32)
    tall[::2] = field
    tall[1:-1:2] = (field[:-1] + field[1:]) * np.float32(0.5)
    tall[-1] = field[-1]
    # Not by transposing: a column-major field is slow to add to a row-major one.
    wide = np.empty((tall.shape[0], tall.shape[1] * 2), np.float32)
    wide[:, ::2] = tall
    wide[:, 1:-1:2] = (tall[:, :-1] + tall[:, 1:]) * np.float32(0.5)
    wide[:, -1] = tall[:, -1]
    return wide


class Canvas:
    """The planes of one frame; every frame overwrites them."""

    def __init__(self, width: int, height: int, grain: float = GRAIN) -> None:
        self.width, self.height = width, height
        self.y = np.zeros((height, width), np.float32)
        self.u = np.zeros((height // 2, width // 2), np.float32)
        self.v = np.zeros_like(self.u)
        self._packed = np.zeros((height * 3 // 2, width), np.uint8)
        speckle = np.random.default_rng(7).normal(0, grain, self._grain_shape()).clip(-3, 3)
        self._grain = (speckle + 16.5).astype(np.float32)
        self._vignette = _vignette(width, height) * np.float32(LUMA_SCALE)
        self._frames = 0
        self._scratch = np.zeros(width * height, np.float32)

    def scratch(self, shape: tuple[int, ...]) -> Field:
        """Return a temporary array that is valid until the next call."""
        return self._scratch[: int(np.prod(shape))].reshape(shape)

    def _grain_shape(self) -> tuple[int, int]:
        return self.height + GRAIN_MARGIN, self.width + GRAIN_MARGIN

    def rotate_hue(self, radians: float) -> None:
        """Rotate the hue of every pixel."""
        cos, sin = np.float32(np.cos(radians)), np.float32(np.sin(radians))
        u = self.u * cos - self.v * sin
        self.v = self.u * sin + self.v * cos
        self.u = u

    def apply_vignette_and_grain(self) -> None:
        """Darken the corners and add grain, which also hides banding in smooth skies."""
        self._frames += 1
        dx, dy = self._frames * 37 % GRAIN_MARGIN, self._frames * 23 % GRAIN_MARGIN
        self.y *= self._vignette
        self.y += self._grain[dy : dy + self.height, dx : dx + self.width]
        np.clip(self.y, 16, 235, out=self.y)

    def to_frame(self) -> av.VideoFrame:
        quarter = self.height // 4
        np.copyto(self._packed[: self.height], self.y, casting="unsafe")
        for index, plane in enumerate((self.u, self.v)):
            rows = self._packed[self.height + index * quarter : self.height + (index + 1) * quarter]
            np.multiply(plane, np.float32(CHROMA_SCALE), out=plane)
            np.add(plane, np.float32(128.5), out=plane)
            np.clip(plane, 16, 240, out=plane)
            np.copyto(rows.reshape(plane.shape), plane, casting="unsafe")
        return av.VideoFrame.from_ndarray(self._packed, format="yuv420p")


def _vignette(width: int, height: int) -> Field:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    corners: Field = 1 - np.float32(VIGNETTE) * np.clip((x * x * 0.7 + y * y * 0.8) - 0.2, 0, 1)
    return corners
