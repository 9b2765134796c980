"""Videos brought to any state by the product's own steps, and generated images and clips."""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from typing import Any
from uuid import uuid4

import av
import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from accounts.models import User
from config.lib import clock
from tests.videos.receiver import Receiver
from videos.engines.base import Job, JobState, Variant
from videos.engines.downloads import ForeignHost
from videos.engines.errors import EngineError, Refused
from videos.jobs import orders
from videos.jobs.worker import claim, settle
from videos.media import files
from videos.models import DeliveryAttempt, Video, WebhookDelivery
from videos.webhooks import sender


def order(user: User, prompt: str = "A paper boat", **fields: Any) -> Video:
    """Order a video and return it."""
    return orders.submit(user, orders.VideoOrder(prompt=prompt, **{"seconds": 4, **fields}))


def reloaded(video: Video) -> Video:
    """Return the video as it is stored now."""
    return Video.objects.get(pk=video.pk)


def make_due(video: Video) -> None:
    Video.objects.filter(pk=video.pk).update(next_step_at=clock.now())


def claimed(video: Video) -> Video:
    """Claim the video as a worker does."""
    make_due(video)
    return next(
        claimed_video for claimed_video in claim.claim_due(100) if claimed_video.pk == video.pk
    )


def answered(video: Video, state: JobState, **fields: Any) -> Video:
    """Settle this answer of the engine as the video's next step, and return the stored video."""
    held = claimed(video)
    job_id = held.engine_job_id or f"job_{uuid4().hex}"
    settle.settle([(held, Job(job_id, state, **fields))])
    return reloaded(video)


def running(video: Video, **fields: Any) -> Video:
    return answered(video, JobState.RUNNING, **fields)


def failed(video: Video, code: str = "internal_error") -> Video:
    return answered(video, JobState.FAILED, failure=Refused("It broke.", code=code))


def unfetched(video: Video, error: EngineError | None = None) -> Video:
    """A video that failed because its finished file could not be fetched."""
    answered(video, JobState.SUCCEEDED)
    settle.settle([(claimed(video), error or ForeignHost("cdn.example.com is not allowed"))])
    return reloaded(video)


def failed_delivery(user: User) -> WebhookDelivery:
    """A webhook about a new video that could not be delivered."""
    now = timezone.now()
    return WebhookDelivery.objects.create(
        user=user, video=order(user), url="https://example.com/", state="failed",
        created_at=now, round_started_at=now,
    )  # fmt: skip


def deliver_due() -> int:
    """Send every due webhook as the worker does, and return how many."""
    before = DeliveryAttempt.objects.count()
    deliverer = sender.Sender(4)
    while deliverer.turn():
        pass
    deliverer.finish(0)
    return DeliveryAttempt.objects.count() - before


def completed(video: Video, mp4: bytes) -> Video:
    """Complete the video with this MP4, and with thumbnails that are arbitrary bytes."""
    answered(video, JobState.SUCCEEDED)
    names = files.storage_names(video)
    for variant, body in (
        (Variant.VIDEO, mp4),
        (Variant.THUMBNAIL, b"webp"),
        (Variant.SPRITESHEET, b"jpg"),
    ):
        default_storage.save(names[variant], ContentFile(body))
    saved = files.StoredResult(
        names[Variant.VIDEO],
        len(mp4),
        uuid4().hex * 2,
        names[Variant.THUMBNAIL],
        names[Variant.SPRITESHEET],
    )
    settle.settle([(claimed(video), saved)])
    return reloaded(video)


@pytest.fixture(scope="session")
def mp4() -> bytes:
    """One second of a real MP4."""
    return clip()


def clip(*, video: bool = True, audio: bool = False, frames: int = 24) -> bytes:
    """Return a small real MP4 of 24 frames per second, with its index first."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:  # FFmpeg reads it to move the index
        _write_clip(file.name, video=video, audio=audio, frames=frames)
        return file.read()


def _write_clip(path: str, *, video: bool, audio: bool, frames: int) -> None:
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        images = container.add_stream("libx264", rate=24) if video else None
        sounds = container.add_stream("aac", rate=48000, layout="mono") if audio else None
        if images:
            images.width, images.height, images.pix_fmt = 64, 36, "yuv420p"
            for n in range(frames):
                image = Image.new("RGB", (64, 36), (n * 9 % 256, 90, 160))
                frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
                container.mux(images.encode(frame))
            container.mux(images.encode())
        if sounds:
            for n in range(24):
                silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                silence.sample_rate, silence.time_base = 48000, Fraction(1, 48000)
                silence.pts = n * 1024
                for plane in silence.planes:
                    plane.update(bytes(plane.buffer_size))
                container.mux(sounds.encode(silence))
            container.mux(sounds.encode())


def picture(format: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """Return an image file of one colour."""
    body = BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(body, format, **options)
    return body.getvalue()


def photo(format: str = "JPEG", size: tuple[int, int] = (96, 72), **options: Any) -> bytes:
    """Return an image file of noise, larger than a kilobyte."""
    body = BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(body, format, **options)
    return body.getvalue()


def upload(body: bytes, name: str = "boat.png", content_type: str = "image/png") -> Any:
    return SimpleUploadedFile(name, body, content_type)


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    """A receiver on this machine that webhooks are allowed to reach."""
    made = Receiver()
    settings.WEBHOOK_PORTS = [*settings.WEBHOOK_PORTS, made.port]
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    yield made
    made.close()
