"""Results in any container become MP4s that browsers play; those that play stay as they are."""

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import av
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from PIL import Image

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import answered, claimed, clip, order, reloaded, running
from videos import failures
from videos.engines.base import JobState, Variant
from videos.engines.errors import BadAnswer, EngineError, NotReady, Unavailable, Unplayable
from videos.jobs.worker import settle
from videos.media import files
from videos.media.conversion import playable

SIZE = (64, 36)
FRAMES = 24
RATE = 24


class Film(NamedTuple):
    """A moving picture in a container; `times` of its frames are in 1/24 of a second."""

    suffix: str
    format: str
    video: str
    pixels: str = "yuv420p"
    audio: str = ""
    size: tuple[int, int] = SIZE
    times: Sequence[int] = range(FRAMES)
    sound_seconds: int = 1
    rotation: int = 0
    pixel_aspect: int = 0

    def write(self, path: Path) -> Path:
        with av.open(path, "w", format=self.format) as container:
            images: Any = container.add_stream(self.video, rate=RATE)
            sounds: Any = container.add_stream(self.audio, rate=48000) if self.audio else None
            images.width, images.height = self.size
            images.pix_fmt = self.pixels
            if self.rotation:
                images.set_display_rotation(self.rotation)
            if self.pixel_aspect:
                images.codec_context.sample_aspect_ratio = Fraction(self.pixel_aspect)
            for n, time in enumerate(self.times):
                picture = Image.new("RGB", self.size, (n * 9, 90, 160))
                frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
                frame.pts, frame.time_base = time, Fraction(1, RATE)
                container.mux(images.encode(frame))
            container.mux(images.encode())
            if sounds:
                for sound in _silence(sounds, self.sound_seconds):
                    container.mux(sounds.encode(sound))
                container.mux(sounds.encode())
        return path


def _silence(track: Any, seconds: int) -> list[Any]:
    sound: Any = av.AudioFrame(format=track.codec_context.format.name, samples=48000 * seconds)
    sound.sample_rate, sound.pts, sound.time_base = 48000, 0, Fraction(1, 48000)
    for plane in sound.planes:
        plane.update(bytes(plane.buffer_size))
    resampler = av.AudioResampler(sound.format.name, "stereo", 48000, frame_size=960)
    return [*resampler.resample(sound), *resampler.resample(None)]


FILMS = {
    "AVI of JPEGs": Film("avi", "avi", "mjpeg", "yuvj420p"),
    "AVI of MPEG-4 with PCM": Film("avi", "avi", "mpeg4", audio="pcm_s16le"),
    "AVI of H.264": Film("avi", "avi", "libx264"),
    "WebM of VP9 with Opus": Film("webm", "webm", "libvpx-vp9", audio="libopus"),
    "Matroska of H.264 with Opus": Film("mkv", "matroska", "libx264", audio="libopus"),
    "Matroska of full colour": Film("mkv", "matroska", "libx264", "yuv444p"),
    "QuickTime of H.264 with AAC": Film("mov", "mov", "libx264", audio="aac"),
    "GIF": Film("gif", "gif", "gif", "rgb8"),
    "MP4 with its index last": Film("mp4", "mp4", "libx264"),
    "MP4 of MPEG-4": Film("mp4", "mp4", "mpeg4"),
    "MP4 of full colour": Film("mp4", "mp4", "libx264", "yuv444p"),
    "AVI of an odd size": Film("avi", "avi", "mjpeg", "yuvj420p", size=(65, 37)),
}


class Track(NamedTuple):
    codec: str
    seconds: float
    frames: int


def tracks(path: str | Path) -> dict[str, Track]:
    """The tracks of a file by their kind, its seconds rounded to tenths."""
    with av.open(path) as container:
        found: dict[str, Track] = {}
        for stream in container.streams:
            codec: Any = stream.codec_context
            times = [packet.pts for packet in container.demux(stream) if packet.size]
            container.seek(0)
            seconds = float((stream.duration or 0) * (stream.time_base or 0))
            found[stream.type] = Track(codec.codec.canonical_name, round(seconds, 1), len(times))
        return found


