"""Opaque layers: fills, silhouettes that scroll, reflections."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, Field, downsample


def smoothstep(share: float) -> float:
    """Return the smoothstep of a share, which is clipped to 0..1."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def fill(canvas: Canvas, colours: Colour, first: int = 0, last: int | None = None) -> None:
    """Fill rows first..last (even) with a colour, or with a gradient of that many rows."""
    last = canvas.height if last is None else last
    canvas.y[first:last] = colours.y
    canvas.u[first // 2 : last // 2] = colours.u
    canvas.v[first // 2 : last // 2] = colours.v


class ScrollingField:
    """A field wider than the frame that scrolls behind it in parts of a pixel.

    Whole-pixel steps would make slow motion jerk. The shifted copies are made once, because
    shifting in every frame costs as much as drawing.
    """

    def __init__(self, field: Field) -> None:
        even = field[:, : field.shape[1] & ~1]
        phases = 4 if even.size < 500_000 else 2
        self._full = subpixel_shifts(even, phases)
        self._half = subpixel_shifts(downsample(even), phases)

    def at(self, dx: float, width: int) -> tuple[Field, Field]:
        """Return the views at luma and chroma size that start `dx` pixels from the left."""
        return shifted_view(self._full, dx, width), shifted_view(self._half, dx / 2, width // 2)


def subpixel_shifts(field: Field, count: int) -> list[Field]:
    """Return copies of a field shifted left by 0, 1/count, 2/count ... of a pixel."""
    moved = np.empty_like(field)
    moved[:, :-1] = field[:, 1:] - field[:, :-1]
    moved[:, -1] = 0
    return [field, *(field + moved * np.float32(step / count) for step in range(1, count))]


def shifted_view(phases: list[Field], dx: float, width: int) -> Field:
    """Return the part `width` pixels wide that starts `dx` pixels from the left."""
    steps = int(dx * len(phases) + 0.5)
    left = steps // len(phases)
    return phases[steps % len(phases)][:, left : left + width]


def blend(canvas: Canvas, first: int, alpha: tuple[Field, Field], colours: Colour) -> None:
    """Blend a colour over the rows from `first` (even) on; `alpha` has luma and chroma size."""
    full, half = alpha
    rows = slice(first, first + full.shape[0])
    halves = slice(first // 2, first // 2 + half.shape[0])
    for plane, weight, colour in (
        (canvas.y[rows], full, colours.y),
        (canvas.u[halves], half, colours.u),
        (canvas.v[halves], half, colours.v),
    ):
        change = canvas.scratch(plane.shape)
        np.subtract(colour, plane, out=change)
        change *= weight
        np.add(plane, change, out=plane)


class Silhouette:
    """Everything below an `outline` (pixels from the top), down to row `height` (even).

    A `mask` of full height adds what stands on it.
    """

    def __init__(self, outline: Field, height: int, mask: Field | None = None) -> None:
        self.height = height
        self.top = max(int(outline.min()) - 2, 0) & ~1
        self.solid = min(int(np.ceil(outline.max())) + 2, height) + 1 & ~1
        if mask is not None:
            self.top = max(int(mask.any(axis=1).argmax()) - 2, 0) & ~1
            self.top = min(self.top, max(int(outline.min()) - 2, 0) & ~1)
        self.solid = min(self.solid, height)
        rows = np.arange(self.top, self.solid, dtype=np.float32)[:, None]
        alpha = np.clip(rows - outline[None] + 0.5, 0, 1)
        if mask is not None:
            alpha = np.maximum(alpha, mask[self.top : self.solid])
        self._window = ScrollingField(alpha.astype(np.float32))

    def paint(self, canvas: Canvas, dx: float, colours: Colour) -> None:
        """Draw it shifted left by `dx`; `colours` is a gradient or an image of full height."""
        band = self._window.at(dx, canvas.width)
        if self.solid > self.top:
            blend(canvas, self.top, band, colours.rows(self.top, self.solid))
        if self.solid < self.height:
            fill(canvas, colours.rows(self.solid, self.height), self.solid, self.height)


def draw_reflection(
    canvas: Canvas, shore: int, at: float, dim: float, tint: Colour, reach: float = 0.92
) -> None:
    """Reflect what is above row `shore` (even) in the water below, with ripples.

    Each row of water shows `reach` rows from above the shore.
    """
    depth = np.arange(canvas.height - shore, dtype=np.float32)
    share = depth / depth.size
    ripple = np.sin(depth**0.72 * 1.1 - at * 2.4) + 0.6 * np.sin(depth**0.8 * 0.57 + at * 1.7)
    source = shore - 1 - depth * reach + ripple * (0.8 + 5.5 * share) * canvas.height / 720
    rows = np.clip(source, 0, shore - 1)
    halves = (rows[::2] / 2).astype(np.intp)
    canvas.y[shore:] = canvas.y[rows.astype(np.intp)]
    canvas.u[shore // 2 :] = canvas.u[halves]
    canvas.v[shore // 2 :] = canvas.v[halves]
    for plane, value in (
        (canvas.y[shore:], tint.y),
        (canvas.u[shore // 2 :], tint.u),
        (canvas.v[shore // 2 :], tint.v),
    ):
        np.multiply(plane, np.float32(dim), out=plane)
        np.add(plane, value * np.float32(1 - dim), out=plane)


def ridge_line(
    width: int, seed: int, base: float, rise: float, wavelength: float, rough: float
) -> Field:
    """Return the outline of a ridge around row `base`, up to about `rise` pixels high."""
    return base - noise.noise_1d(width, seed, wavelength, 7, rough) * np.float32(rise)
