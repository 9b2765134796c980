"""Each operation of an edit, read back from the file that it made."""

from collections.abc import Callable

import pytest

from accounts.models import User
from tests.videos.conftest import upload
from tests.videos.editing.conftest import (
    Tone,
    film,
    finished,
    fresh,
    ordered,
    result_of,
    temporary_files,
    wav,
)
from videos.editing.recipes import Join, Reframe, Sound, Trim
from videos.media import uploads
from videos.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., None]
# Loudness of a sine wave with the amplitude 0.25.
FULL = 0.18
# Frame n of a test film has 36 + 9n green, give or take 4
FIRST, STEP, NEAR = 36, 9, 5


def added_sound(user: User, hertz: int = 1000, seconds: float = 0.5) -> Upload:
    return uploads.store_upload(user, upload(wav(hertz, seconds), "s.wav", "audio/wav"), "audio")


def frame_number(green: int) -> float:
    return (green - FIRST) / STEP


def near(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 3 * NEAR for a, b in zip(found, expected, strict=True))


def test_trim_is_exact_to_the_frame(alice: User, make_edits: Make) -> None:
    # Frame 6 lies inside of a group of pictures.
    job = ordered(alice, finished(alice), trim=Trim(0.25, 0.75))
    make_edits()
    made = result_of(job)
    assert (made.frames, made.rate, made.size) == (12, 24.0, (64, 48))
    assert [round(frame_number(made.green(n))) for n in (0, 11)] == [6, 17]
    assert (made.codec, made.pixels, made.sound_codecs) == ("h264", "yuv420p", ["aac"])
    assert made.index_first
    assert made.tone(0.1, 0.4) == Tone(440, FULL)


def test_joined_videos_of_other_sizes_are_shown_whole_between_bars(
    alice: User, make_edits: Make
) -> None:
    wide, tall = finished(alice), finished(alice, film((36, 64), 12, 880, (40, 36, 200)))
    job = ordered(alice, wide, tall, join=Join())
    make_edits()
    made = result_of(job)
    assert (made.frames, made.size) == (36, (64, 48))
    assert near(made.colour(30, 0.02), (0, 0, 0))
    assert near(made.colour(30, 0.5), (40, 90, 200))
    assert made.tone(0.1, 0.9) == Tone(440, FULL)
    assert made.tone(1.1, 1.4) == Tone(880, FULL)


def test_joined_video_fills_the_picture_and_fades_over(alice: User, make_edits: Make) -> None:
    wide, tall = finished(alice), finished(alice, film((36, 64), 12, 0, (40, 36, 200)))
    job = ordered(alice, wide, tall, join=Join("crop", crossfade=0.25))
    make_edits()
    made = result_of(job)
    assert made.frames == 24 + 12 - 6
    assert near(made.colour(29, 0.02), (40, 135, 200))
    reds = [made.colour(n)[0] for n in range(18, 24)]
    assert reds == sorted(reds, reverse=True)
    assert 60 < reds[3] < 180
    assert made.tone(1.1, 1.2).loudness == 0


@pytest.mark.parametrize(
    ("asked", "size", "left"),
    [
        (Reframe("9:16", position=0.0), (28, 48), (200, 36, 40)),
        (Reframe("1:1", "bars"), (64, 64), (0, 0, 0)),
    ],
)
def test_reframe_cuts_the_picture_or_adds_bars(
    asked: Reframe, size: tuple[int, int], left: tuple[int, int, int],
    alice: User, make_edits: Make,
) -> None:  # fmt: skip
    job = ordered(alice, finished(alice), reframe=asked)
    make_edits()
    made = result_of(job)
    assert (made.size, made.frames) == (size, 24)
    assert near(made.colour(0, 0.5, 0.02), left)


def test_speed_keeps_the_pitch(alice: User, make_edits: Make) -> None:
    slow = ordered(alice, finished(alice, film(frames=12)), speed=0.5)
    fast = ordered(alice, finished(alice), speed=2.0)
    make_edits()
    made = result_of(slow)
    assert (made.frames, made.tone(0.2, 0.8).hertz) == (24, 440)
    assert [round(frame_number(made.green(n))) for n in (0, 23)] == [0, 11]
    made = result_of(fast)
    assert (made.frames, made.tone(0.1, 0.4).hertz) == (12, 440)
    assert [round(frame_number(made.green(n))) for n in (0, 11)] == [0, 22]


def test_operations_are_applied_in_their_order(alice: User, make_edits: Make) -> None:
    job = ordered(
        alice, finished(alice), trim=Trim(0.5), speed=2.0, loops=3, mute=True, poster=0.0,
        reframe=Reframe("1:1"),
    )  # fmt: skip
    make_edits()
    made = result_of(job)
    assert (made.frames, made.size, made.sound_codecs) == (18, (48, 48), [])
    assert [round(frame_number(made.green(n))) for n in (0, 5, 6)] == [12, 22, 12]


def test_sound_is_replaced_from_its_offset_on(alice: User, make_edits: Make) -> None:
    sound = Sound("replace", offset=0.5, volume=0.5)
    job = ordered(alice, finished(alice), sound=added_sound(alice), added=sound)
    make_edits()
    made = result_of(job)
    assert made.tone(0.1, 0.45).loudness == 0
    assert made.tone(0.6, 0.9) == Tone(1000, FULL / 2)


def test_sound_is_mixed_repeated_and_faded(alice: User, make_edits: Make) -> None:
    sound = Sound("mix", repeat=True, own_volume=0.1, fade_in=0.4, fade_out=0.4)
    job = ordered(alice, finished(alice), sound=added_sound(alice), added=sound)
    make_edits()
    made = result_of(job)
    parts = [made.tone(*part) for part in ((0.0, 0.1), (0.45, 0.55), (0.9, 1.0))]
    assert [part.hertz for part in parts] == [1000, 1000, 1000]
    assert parts[1].loudness == FULL
    assert max(parts[0].loudness, parts[2].loudness) < FULL / 2


def test_edit_is_a_new_version_of_its_source(alice: User, make_edits: Make) -> None:
    source = finished(alice)
    before = source.file.read()
    job = ordered(alice, source, trim=Trim(0.0, 0.5))
    make_edits()
    made = fresh(job).result
    assert made is not None
    assert (made.pk, made.operation, made.source, made.status) == (
        job.pk, "edit", source, "succeeded",
    )  # fmt: skip
    assert (made.size, made.seconds, made.prompt, made.model) == (
        "64x48", 1, source.prompt, source.model,
    )  # fmt: skip
    assert made.thumbnail.read()[:4] == b"RIFF"
    assert made.spritesheet.read()[:2] == b"\xff\xd8"
    source.refresh_from_db()
    assert source.file.read() == before
    assert temporary_files() == []
