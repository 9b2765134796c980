"""Exports of small films made in the test, and what their files hold."""

import io
import math
from dataclasses import replace
from functools import cache
from typing import Any
from zipfile import ZipFile

import av
import numpy as np
from django.core.files.storage import default_storage

from accounts.models import User
from tests.videos.editing.conftest import make_edits
from videos.editing.exports import orders
from videos.editing.exports.orders import Options
from videos.models import MediaExport, MediaJob, Video

__all__ = ["make_edits"]


def exported(video: Video, name: str, **fields: Any) -> MediaJob:
    """Order an export; what is no field of an order is one of its options."""
    own = {key: fields.pop(key) for key in ("max_credits", "api_key_id") if key in fields}
    return orders.submit(video.user, video, replace(Options(name), **fields), **own)


def row_of(job: MediaJob) -> MediaExport:
    return MediaExport.objects.select_related("job", "video").get(pk=job.pk)


def body_of(job: MediaJob) -> bytes:
    """The file of a finished export."""
    row = row_of(job)
    assert row.job.status == "succeeded", (row.job.failure_code, row.job.failure_detail)
    with default_storage.open(row.file, "rb") as stored:
        return bytes(stored.read())


def open_film(body: bytes) -> Any:
    return av.open(io.BytesIO(body), "r")


def decoded(body: bytes, kind: str = "video") -> list[Any]:
    with open_film(body) as container:
        return list(container.decode(**{kind: 0}))


def names_in(body: bytes) -> list[str]:
    return ZipFile(io.BytesIO(body)).namelist()


@cache
def noise(frames: int = 60) -> bytes:
    """A film that no animation makes small."""
    body, grain = io.BytesIO(), np.random.default_rng(1)
    with av.open(body, "w", format="mp4") as made:
        track: Any = made.add_stream(
            "libx264", rate=24, options={"crf": "28", "preset": "ultrafast"}
        )
        track.width, track.height, track.pix_fmt = 160, 120, "yuv420p"
        for _ in range(frames):
            picture = grain.integers(0, 255, (120, 160, 3), np.uint8)
            made.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        made.mux(track.encode())
    return body.getvalue()


def near(found: float, wanted: float, by: float) -> bool:
    return math.isclose(found, wanted, abs_tol=by)


def of_user(user: User) -> list[MediaExport]:
    return list(MediaExport.objects.of(user).newest())
