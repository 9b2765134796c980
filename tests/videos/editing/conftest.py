"""Small films and sounds made in the test, finished videos that have them, and what edits made."""

import io
import math
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import av
import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db import connections
from PIL import Image

from accounts.models import User
from config.lib import clock
from tests.videos.conftest import completed, order
from videos.editing import films, jobs
from videos.editing.recipes import Recipe
from videos.editing.worker import MediaWorker
from videos.models import MediaJob, Video

RATE = 24
SOUND_RATE = 48000


class Tone(NamedTuple):
    """What a piece of sound holds: its strongest frequency, in hertz, and how loud it is."""

    hertz: int
    loudness: float


@cache
def film(
    size: tuple[int, int] = (64, 48),
    frames: int = RATE,
    hertz: int = 440,
    colour: tuple[int, int, int] = (200, 36, 40),
    rate: int = RATE,
) -> bytes:
    """An MP4 whose green grows from frame to frame; its sound is one tone, or none at 0 hertz."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", format="mp4") as made:
            pictures: Any = made.add_stream("libx264", rate=rate, options={"crf": "10", "g": "12"})
            pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
            sound: Any = made.add_stream("aac", rate=SOUND_RATE, layout="mono") if hertz else None
            for n in range(frames):
                picture = Image.new("RGB", size, (colour[0], colour[1] + n * 9, colour[2]))
                frame: Any = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
                made.mux(pictures.encode(frame))
            made.mux(pictures.encode())
            if sound:
                wave_form = tone(hertz, frames / rate)
                for at in range(0, len(wave_form), 1024):
                    piece: Any = av.AudioFrame.from_ndarray(
                        wave_form[None, at : at + 1024], format="fltp", layout="mono"
                    )
                    piece.sample_rate, piece.pts = SOUND_RATE, at
                    made.mux(sound.encode(piece))
                made.mux(sound.encode())
        return Path(file.name).read_bytes()


def tone(hertz: int, seconds: float) -> Any:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (0.25 * np.sin(2 * math.pi * hertz * times)).astype(np.float32)


def wav(hertz: int, seconds: float) -> bytes:
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes((tone(hertz, seconds) * 32767).astype("<i2").tobytes())
    return body.getvalue()


def finished(user: User, body: bytes | None = None) -> Video:
    """A finished video with this file; its size and length are those of the file."""
    body = film() if body is None else body
    video = completed(order(user), body)
    with av.open(io.BytesIO(body), "r") as container:
        if not container.streams.video:
            return video
        codec = container.streams.video[0].codec_context
        seconds = max(round((container.duration or 0) / 1_000_000), 1)
    Video.objects.filter(pk=video.pk).update(size=f"{codec.width}x{codec.height}", seconds=seconds)
    return Video.objects.get(pk=video.pk)


def ordered(user: User, *videos: Video, **fields: Any) -> MediaJob:
    """Order an edit of these videos; what is no field of an order is one of the recipe."""
    own = {name: fields.pop(name) for name in ("sound", "max_credits") if name in fields}
    added = {"sound": fields.pop("added")} if "added" in fields else {}
    return jobs.submit(user, jobs.EditOrder(videos, Recipe(**fields, **added), **own))


def fresh(job: MediaJob) -> MediaJob:
    return MediaJob.objects.get(pk=job.pk)


@pytest.fixture
def make_edits() -> Iterator[Callable[..., None]]:
    """Return a function that runs the worker until a condition holds, or nothing is left to do."""
    worker = MediaWorker(1)

    def idle() -> bool:
        return not MediaJob.objects.filter(next_step_at__isnull=False).exists()

    def run(until: Callable[[], bool] = idle, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, list(MediaJob.objects.values())
            if not worker.turn():
                MediaJob.objects.filter(lease=None, next_step_at__isnull=False).update(
                    next_step_at=clock.now()
                )
                time.sleep(0.01)

    yield run
    worker.finish(5)
    connections.close_all()


class Result:
    """The file of a finished edit, decoded."""

    def __init__(self, video: Video) -> None:
        with default_storage.open(str(video.file.name)) as stored:
            self.body = stored.read()
        with av.open(io.BytesIO(self.body), "r") as container:
            stream = container.streams.video[0]
            self.codec, self.pixels = stream.codec_context.name, stream.codec_context.pix_fmt
            self.size = (stream.codec_context.width, stream.codec_context.height)
            self.rate = float(stream.average_rate or 0)
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
            self.pictures: Any = np.array(frames, dtype=int)
            self.sound_codecs = [each.codec_context.name for each in container.streams.audio]
        self.sound: Any = np.zeros(0)
        if self.sound_codecs:
            with av.open(io.BytesIO(self.body), "r") as container:
                resampler = av.AudioResampler("fltp", "mono", SOUND_RATE)
                pieces = [
                    piece.to_ndarray()[0]
                    for frame in container.decode(audio=0)
                    for piece in resampler.resample(frame)
                ]
            self.sound = np.concatenate(pieces)

    @property
    def frames(self) -> int:
        return len(self.pictures)

    @property
    def index_first(self) -> bool:
        return bool(self.body.index(b"moov") < self.body.index(b"mdat"))

    def colour(self, frame: int, x: float = 0.5, y: float = 0.5) -> tuple[int, int, int]:
        """The colour of a frame at this place, from 0 to 1."""
        width, height = self.size
        pixel = self.pictures[frame][min(int(y * height), height - 1)][
            min(int(x * width), width - 1)
        ]
        return tuple(pixel)

    def green(self, frame: int) -> int:
        return self.colour(frame)[1]

    def tone(self, start: float, end: float) -> Tone:
        """The strongest frequency of a part, to 10 hertz, and its root mean square."""
        part = self.sound[round(start * SOUND_RATE) : round(end * SOUND_RATE)]
        loudness = float(np.sqrt(np.mean(part**2)))
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        hertz = float(np.argmax(spectrum)) * SOUND_RATE / len(part)
        return Tone(round(hertz / 10) * 10, round(loudness, 2))


def result_of(job: MediaJob) -> Result:
    job = fresh(job)
    assert job.status == "succeeded", (job.failure_code, job.failure_detail)
    assert job.result is not None
    return Result(job.result)


def temporary_files() -> list[tuple[UUID, Path]]:
    return films.temporary_folders()
