"""A ringed planet that turns in front of a nebula."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import FROM_RGB, Canvas, Field, downsample, rgb, solid
from videos.sandbox.scenery.drawing.layers import blend, fill
from videos.sandbox.scenery.drawing.lights import LightLayer, Stars
from videos.sandbox.scenery.scene import SceneSpec

# Per planet: dark and light bands, the rim of air, two nebula colours, the ring.
PLANETS = [
    ("#7c3f2a", "#ffd9a6", "#ff9a6b", "#5b2b8a", "#1d5fa8", "#e9c9a4"),
    ("#123a6b", "#9fd8f0", "#6fb8ff", "#2b4a8a", "#7a2b6a", "#c4d8ee"),
    ("#5a1f4a", "#f0a8b8", "#ff7ab0", "#3a2b9a", "#0f6a7a", "#f0c4d8"),
]
TILT = 0.30


class Space:
    ambience = "space"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        dark, pale, rim, one, two, ring = spec.choose(PLANETS)
        wide = (width + int(unit * 0.08) + 4) & ~1
        clouds = [
            noise.noise_2d(height, wide, spec.seed + k, (unit * 0.7, unit * 0.9), 5, 0.55)
            for k in (1, 2)
        ]
        self._nebula = LightLayer(
            [
                ((np.clip(field + 0.15, 0, 1.4) ** 2).astype(np.float32), solid(colour, 0.62))
                for field, colour in zip(clouds, (one, two), strict=True)
            ]
        )
        self._stars = [Stars(width, height, spec.seed + salt, depth=1.6) for salt in (3, 4, 5)]
        self._radius = unit * 0.30
        self._globe(dark, pale, rim)
        self._ring_colour = solid(ring)
        self._rings()

    def _globe(self, dark: str, pale: str, rim: str) -> None:
        """Prepare the map of the planet, where the map shows on the globe, and the sunlight."""
        spec, side = self.spec, int(self._radius * 2 + 6) // 4 * 4
        y, x = (np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2) / self._radius
        distance = np.sqrt(x * x + y * y)
        z = np.sqrt(np.clip(1 - distance**2, 0, 1))
        tilted = y * np.cos(TILT) + x * np.sin(TILT)
        along = np.arctan2(x * np.cos(TILT) - y * np.sin(TILT), z + 1e-3)
        self._latitude = np.clip((tilted * 0.5 + 0.5) * 255, 0, 255).astype(np.intp)
        self._longitude = along / (2 * np.pi) * 1024 + 512
        bands = noise.noise_1d(256, spec.seed + 8, 40, 5, 0.6)[:, None]
        swirl = noise.noise_2d(256, 1024, spec.seed + 9, (22, 110), 5, 0.6)
        around = np.linspace(0, 1, 1024, dtype=np.float32)[None] ** 8
        swirl = swirl * (1 - around) + swirl[:, :1] * around
        self._map = np.clip(0.5 + 0.45 * bands + 0.20 * swirl, 0, 1).astype(np.float32)
        self._sun = np.clip(x * -0.72 + y * -0.42 + z * 0.52, 0, 1) ** 0.9 * 1.25
        self._disc = np.clip((1 - distance) * self._radius / 1.5 + 0.5, 0, 1).astype(np.float32)
        self._tones = FROM_RGB @ rgb(dark) * 255, FROM_RGB @ rgb(pale) * 255
        edge = ((1 - z) ** 3 * np.clip(self._sun + 0.1, 0, 1)).astype(np.float32)
        self._rim = edge, downsample(edge), solid(rim, 0.75)

    def _rings(self) -> None:
        """Draw the rings once; the part behind the globe is hidden by it."""
        width, height = self.spec.width, self.spec.height
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._centre = width * 0.60 if width > height else width * 0.5, height * 0.44
        dx, dy = ((x - self._centre[0]) / self._radius), ((y - self._centre[1]) / self._radius)
        u = dx * np.cos(TILT) - dy * np.sin(TILT)
        w = dx * np.sin(TILT) + dy * np.cos(TILT)
        distance = np.sqrt(u * u + (w / 0.22) ** 2)
        grooves = np.interp(
            distance, np.linspace(1.2, 2.2, 400), noise.noise_1d(400, 11, 70, 5, 0.7) * 0.35 + 0.6
        )
        soft = np.clip((distance - 1.28) * 22, 0, 1) * np.clip((2.08 - distance) * 22, 0, 1)
        hidden = (w < 0) & (dx * dx + dy * dy < 1)
        shadow = 1 - 0.75 * np.clip(1 - np.abs(dy - dx * 0.55) * 1.6, 0, 1) * (dx > 0.4) * (w < 0)
        ring = (soft * grooves * shadow * ~hidden * 0.8).clip(0, 1).astype(np.float32)
        used = np.flatnonzero(ring.any(axis=1))
        self._ring_top = int(used[0]) & ~1
        self._ring = ring[self._ring_top : (int(used[-1]) + 2) & ~1]
        self._ring_half = downsample(self._ring)

    def paint(self, canvas: Canvas, at: float) -> None:
        spec = self.spec
        fill(canvas, solid("#05050f"))
        self._nebula.paint(canvas, spec.pan(at, 0.08))
        for stars in self._stars:
            stars.paint(canvas, at, 1.0, solid("#f0f4ff"))
        self._paint_globe(canvas, at)
        blend(canvas, self._ring_top, (self._ring, self._ring_half), self._ring_colour)

    def _paint_globe(self, canvas: Canvas, at: float) -> None:
        turned = (self._longitude + at * 11).astype(np.intp) & 1023
        share = self._map[self._latitude, turned]
        dark, pale = self._tones
        edge, edge_half, rim = self._rim
        left, top = (
            int(self._centre[0] - share.shape[1] / 2) & ~1,
            int(self._centre[1] - share.shape[0] / 2) & ~1,
        )
        luma = (dark[0] + (pale[0] - dark[0]) * share) * self._sun + edge * rim.y
        _blend(canvas.y, luma, self._disc, left, top)
        share, sun, disc = downsample(share), downsample(self._sun), downsample(self._disc)
        _blend(
            canvas.u,
            (dark[1] + (pale[1] - dark[1]) * share) * sun + edge_half * rim.u,
            disc,
            left // 2,
            top // 2,
        )
        _blend(
            canvas.v,
            (dark[2] + (pale[2] - dark[2]) * share) * sun + edge_half * rim.v,
            disc,
            left // 2,
            top // 2,
        )


def _blend(plane: Field, part: Field, weight: Field, left: int, top: int) -> None:
    place = plane[top : top + part.shape[0], left : left + part.shape[1]]
    place += (part - place) * weight
