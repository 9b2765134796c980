"""The audio of a clip: slow chords over filtered noise that suits its scene."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videos.sandbox.clip import Clip

RATE = 48_000
CHORD_SECONDS = 4
FADE_SECONDS = 1.2
Samples = NDArray[np.float64]

# Chords as semitones above the key; each line is a progression that comes to rest.
BRIGHT = [
    [(0, 7, 12, 16), (-3, 4, 9, 12), (-7, 5, 9, 12), (-5, 2, 7, 11), (0, 7, 12, 16)],
    [(-3, 4, 9, 12), (-7, 5, 9, 16), (0, 7, 12, 14), (-5, 2, 11, 14), (-3, 4, 9, 12)],
    [(0, 7, 11, 16), (5, 9, 12, 16), (-3, 7, 12, 16), (-7, 5, 9, 12), (0, 7, 11, 16)],
]
DARK = [
    [(0, 7, 12, 15), (-4, 3, 8, 12), (-7, 5, 8, 12), (-5, 2, 7, 10), (0, 7, 12, 15)],
    [(0, 3, 10, 14), (5, 8, 12, 15), (-4, 3, 7, 12), (-2, 5, 10, 14), (0, 7, 12, 15)],
]
# What sounds dark whatever the time of day.
GLOOMY = {"rain", "storm", "space", "underwater"}
# Noise of each ambience: loudness, lowest and highest frequency in hertz, swells per second, depth
# of the swells.
AMBIENCES = {
    "waves": (0.085, 60, 1400, 0.16, 0.85),
    "wind": (0.050, 120, 900, 0.11, 0.70),
    "rain": (0.060, 900, 9000, 0.30, 0.15),
    "forest": (0.030, 1200, 5000, 0.20, 0.55),
    "city": (0.050, 30, 260, 0.23, 0.35),
    "meadow": (0.028, 400, 3000, 0.14, 0.60),
    "crickets": (0.022, 4200, 5400, 5.5, 0.95),
    "room": (0.012, 80, 500, 0.08, 0.40),
    "storm": (0.095, 40, 7000, 0.22, 0.45),
    "underwater": (0.075, 30, 320, 0.19, 0.60),
    "space": (0.060, 25, 120, 0.07, 0.50),
}


def compose(clip: Clip, seed: int, ambience: str, time: str) -> NDArray[np.float32]:
    """Return two channels of samples in -1..1, as long as the clip."""
    random = np.random.default_rng(seed)
    count = clip.seconds * RATE
    if clip.detail == "draft":
        return np.zeros((2, count), np.float32)
    key = 110 * 2 ** (random.integers(-3, 5) / 12)
    known = DARK if time == "night" or ambience in GLOOMY else BRIGHT
    progression = known[seed % len(known)]
    pads = _pads(progression, key, count)
    left, right = (pads[side] + _noise(ambience, count, random) for side in (0, 1))
    fade = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / FADE_SECONDS / RATE)
    mix = np.stack([left, right]) * np.sin(fade * np.pi / 2) ** 2
    samples: NDArray[np.float32] = np.tanh(mix * 1.3).astype(np.float32)
    return samples


def _pads(progression: Sequence[tuple[int, ...]], key: float, count: int) -> list[Samples]:
    """Return two detuned channels of chords of four seconds that fade into each other."""
    sides = [np.zeros(count), np.zeros(count)]
    step, tail = CHORD_SECONDS * RATE, 2 * RATE
    for index, start in enumerate(range(0, count, step)):
        stop = min(start + step + tail, count)
        time = np.arange(stop - start) / RATE
        swell = np.minimum(1, time / 1.8) * np.minimum(1, (CHORD_SECONDS + 2 - time) / 2.0)
        for place, semitone in enumerate(progression[index % len(progression)]):
            pitch = key * 2 ** (semitone / 12)
            for side, detune in enumerate((-0.9, 0.9)):
                phase = 2 * np.pi * (pitch + detune * 0.35) * time
                tone = np.sin(phase) + 0.28 * np.sin(2 * phase + place) + 0.07 * np.sin(3 * phase)
                sides[side][start:stop] += tone * swell * (0.050 if place else 0.075)
    return sides


def _noise(ambience: str, count: int, random: np.random.Generator) -> Samples:
    """Return band-limited noise whose loudness swells like surf or wind."""
    loudness, low, high, rate, depth = AMBIENCES[ambience]
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= 1 / (1 + (frequency / high) ** 4) / (1 + (low / np.maximum(frequency, 1)) ** 4)
    noise = np.fft.irfft(spectrum, count)
    noise /= max(float(np.abs(noise).max()), 1e-9) / 3
    time = np.arange(count) / RATE
    turn = random.uniform(0, 6.28)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * rate * time + turn + 0.7 * np.sin(time * 0.9))
    return noise * loudness * (1 - depth + depth * swell)
