"""Each format of an export, read back from the file that was made."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from zipfile import ZipFile

import c2pa
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from PIL import Image

from accounts.models import User
from tests.videos.editing.conftest import film, finished, fresh
from tests.videos.exports.conftest import (
    body_of,
    decoded,
    exported,
    names_in,
    near,
    noise,
    open_film,
    row_of,
)
from videos.credentials import identity, reading
from videos.editing.exports import formats
from videos.editing.exports.formats import FORMATS
from videos.editing.film import plan
from videos.editing.recipes import NotEditable

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., None]
RATE = 24


@pytest.mark.parametrize(
    ("name", "container", "codec", "sound"),
    [
        ("mp4", "mov", "h264", "aac"),
        ("hevc", "mov", "hevc", "aac"),
        ("av1", "mov", "av1", "aac"),
        ("webm", "matroska", "vp9", "opus"),
    ],
)
def test_film_has_its_codec_size_and_length(
    alice: User, make_edits: Make, name: str, container: str, codec: str, sound: str
) -> None:
    if formats.find(name) is None:
        pytest.skip("this FFmpeg cannot encode it")
    job = exported(finished(alice), name)
    make_edits()
    body = body_of(job)
    with open_film(body) as made:
        video, audio = made.streams.video[0], made.streams.audio[0]
        assert container in made.format.name
        decoder = {"libdav1d": "av1"}.get(video.codec_context.name, video.codec_context.name)
        assert (decoder, audio.codec_context.name) == (codec, sound)
        assert (video.codec_context.width, video.codec_context.height) == (64, 48)
        assert near(float(made.duration) / 1e6, 1, 1.5 / RATE)
    assert len(decoded(body)) == RATE
    row = row_of(job)
    assert (row.width, row.height, row.seconds, row.file_bytes) == (64, 48, 1, len(body))
    if container == "mov":
        assert body.index(b"moov") < body.index(b"mdat")


@pytest.mark.parametrize(
    ("name", "fit", "size"),
    [
        ("youtube", "crop", (64, 36)),
        ("vertical", "crop", (28, 48)),
        ("vertical", "bars", (64, 114)),
        ("square", "crop", (48, 48)),
    ],
)
def test_destination_brings_the_picture_to_its_shape(
    alice: User, make_edits: Make, name: str, fit: str, size: tuple[int, int]
) -> None:
    job = exported(finished(alice), name, fit=fit, position=1.0)
    make_edits()
    frame = decoded(body_of(job))[0]
    assert (frame.width, frame.height) == size


def test_large_picture_is_made_as_small_as_the_destination_wants() -> None:
    source = plan.Source("a.mp4", 3840, 2160, Fraction(24), 0, 1, False)
    limits = {"pixels": 10**8, "seconds": 60}
    found = {
        (aspect, fit): plan.compose(
            {"clips": [{}], "reframe": {"aspect": aspect, "fit": fit}, "most_size": most},
            [source],
            limits,
        ).canvas.size
        for aspect, most in (("16:9", (1920, 1080)), ("9:16", (1080, 1920)), ("1:1", (1080, 1080)))
        for fit in ("crop", "bars")
    }
    assert found == {
        ("16:9", "crop"): (1920, 1080),
        ("16:9", "bars"): (1920, 1080),
        ("9:16", "crop"): (1080, 1920),
        ("9:16", "bars"): (1080, 1920),
        ("1:1", "crop"): (1080, 1080),
        ("1:1", "bars"): (1080, 1080),
    }


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_animation_shows_every_frame_at_its_rate(alice: User, make_edits: Make, name: str) -> None:
    job = exported(finished(alice), name)
    make_edits()
    with Image.open(io.BytesIO(body_of(job))) as shown:
        assert (shown.format, shown.size) == (name.upper(), (64, 48))
        # 24 frames a second become 20, whose delays a GIF can hold.
        assert getattr(shown, "n_frames", 1) == 20
        assert shown.info.get("loop") == 0
        red, green, _ = shown.convert("RGB").getpixel((32, 24))  # type: ignore[misc]
    assert near(red, 200, 14)
    assert near(green, 36, 14)


@pytest.mark.parametrize(("name", "most"), [("gif", 600_000), ("webp", 300_000)])
def test_animation_gets_smaller_until_it_fits(
    alice: User, make_edits: Make, settings: LazySettings, name: str, most: int
) -> None:
    settings.EXPORT_ANIMATION_BYTES, settings.CONTENT_CREDENTIALS = most, True
    job = exported(finished(alice, noise()), name)
    make_edits()
    body = body_of(job)
    assert most / 4 < len(body) <= most
    with Image.open(io.BytesIO(body)) as shown:
        assert getattr(shown, "n_frames", 1) < 50


def test_animation_that_cannot_fit_fails_with_the_reason(
    alice: User, make_edits: Make, settings: LazySettings
) -> None:
    settings.EXPORT_ANIMATION_BYTES = 1000
    job = exported(finished(alice, noise()), "gif")
    make_edits()
    assert (fresh(job).status, fresh(job).failure_code) == ("failed", "animation_too_large")


def test_all_frames_are_in_a_zip_with_their_numbers(alice: User, make_edits: Make) -> None:
    job = exported(finished(alice), "png")
    make_edits()
    body = body_of(job)
    assert names_in(body) == [f"frame-{n:05d}.png" for n in range(1, RATE + 1)]
    with ZipFile(io.BytesIO(body)) as archive:
        last = Image.open(io.BytesIO(archive.read("frame-00024.png")))
        assert (last.format, last.size, last.mode) == ("PNG", (64, 48), "RGB")
        found = last.getpixel((32, 24))
    assert all(near(a, b, 8) for a, b in zip(found, (200, 243, 40), strict=True))  # type: ignore[arg-type]


def test_contact_sheet_shows_twenty_frames(alice: User, make_edits: Make) -> None:
    job = exported(finished(alice), "sheet")
    make_edits()
    with Image.open(io.BytesIO(body_of(job))) as sheet:
        assert sheet.format == "JPEG"
        # four columns and five rows of 64x48, with room between and a line of text below each
        assert sheet.size == (4 * (64 + 12) + 12, 5 * (48 + 22 + 12) + 12)
        first, last = (sheet.getpixel(at) for at in ((40, 40), (272, 364)))
    assert near(first[1], 36, 14)  # type: ignore[index]
    assert near(last[1], 243, 14)  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [("m4a", "mov", "aac"), ("mp3", "mp3", "mp3"), ("wav", "wav", "pcm_s16le")],
)
def test_sound_is_exported_alone(
    alice: User, make_edits: Make, name: str, container: str, codec: str
) -> None:
    job = exported(finished(alice), name)
    make_edits()
    body = body_of(job)
    with open_film(body) as made:
        assert container in made.format.name
        assert len(made.streams.video) == 0
        found = made.streams.audio[0].codec_context.name
        assert found.removesuffix("float") == codec
    samples = sum(frame.samples for frame in decoded(body, "audio"))
    assert near(samples / 48000, 1, 0.06)


def test_sound_of_a_silent_video_fails_with_the_reason(alice: User, make_edits: Make) -> None:
    job = exported(finished(alice, film(hertz=0)), "m4a")
    make_edits()
    assert (fresh(job).status, fresh(job).failure_code) == ("failed", "no_sound")


@pytest.mark.parametrize("name", ["vertical", "gif", "sheet", "mp3", "webm", "png"])
def test_export_says_where_it_comes_from(
    alice: User, make_edits: Make, tmp_path: Path, settings: LazySettings, name: str
) -> None:
    settings.CONTENT_CREDENTIALS = True
    job = exported(finished(alice), name)
    make_edits()
    row, form = row_of(job), FORMATS[name]
    path = tmp_path / f"a.{form.suffix}"
    path.write_bytes(body_of(job))
    if row.sidecar:
        with default_storage.open(row.sidecar) as beside, path.open("rb") as file:
            reader = c2pa.Reader(form.media_type, file, beside.read())
            said = reader.json()
    else:
        with path.open("rb") as file:
            said = c2pa.Reader(form.media_type, file).json()
    assert bool(row.sidecar) == (name in {"webm", "png"})
    assert row.manifest in said
    names = ["c2pa.opened", "c2pa.transcoded", *["c2pa.cropped"] * (name == "vertical")]
    assert all(f'"{each}"' in said for each in names)
    assert '"parentOf"' in said
    assert "Firstlight" in said
    if not row.sidecar:
        found = reading.read(path, form.media_type, identity.current().anchor)
        assert found is not None
        assert found["state"] == "Trusted"
        path.write_bytes(path.read_bytes().replace(b"c2pa.transcoded", b"c2pa.transcoder", 1))
        altered = reading.read(path, form.media_type, identity.current().anchor)
        assert altered is None or altered["state"] != "Trusted"


def test_file_is_exported_without_credentials_where_they_are_off(
    alice: User, make_edits: Make, settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = False
    job = exported(finished(alice), "sheet")
    make_edits()
    assert (row_of(job).manifest, row_of(job).sidecar) == ("", "")
    assert b"c2pa" not in body_of(job)


def test_what_cannot_be_encoded_is_not_offered(alice: User, settings: LazySettings) -> None:
    def lacks(*names: str) -> list[str]:
        def can(form: formats.Format) -> bool:
            return formats.lacks_nothing(form, lambda name: name not in names, ["mp4", "gif"])

        return [form.name for form in formats.offered(can)]

    assert lacks("libx265", "libsvtav1") == [
        "youtube", "vertical", "square", "mp4", "gif", "png", "sheet",
    ]  # fmt: skip
    assert lacks("libx264", "gif", "png") == ["hevc", "av1", "sheet"]
    settings.EXPORT_FORMATS_OFF = ["gif"]
    with pytest.raises(NotEditable):
        exported(finished(alice), "gif")
