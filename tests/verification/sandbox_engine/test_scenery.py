"""What the sandbox draws: the scene of the first prompt, and in a remix what its words change."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings
from numpy.typing import NDArray

from videos.sandbox.clip import Clip
from videos.sandbox.jobs import creation
from videos.sandbox.jobs.creation import CreateRequest
from videos.sandbox.rendering.encoder import ClipEncoder
from videos.sandbox.rendering.mark import Mark
from videos.sandbox.scenery import mood, selection
from videos.sandbox.scenery.drawing.canvas import Canvas
from videos.sandbox.scenery.mood import Mood
from videos.sandbox.scenery.scenes.mountains import FIRST_CREST
from videos.sandbox.scenery.weather import Weather

RIDGES = "mountain ridges at dusk"
WIDTH, HEIGHT = 320, 180
Luma = NDArray[np.float32]


def frame(text: str, *changes: str, at: float = 2.0) -> Luma:
    """Return the luma of one frame, 0..255."""
    clip = Clip(text, f"{WIDTH}x{HEIGHT}", 4, changes=changes)
    drawn = ClipEncoder(clip, Path).frame(at)
    return drawn.to_ndarray()[:HEIGHT].astype(np.float32)


def crests(luma: Luma) -> NDArray[np.intp]:
    """Return the row of the farthest crest in each column: where the picture darkens or lightens
    most within the band in which that ridge lies."""
    top, last = int(HEIGHT * (FIRST_CREST - 0.12)), int(HEIGHT * (FIRST_CREST + 0.06))
    band = luma[top:last]
    steps = np.abs(band[3:] - band[:-3])
    # Flakes and drops are small: the step of a ridge is seen in its neighbours too.
    smooth = np.median([np.roll(steps, shift, axis=1) for shift in range(-4, 5)], axis=0)
    rows: NDArray[np.intp] = np.argmax(smooth, axis=0)
    return rows


def share_of_same_crests(one: Luma, other: Luma) -> float:
    return float(np.mean(np.abs(crests(one) - crests(other)) <= 2))


@pytest.mark.parametrize("change", ["make it snow", "make it rain", "at night"])
def test_remix_keeps_its_mountains_when_weather_or_light_change(change: str) -> None:
    parent, remix = frame(RIDGES), frame(RIDGES, change)
    assert share_of_same_crests(parent, remix) > 0.5
    assert float(np.mean(np.abs(parent - remix))) > 5
    other = frame("mountain ridges at dusk, another valley")
    assert share_of_same_crests(parent, other) < 0.2


def test_remix_of_a_remix_keeps_what_the_first_one_changed() -> None:
    snow, snowy_night = frame(RIDGES, "make it snow"), frame(RIDGES, "make it snow", "at night")
    assert share_of_same_crests(snow, snowy_night) > 0.5
    assert snowy_night.mean() < snow.mean() - 40
    flakes = snowy_night - frame(RIDGES, "at night")
    assert np.count_nonzero(flakes > 40) > 50


def test_takes_that_are_ordered_at_once_are_drawn_differently(settings: LazySettings) -> None:
    settings.SANDBOX_DETAIL = "full"
    ordered = CreateRequest("three takes of a hill [[instant]]", "sora-2", "1280x720", "4")
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda _: creation.create("takes", ordered), range(4)))
    assert sorted(job.clip.take for job in jobs) == [0, 1, 2, 3]


def test_same_clip_is_drawn_alike_and_another_take_is_not() -> None:
    assert np.array_equal(frame(RIDGES), frame(RIDGES))
    first, second = (
        selection.specify(Clip("ridges", "320x180", 4, take=take)).seed for take in (0, 1)
    )
    assert first != second


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        (["a pier at dusk"], Mood("dusk")),
        (["a pier at dusk", "make it snow"], Mood("dusk", "snow")),
        (["a pier at dusk in the rain", "stop the rain"], Mood("dusk")),
        (["a pier at dusk", "warmer"], Mood("dusk", warmth=0.6)),
        (["a pier at dusk", "warmer", "much colder"], Mood("dusk")),
        (["a pier at dusk", "black and white"], Mood("dusk", is_grey=True)),
        (["黄昏的海", "下雪"], Mood("dusk", "snow")),
        (["a pier at dusk", "add a dog"], Mood("dusk", hue=mood.HUE_OF_OTHER_CHANGES)),
    ],
)
def test_mood_follows_the_words_of_prompt_and_remixes(prompts: list[str], expected: Mood) -> None:
    assert mood.read(prompts, seed=0) == expected


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("A whale glides over a coral reef", "underwater"),
        ("Balloons drift in a pink sky", "clouds"),
        ("Portrait of a chef in his kitchen", "lights"),
        ("Abstract swirls of liquid glass", "ink"),
        ("Waves at midnight", "sea"),
        ("雪山上的小屋，下雪", "snow"),
    ],
)
def test_words_of_the_prompt_choose_the_scene(text: str, scene: str) -> None:
    assert selection.choose(text, seed=0) == scene


def test_every_scene_draws_a_picture() -> None:
    for number, name in enumerate(selection.SCENES):
        time = list(mood.TIMES)[number % len(mood.TIMES)]
        strong = selection.SCENES[name][1].split()[0]
        size = "160x284" if number % 2 else "284x160"
        encoder = ClipEncoder(Clip(f"{strong} {time}", size, 4), Path)
        assert encoder.frame(1.0).to_ndarray().std() > 3, (name, size)


def test_only_a_sunrise_grows_brighter() -> None:
    for time, first, last in (("dawn", 0.1, 0.9), ("dusk", 0.9, 0.1)):
        spec = selection.specify(Clip(f"sea at {time}", "320x180", 4))
        steps = [spec.daylight(at) for at in (0, 1, 2, 3, 4)]
        assert (round(steps[0], 1) <= first) == (time == "dawn")
        assert (round(steps[-1], 1) >= last) == (time == "dawn")
        assert all((a <= b) == (time == "dawn") for a, b in pairwise(steps))


def test_remix_that_cannot_be_drawn_changes_colours_only() -> None:
    assert np.abs(frame(RIDGES) - frame(RIDGES, "add a dog that nobody draws")).max() <= 1


def test_picture_is_scene_weather_and_mark_without_the_words_of_the_prompt() -> None:
    clip = Clip(RIDGES, f"{WIDTH}x{HEIGHT}", 4, detail="draft")
    canvas = Canvas(WIDTH, HEIGHT, grain=0.0)
    selection.build(clip, Path).paint(canvas, 2.0)
    Weather(selection.specify(clip)).paint(canvas, 2.0)
    canvas.apply_vignette_and_grain()
    Mark(WIDTH, HEIGHT).paint(canvas)
    drawn = ClipEncoder(clip, Path).frame(2.0).to_ndarray()
    assert np.array_equal(drawn, canvas.to_frame().to_ndarray())