def packets(path: str | Path) -> list[bytes]:
    """The bytes of the video track's packets, in their order."""
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def has_index_first(path: str) -> bool:
    body = Path(path).read_bytes()
    return 0 <= body.find(b"moov") < body.find(b"mdat")


class Engine:
    """An engine with one file."""

    name = "sandbox"

    def __init__(self, path: Path) -> None:
        self.path = path

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise NotReady("no such variant")
        to.write(self.path.read_bytes())


@pytest.mark.parametrize("name", FILMS)
def test_result_is_an_mp4_with_the_same_frames_and_sound(name: str, tmp_path: Path) -> None:
    film = FILMS[name]
    with (
        film.write(tmp_path / f"film.{film.suffix}").open("rb") as file,
        playable.as_playable(file) as made,
    ):
        files.check_mp4(made.name)
        found = tracks(made.name)
        assert has_index_first(made.name)
        with av.open(made.name) as container:
            frame = list(container.decode(video=0))[12]
        assert (frame.width, frame.height, frame.format.name) == (64, 36, "yuv420p")
        colour: Any = frame.to_image().resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    sound = {"audio": Track("aac", 1.0, found["audio"].frames)} if film.audio else {}
    assert found == {"video": Track("h264", 1.0, FRAMES), **sound}
    assert max(abs(one - other) for one, other in zip(colour, (108, 90, 160), strict=True)) < 10


@pytest.mark.parametrize(
    "film", [Film("mkv", "matroska", "libx264"), Film("mov", "mov", "libx265")]
)
def test_track_is_copied_when_browsers_play_its_codec(film: Film, tmp_path: Path) -> None:
    with (
        film.write(tmp_path / f"film.{film.suffix}").open("rb") as file,
        playable.as_playable(file) as made,
    ):
        assert packets(made.name) == packets(file.name)


