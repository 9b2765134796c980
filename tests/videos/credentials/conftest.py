"""Films with something to recognise, an engine that gives them, and credentials switched on."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import av
import c2pa
import numpy as np
import pytest
from django.conf import LazySettings
from PIL import Image

from accounts.models import User
from tests.videos.conftest import answered, claimed, order, reloaded, running
from videos.credentials import identity, own_identity, signing
from videos.engines.base import JobState, Variant
from videos.engines.errors import NotReady
from videos.jobs.worker import settle
from videos.media import files
from videos.models import Video

SIZE = (160, 96)


def film(seed: int, *, size: tuple[int, int] = SIZE, quality: int = 20, name: str = "") -> bytes:
    """A film of 20 frames: clouds that drift, others for each seed; in H.264, its index first."""
    clouds = np.random.default_rng(seed).integers(0, 255, (6, 20), np.uint8)
    whole = Image.fromarray(clouds).resize((SIZE[0] * 2, SIZE[1]), Image.Resampling.BICUBIC)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream: Any = container.add_stream(name or "libx264", rate=10)
            stream.options = {"crf": str(quality)}
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for n in range(20):
                shown = whole.crop((n * 8, 0, n * 8 + SIZE[0], SIZE[1])).resize(size)
                frame: av.VideoFrame = av.VideoFrame.from_image(shown.convert("RGB"))  # type: ignore[no-untyped-call]
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return file.read()


class FilmEngine:
    """An engine whose finished job is this file, and which has no images."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def download(self, job_id: str, variant: Variant, target: IO[bytes]) -> None:
        if variant is not Variant.VIDEO:
            raise NotReady("no images")
        target.write(self.body)


def stored(user: User, body: bytes, **fields: Any) -> Video:
    """A video whose finished file was fetched, signed and stored as a worker does."""
    video = running(order(user, **fields))
    answered(video, JobState.SUCCEEDED)
    held = claimed(video)
    engine: Any = FilmEngine(body)
    settle.settle([(held, files.fetch_result(engine, held))])
    return reloaded(video)


def path_of(video: Video) -> Path:
    return Path(video.file.path)


def manifest_of(path: Path) -> tuple[str, dict[str, Any]]:
    """The state of a file and its active manifest, by c2pa's own reader."""
    context = c2pa.Context.from_dict(signing.SETTINGS)
    with c2pa.Reader(str(path), context=context) as reader:
        said = json.loads(reader.json())
        return said["validation_state"], said["manifests"][said["active_manifest"]]


def actions_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    (assertion,) = [each for each in manifest["assertions"] if "actions" in each["label"]]
    found: list[dict[str, Any]] = assertion["data"]["actions"]
    return found


@pytest.fixture(scope="session")
def clouds() -> bytes:
    return film(1)


@pytest.fixture(scope="session")
def other_clouds() -> bytes:
    return film(2)


@pytest.fixture(autouse=True)
def _credentials(settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """Credentials are on, with a key of their own in an empty folder."""
    settings.CONTENT_CREDENTIALS = True
    settings.DATA_DIR = tmp_path
    own_identity.read_or_create()
    yield
    identity._read.cache_clear()
