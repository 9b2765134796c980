"""Fractal noise, the same for the same seed."""

import numpy as np
from PIL import Image

from videos.sandbox.scenery.drawing.canvas import Field


def noise_1d(
    length: int, seed: int, wavelength: float, octaves: int = 6, roughness: float = 0.5
) -> Field:
    """Return noise of about -1..1 whose largest waves span `wavelength` samples."""
    random = np.random.default_rng(seed)
    total = np.zeros(length)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        place = np.arange(length) / (wavelength / 2**octave)
        knots = random.uniform(-1, 1, int(place[-1]) + 3)
        index = place.astype(int)
        share = place - index
        share = share * share * (3 - 2 * share)
        total += weight * (knots[index] * (1 - share) + knots[index + 1] * share)
        weights += weight
        weight *= roughness
    return (total / weights * 1.6).astype(np.float32)


def noise_2d(
    height: int,
    width: int,
    seed: int,
    wavelength: tuple[float, float],
    octaves: int = 5,
    roughness: float = 0.5,
) -> Field:
    """Return noise of about -1..1; `wavelength` is the vertical and horizontal one, in pixels."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        down, across = (max(each / 2**octave, 1.0) for each in wavelength)
        rows, columns = int(height / down) + 4, int(width / across) + 4
        knots = Image.fromarray(random.normal(0, 0.6, (rows, columns)).astype(np.float32))
        box = (1, 1, 1 + width / across, 1 + height / down)
        total += weight * np.asarray(knots.resize((width, height), Image.Resampling.BICUBIC, box))
        weights += weight
        weight *= roughness
    return total / np.float32(weights) * np.float32(1.6)