def look(path: str | Path) -> tuple[int, Fraction | None, list[float | None]]:
    """How far the frames are turned, how wide a pixel is, and when each frame starts."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        shape = container.streams.video[0].sample_aspect_ratio
        return frames[0].rotation, shape, [frame.time for frame in frames]


@pytest.mark.parametrize(
    "film",
    [
        Film("mov", "mov", "mjpeg", "yuvj420p", rotation=90, pixel_aspect=2),
        Film("mov", "mov", "libx264", rotation=90, pixel_aspect=2),
        Film("mov", "mov", "mjpeg", "yuvj420p", times=(0, 1, 2, 48)),
    ],
    ids=["encoded", "copied", "varying rate"],
)
def test_frames_keep_their_rotation_shape_and_times(film: Film, tmp_path: Path) -> None:
    with (
        film.write(tmp_path / "film.mov").open("rb") as file,
        playable.as_playable(file) as made,
    ):
        assert look(made.name) == look(file.name)
        assert tracks(made.name)["video"].seconds == round((film.times[-1] + 1) / RATE, 1)


LONG_SOUND = Film("mkv", "matroska", "ffv1", audio="pcm_s16le", sound_seconds=4)


@pytest.mark.parametrize("tag", [b"DURATION", b"DURATIOX"], ids=["tagged", "not tagged"])
def test_film_is_whole_when_its_sound_is_longer_than_its_picture(
    tag: bytes, tmp_path: Path
) -> None:
    path = LONG_SOUND.write(tmp_path / "film.mkv")
    path.write_bytes(path.read_bytes().replace(b"DURATION", tag))
    with path.open("rb") as file, playable.as_playable(file) as made:
        found = tracks(made.name)
    assert (found["video"], found["audio"].seconds) == (Track("h264", 1.0, FRAMES), 4.0)


def test_file_is_kept_byte_for_byte_when_browsers_play_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(clip(audio=True))
    with path.open("rb") as file, playable.as_playable(file) as made:
        assert made is file


def test_avi_of_the_engine_is_stored_as_mp4_with_its_images(alice: User, tmp_path: Path) -> None:
    engine: Any = Engine(FILMS["AVI of JPEGs"].write(tmp_path / "film.avi"))
    saved = files.fetch_result(engine, running(order(alice)))
    assert saved.file.endswith(".mp4")
    assert tracks(default_storage.path(saved.file)) == {"video": Track("h264", 1.0, FRAMES)}
    with default_storage.open(saved.thumbnail) as file, Image.open(file) as image:
        assert (image.format, image.size) == ("WEBP", SIZE)


# ---- what cannot be converted ----


def written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


def error_of(path: Path) -> EngineError:
    with pytest.raises(EngineError) as found, path.open("rb") as file, playable.as_playable(file):
        pass
    return found.value


def half_of(film: Film) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        body = film.write(path).read_bytes()
        return written(path, body[: len(body) // 2])

    return write


@pytest.mark.parametrize(
    "write",
    [
        lambda path: written(path, b"<!doctype html><title>Just a moment...</title>"),
        lambda path: written(path, b"#EXTM3U\nfile:///etc/passwd\n"),
        lambda path: written(path, b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(4000)),
        half_of(Film("mkv", "matroska", "ffv1", "yuv420p")),
        half_of(LONG_SOUND),
        # The worker reads only some of the parts itself.
        lambda path: written(path, b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 2000),
    ],
    ids=["page", "playlist", "empty AVI", "half", "half of the sound", "many parts"],
)
def test_file_is_asked_for_again_when_it_is_damaged_or_no_video(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    assert type(error_of(write(tmp_path / "film"))) is BadAnswer


def test_file_is_refused_when_it_has_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(path, "w", format="matroska") as container:
        sounds: Any = container.add_stream("aac", rate=48000)
        for sound in _silence(sounds, 1):
            container.mux(sounds.encode(sound))
        container.mux(sounds.encode())
    error = error_of(path)
    assert (type(error), error.detail) == (
        Unplayable, "the matroska file cannot be converted: the file has no video track",
    )  # fmt: skip


def test_file_is_refused_when_its_mp4_would_be_too_large(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.RESULT_MAX_BYTES = 1000
    error = error_of(FILMS["AVI of JPEGs"].write(tmp_path / "film.avi"))
    assert (type(error), "File too large" in error.detail) == (Unplayable, True)


def test_file_is_fetched_again_when_our_disk_is_full(
    tmp_path: Path, settings: LazySettings
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    film = FILMS["AVI of JPEGs"].write(tmp_path / "film.avi")
    with pytest.raises(Unavailable):
        playable.convert(str(film), "avi", "/dev/full")


def test_user_reads_that_the_file_cannot_be_played_and_gets_the_credits_back(
    alice: User,
) -> None:
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    settle.settle([(claimed(video), Unplayable("no decoder for the codec"))])
    left = reloaded(video)
    assert (left.status, left.failure_code, credits.available(alice)) == (
        "failed", "result_unplayable", 100,
    )  # fmt: skip
    assert failures.sentence(left) == (
        "The engine made a file that cannot be played. The cause was not your prompt."
    )
    assert left.result_kept_until is not None  # staff may fetch it again


def test_no_bytes_of_a_damaged_file_stop_the_worker(tmp_path: Path) -> None:
    whole = FILMS["AVI of MPEG-4 with PCM"].write(tmp_path / "film.avi").read_bytes()
    dice = random.Random(3)
    for _ in range(6):
        body = bytearray(whole)
        for _ in range(40):
            body[dice.randrange(12, len(body))] = dice.randrange(256)
        path = written(tmp_path / "film", bytes(body))
        try:
            with path.open("rb") as file, playable.as_playable(file) as made:
                files.check_mp4(made.name)
        except (BadAnswer, Unplayable):
            pass
